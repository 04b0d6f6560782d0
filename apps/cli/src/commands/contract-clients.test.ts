/** The commands that speak to contracts, over a cluster in memory: what is asked and sent, what is printed, what is refused before anything is connected. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { QueryAnswer } from '@phalanx/primitives/contracts'
import { ContractExecResult } from '@phalanx/primitives/contracts'
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { Secret } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { createSigner, type Network, type PickedWorker } from '@phalanx/sdk/client'
import { FakeCluster } from '@phalanx/sdk/client/testing'
import { command, constructor, defineContract, query, struct, text, u128, u32, variant } from '@phalanx/sdk/contract'
import { answerCodec } from '@phalanx/sdk/contract/abi'
import { contractMetadata } from '@phalanx/sdk/contract/metadata'
import { constantRandom } from '@phalanx/sdk/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findCommandKey, folderBeside } from '../contract-client/kept-commands.ts'
import type { Reach } from '../contract-client/open-network.ts'
import type { Runner } from '../grammar.ts'
import type { CliIo } from '../output.ts'
import { runCli } from '../testing.ts'
import { createCall } from './contract-call.ts'
import { createDeploy } from './contract-deploy.ts'
import { createLogs } from './contract-logs.ts'
import { createQuery } from './contract-query.ts'

const crypto = await loadCrypto()
const Problem = variant('Problem', { Closed: { index: 0 } })
const shop = defineContract({
  name: 'shop',
  constructors: { new: constructor({ args: { title: text }, run: () => undefined }) },
  messages: {
    buy: command({ args: { amount: u128 }, returns: u32, errors: Problem, run: () => 1 }),
    count: query({ args: { at: u32 }, returns: struct({ ownerName: text, total: u128 }), run: () => ({ ownerName: '', total: 0n }) }),
  },
})
const dave = createSigner({ suri: new Secret('//Dave') }, { crypto, random: constantRandom(1) })
const executed = (data: Uint8Array, flags = 0): Uint8Array => ContractExecResult.encode({
  gasConsumed: { refTime: 5n, proofSize: 0n }, gasRequired: { refTime: 9n, proofSize: 0n }, storageDeposit: { kind: 'Charge', value: 2n }, debugMessage: new Uint8Array(0),
  result: { ok: true, value: { flags, data } }, events: undefined,
})
const bought = executed(answerCodec(shop.messages.buy).encode({ ok: true, value: { ok: true, value: 7 } }))
const closed = executed(answerCodec(shop.messages.buy).encode({ ok: true, value: { ok: false, error: { kind: 'Closed' } } }), 1)
const called = (output: Uint8Array): QueryAnswer => ({ kind: 'Called', value: { output, failure: undefined, logs: [{ contract: new Uint8Array(32), level: 2, message: 'asked' }] } })
/** Cursor movements in what a contract says must not reach the terminal. */
const HOSTILE = 'paid \u001b[2J now'

let folder = ''
let metadata = ''
let cluster: FakeCluster
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phalanx-clients-'))
  metadata = join(folder, 'shop.json')
  writeFileSync(metadata, JSON.stringify(contractMetadata(shop, (bytes) => crypto.blake2b256(bytes))))
  cluster = new FakeCluster(crypto)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What the workers of the cluster in memory prove, which it leaves open. */
const proof = { file: { kind: 'SgxDcap', verdict: { ok: true, facts: { measurement: new Uint8Array(68).fill(4), confidenceLevel: 1, simulated: true } } } } as unknown as PickedWorker['proof']

const reach = (isSimulated: boolean): Reach => (_io, _options, use) => {
  const network: Network = { ...cluster.network, pickWorker: async (id, options) => ({ ...(await cluster.network.pickWorker(id, options)), proof }) }
  return use({ network, crypto, signer: dave, isSimulated })
}
const nowhere: Reach = () => Promise.reject(new TypeError('nothing is to be connected'))

interface Ran {
  readonly code: string
  readonly exitCode: number | undefined
  readonly out: string
}

/** Runs a command with what the grammar would hand it. */
const run = async (runner: Runner, positional: readonly (string | undefined)[], options: object = {}): Promise<Ran> => {
  const printed: string[] = []
  const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => (printed.push(chunk.toString()), done()) })
  const io: CliIo = { stdout: sink, stderr: sink, stdin: Object.assign(Readable.from([]), { isTTY: false }), env: {} }
  const given = { node: 'ws://127.0.0.1:9944', signer: '//Dave', signerType: 'sr25519', metadata, json: false, ...options }
  try {
    return { exitCode: await runner(io, positional, given), code: 'none', out: printed.join('') }
  } catch (error) {
    return { exitCode: undefined, code: error instanceof AppError ? error.code : String(error), out: printed.join('') }
  }
}
const jsonOf = ({ out }: Ran): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>
const id = (): string => toHex(cluster.contract)

describe('phalanx contract query', () => {
  const total = executed(answerCodec(shop.messages.count).encode({ ok: true, value: { ok: true, value: { ownerName: 'Eve', total: 2n ** 70n } } }))
  beforeEach(() => void (cluster.answers = { query: () => called(total) }))

  test('prints the value and what was proven', async () => {
    const { exitCode, out } = await run(createQuery(reach(true)), [id(), 'count', '{"at": 3}'])
    expect(exitCode).toBe(0)
    expect(out).toContain(`{ ownerName: "Eve", total: ${2n ** 70n} }`)
    for (const part of ['warn: asked', 'block       10', 'SgxDcap', 'the chain\'s policy', 'simulated']) expect(out).toContain(part)
  })

  test('prints the same for machines', async () => {
    expect(jsonOf(await run(createQuery(reach(false)), [id(), 'count', '{"at": 3}'], { json: true }))).toMatchObject({
      event: 'answer', message: 'count', value: { ownerName: 'Eve', total: String(2n ** 70n) }, block: 10, simulated: false, logs: [{ level: 'warn', message: 'asked' }],
      worker: { kind: 'SgxDcap', confidence: 1, simulated: true },
    })
  })
})

describe('phalanx contract call', () => {
  const options = { gas: 100n }
  const send = (more: object = {}, isSimulated = true): Promise<Ran> => run(createCall(reach(isSimulated)), [id(), 'buy', '{"amount": "15"}'], { ...options, ...more })
  beforeEach(() => {
    cluster.answers = {
      query: () => called(bought),
      command: () => ({ outcome: { kind: 'Executed', value: bought }, logs: [{ contract: cluster.contract, level: 3, message: HOSTILE }], gas: 5_000_000_000n }),
    }
  })

  test('prints stages, result, logs, gas and block of the proven receipt', async () => {
    const { exitCode, out } = await send()
    expect(exitCode).toBe(0)
    for (const part of ['sealed', 'included', 'receipt', 'result      7', 'info: paid ·[2J now', '5.000 ms', 'block       11', 'npx phalanx observe 0x']) expect(out).toContain(part)
    expect(out).not.toContain('\u001b')
  })

  test('prints one line for machines', async () => {
    const answer = jsonOf(await send({ json: true }))
    expect(answer).toMatchObject({ event: 'receipt', ok: true, value: 7, gas: '5000000000', block: 11, logs: [{ level: 'info', message: HOSTILE }], simulated: true })
    expect(answer['commandHash']).toMatch(/^0x[0-9a-f]{64}$/)
  })

  test('prints the receipt of a command that was taken back, and fails', async () => {
    cluster.answers = { ...cluster.answers, command: () => ({ outcome: { kind: 'Executed', value: closed } }) }
    const ran = await send({ json: true })
    expect(ran.code).toBe('SDK_MESSAGE_REVERTED')
    expect(jsonOf(ran)).toMatchObject({ event: 'receipt', ok: false, block: 11 })
    expect(jsonOf(ran)).not.toHaveProperty('value')
  })

  test('keeps the command\'s key beside the metadata where the chain is simulated, elsewhere only where it is told to', async () => {
    const { commandHash } = jsonOf(await send({ json: true })) as { readonly commandHash: string }
    expect(findCommandKey(folderBeside(metadata), parseHex(commandHash))).toBeDefined()
    rmSync(folderBeside(metadata), { recursive: true })
    expect((await send({}, false)).out).not.toContain('observe')
    expect(readdirSync(folder)).toEqual(['shop.json'])
    await send({ keep: join(folder, 'kept') }, false)
    expect(readdirSync(join(folder, 'kept'))).toHaveLength(1)
  })

  test('lets another account pay', async () => {
    expect((await send({ payer: '//Ferdie', deposit: 0n })).code).toBe('none')
    const payers = cluster.submitted.map(({ payer }) => toHex(payer))
    expect(payers).toHaveLength(1)
    expect(payers).not.toContain(toHex(dave.accountId))
  })
})

describe('what is typed wrongly is said before anything is connected', () => {
  test.each<[string, Runner, readonly string[], string]>([
    ['an id', createCall(nowhere), ['0x12', 'buy'], 'CLI_OPTION_INVALID'], ['a message', createQuery(nowhere), ['ID', 'sell'], 'SDK_ENTRY_NOT_FOUND'],
    ['a query that is to be sent', createCall(nowhere), ['ID', 'count', '{"at": 1}'], 'CLI_USAGE'], ['arguments', createCall(nowhere), ['ID', 'buy', '{"amount": true}'], 'CLI_ARGUMENTS_MALFORMED'],
    ['a bundle', createDeploy(nowhere), ['none.contract'], 'CLI_FILE_UNREADABLE'], ['a constructor\'s arguments', createDeploy(nowhere), ['FILE'], 'CLI_ARGUMENTS_MALFORMED'],
    ['whose logs', createLogs(nowhere), ['logs'], 'CLI_OPTION_INVALID'],
  ])('%s', async (_, runner, positional, code) => {
    const ran = await run(runner, positional.map((one) => (one === 'ID' ? id() : one === 'FILE' ? metadata : one)))
    expect([ran.code, ran.out]).toEqual([code, ''])
  })

  test('an account or a file that is missing', async () => {
    expect((await runCli(['contract', 'call', id(), 'buy', '{"amount": 1}', '--metadata', metadata])).exitCode).toBe(2)
    expect((await runCli(['contract', 'query', id(), 'count'])).exitCode).toBe(2)
    expect((await runCli(['contract', 'logs', id()])).exitCode).toBe(2)
    expect((await runCli(['contract', 'call', id(), 'buy', '{"amount": 1}', '--metadata', metadata, '--signer', join(folder, 'none'), '--node', 'ws://127.0.0.1:1', '--json'])).stdout).toContain('CLI_FILE_UNREADABLE')
  })
})

describe('phalanx contract logs', () => {
  test('prints records and says where there are none for this account', async () => {
    let page = 0
    const record = { sequence: 4n, block: 9, content: { kind: 'Log' as const, value: { contract: cluster.contract, entry: cluster.contract, mode: 2, timeMs: 1n, level: 1, message: HOSTILE } } }
    cluster.answers = { query: () => ({ kind: 'Logs', value: page++ === 0 ? { next: 5n, records: [record] } : { next: 5n, records: [] } }) }
    const { out } = await run(createLogs(reach(true)), [id()], { follow: false })
    expect(out).toBe('block 9  error  paid ·[2J now\n')
    expect((await run(createLogs(reach(true)), [id()], { follow: false })).out).toContain('nothing that this account may read')
    page = 0
    expect(jsonOf(await run(createLogs(reach(true)), [id()], { follow: false, json: true }))).toMatchObject({ event: 'log', sequence: '4', block: 9, level: 'error', mode: 'command' })
  })
})

test('deploying names the clusters where it is not clear which is meant', async () => {
  const bundle = join(folder, 'shop.contract')
  writeFileSync(bundle, JSON.stringify({ ...contractMetadata(shop, (bytes) => crypto.blake2b256(bytes)), source: { wasm: '0x00' } }))
  expect((await run(createDeploy(reach(true)), [bundle, '{"title": "a"}'])).code).toBe('CLI_CLUSTER_UNCLEAR')
})
