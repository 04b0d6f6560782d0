/** What `phalanx dev` prints to be typed next, typed exactly so: a confidential answer that depends on two senders, and who could see what of it. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { suriToSr25519 } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { toHex } from '@phalanx/primitives/bytes'
import { startNetwork, type Network } from './network.ts'

const ROOT = resolve(import.meta.dirname, '../..')

interface Ended {
  readonly code: number | null
  readonly lines: readonly Readonly<Record<string, unknown>>[]
}

/** Types a line into a shell in the project's folder, for machines to read. */
const type = (line: string): Promise<Ended> =>
  new Promise((done) => {
    const child = spawn('sh', ['-c', `${line} --json`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    child.once('close', (code) => done({ code, lines: printed.split('\n').filter((each) => each.startsWith('{')).map((each) => JSON.parse(each) as Ended['lines'][number]) }))
  })

let network: Network
let contract = ''
let commands: readonly [string, string] = ['', '']
/** The options behind the printed query: account, metadata, node. */
let rest = ''

beforeAll(async () => {
  network = await startNetwork()
  const deployed = (await network.next('deployed')) as unknown as { readonly contract: string; readonly try: readonly [string, string] }
  contract = deployed.contract
  commands = deployed.try
  rest = commands[1].slice(commands[1].indexOf('--metadata'))
}, 240_000)
afterAll(async () => void (await network?.stop()), 30_000)

describe('the printed commands', () => {
  test('give a confidential answer that depends on two sealed bids, and observing shows nobody but the sender what was bid', { timeout: 120_000 }, async () => {
    const crypto = await loadCrypto()
    const dave = toHex(suriToSr25519(crypto, '//Dave').publicKey)
    const bid = await type(commands[0])
    expect(bid).toMatchObject({ code: 0, lines: [{ event: 'receipt', ok: true, contract, logs: [{ message: 'a bid was placed' }], simulated: true }] })
    const answer = await type(commands[1])
    expect(answer).toMatchObject({ code: 0, lines: [{ event: 'answer', value: { winner: dave, price: '120000000000000', bidders: 2 } }] })

    const { commandHash } = bid.lines[0] as { readonly commandHash: string }
    const seen = await type(`npx phalanx observe ${commandHash} ${rest}`)
    const hidden = { holdsTheCall: false }
    expect(seen).toMatchObject({
      code: 0,
      lines: [{
        commandHash, contract, chain: { ...hidden, form: 'Sealed', ok: true, payer: dave }, relay: hidden, host: { ...hidden, isSealed: true },
        sender: { from: dave, message: 'bid', args: { amount: '150000000000000' }, receipt: { ok: true, logs: [{ message: 'a bid was placed' }] } },
      }],
    })
    // Whoever has not kept the key, a stranger's metadata beside another folder, reads nothing.
    const stranger = await type(`npx phalanx observe ${contract} --node ${network.rpc}`)
    expect(stranger.lines[0]).toMatchObject({ commandHash, sender: null })
  })

  test('are refused under the vendors\' roots, and by the contract when they come too late', { timeout: 120_000 }, async () => {
    expect(await type(`${commands[1]} --trust vendors`)).toMatchObject({ code: 1, lines: [{ event: 'error', code: 'CLI_CHAIN_SIMULATED' }] })
    expect(await type(commands[0])).toMatchObject({ code: 1, lines: [{ event: 'error', code: 'SDK_MESSAGE_REVERTED' }] })
    const taken = await type(`${commands[0]} --gas 200000000000`)
    expect(taken).toMatchObject({ code: 1, lines: [{ event: 'receipt', ok: false }, { event: 'error', code: 'SDK_MESSAGE_REVERTED' }] })
  })

  test('have left logs for the seller, and for nobody else', { timeout: 120_000 }, async () => {
    const logs = await type(`npx phalanx contract logs ${contract} --signer //Bob//stash ${rest}`)
    expect(logs.lines.filter(({ event }) => event === 'log').map(({ message }) => message)).toEqual(['a bid was placed', 'a bid was placed'])
    expect(logs.lines).toContainEqual(expect.objectContaining({ event: 'event', kind: 'AuctionClosed', value: { bidders: 2 } }))
    expect(await type(`npx phalanx contract logs ${contract} --signer //Eve ${rest}`)).toEqual({ code: 0, lines: expect.not.arrayContaining([expect.objectContaining({ event: 'log' })]) as unknown })
  })
})
