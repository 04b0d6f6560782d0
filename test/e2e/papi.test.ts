/** An unmodified `polkadot-api` judges the node, over the new interface (chainHead) and over the legacy one. */
import { getPolkadotSigner } from 'polkadot-api/signer'
import { createClient, Enum, type PolkadotClient } from 'polkadot-api'
import { getWsProvider } from 'polkadot-api/ws'
import { withLegacy } from '@polkadot-api/ws-middleware'
import { Blake2256, validateProofs } from '@polkadot-api/substrate-bindings'
import { Keyring } from '@polkadot/keyring'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rpcCall, startNetwork, WebSocketClass, type Network } from './network.ts'

let network: Network

beforeAll(async () => {
  await cryptoWaitReady()
  network = await startNetwork()
})

afterAll(async () => {
  await network?.stop()
})

const signerOf = (uri: string) => {
  const pair = new Keyring({ type: 'sr25519', ss58Format: 30 }).addFromUri(uri)
  return { address: pair.address, signer: getPolkadotSigner(pair.publicKey, 'Sr25519', (data) => pair.sign(data)) }
}

describe.each([
  ['the new interface', {}],
  ['the legacy interface', { middleware: withLegacy }],
])('PAPI over %s', (_name, config) => {
  let client: PolkadotClient
  beforeAll(() => {
    client = createClient(getWsProvider(network.rpc, { websocketClass: WebSocketClass, ...config }))
  })
  afterAll(() => client?.destroy())

  test('reads chain data, constants, values and entries', async () => {
    const api = client.getUnsafeApi()
    const spec = await client.getChainSpecData()
    expect(spec.properties).toMatchObject({ ss58Format: 30 })
    expect(await api.constants['System']!['SS58Prefix']!()).toBe(30)
    const entries = (await api.query['PhalaRegistry']!['Workers']!.getEntries()) as unknown as { value: { confidence_level: number } }[]
    expect(entries.length).toBeGreaterThanOrEqual(network.workers.length)
    expect(entries[0]!.value.confidence_level).toBeGreaterThanOrEqual(1)
    const { address } = signerOf('//Alice')
    const account = (await api.query['System']!['Account']!.getValue(address)) as { data: { free: bigint } }
    expect(account.data.free).toBeGreaterThan(0n)
    const block = await client.getFinalizedBlock()
    const at = await api.query['System']!['Number']!.getValue({ at: block.hash })
    expect(at).toBe(block.number)
  })

  test('signs, submits and follows a transfer to finality', async () => {
    const api = client.getUnsafeApi()
    const { signer } = signerOf('//Charlie')
    const { address } = signerOf('//Dave')
    const tx = api.tx['Balances']!['transfer_keep_alive']!({ dest: Enum('Id', address), value: 10n ** 12n })
    const result = await tx.signAndSubmit(signer)
    expect(result.ok).toBe(true)
    expect(result.events.map((event) => event.type)).toContain('Balances')
  })

  test('a module error comes back with its name', async () => {
    const api = client.getUnsafeApi()
    const { signer } = signerOf('//Eve')
    const inner = api.tx['System']!['remark']!({ remark: new Uint8Array(1) })
    const result = await api.tx['Sudo']!['sudo']!({ call: inner.decodedCall }).signAndSubmit(signer)
    expect(result.ok).toBe(false)
    expect(result.dispatchError).toMatchObject({ type: 'Module', value: { type: 'Sudo', value: { type: 'RequireSudo' } } })
  })

  test('new blocks keep coming', async () => {
    const blocks = await new Promise<number[]>((done, failed) => {
      const seen: number[] = []
      const subscription = client.finalizedBlock$.subscribe({
        next(block) {
          seen.push(block.number)
          if (seen.length < 3) return
          subscription.unsubscribe()
          done(seen)
        },
        error: failed,
      })
    })
    expect(blocks[2]! - blocks[0]!).toBe(2)
  })
})

describe('state_getReadProof', () => {
  test('proves a present and an absent value to PAPI\'s own checker', async () => {
    const finalized = (await rpcCall(network.http, 'chain_getFinalizedHead')).result as string
    const header = (await rpcCall(network.http, 'chain_getHeader', [finalized])).result as { stateRoot: string }
    const number = '0x26aa394eea5630e07c48ae0c9558cef702a5c1b19ab7a04f536c519aca4983ac'
    const absent = '0x26aa394eea5630e07c48ae0c9558cef7ffffffffffffffffffffffffffffffff'
    for (const key of [number, absent]) {
      const { proof } = (await rpcCall(network.http, 'state_getReadProof', [[key], finalized])).result as { proof: string[] }
      const validated = validateProofs(proof, Blake2256)
      expect(validated?.rootHash).toBe(header.stateRoot)
    }
  })
})
