/** An unmodified `@polkadot/api` judges the node: connect, read, subscribe, sign, follow, decode. */
import { ApiPromise, WsProvider } from '@polkadot/api'
import type { SubmittableExtrinsic } from '@polkadot/api/types'
import type { ISubmittableResult } from '@polkadot/types/types'
import { Keyring } from '@polkadot/keyring'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startNetwork, type Network } from './network.ts'

let network: Network
let api: ApiPromise
let alice: ReturnType<Keyring['addFromUri']>
let bob: typeof alice

beforeAll(async () => {
  await cryptoWaitReady()
  network = await startNetwork()
  api = await ApiPromise.create({ provider: new WsProvider(network.rpc) as never, noInitWarn: true })
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 30 })
  alice = keyring.addFromUri('//Alice')
  bob = keyring.addFromUri('//Bob')
})

afterAll(async () => {
  await api?.disconnect()
  await network?.stop()
})

/** Signs, submits and follows to finality; returns the statuses seen and the final result. */
const follow = (tx: SubmittableExtrinsic<'promise'>, signer: typeof alice, options = {}): Promise<{ statuses: string[]; result: ISubmittableResult }> =>
  new Promise((done, failed) => {
    const statuses: string[] = []
    tx.signAndSend(signer, options, (result) => {
      statuses.push(result.status.type)
      if (result.status.isFinalized) done({ statuses, result })
      if (result.isError) failed(new Error(`dropped: ${result.status.type}`))
    }).catch(failed)
  })

const eventNames = (result: ISubmittableResult): string[] => result.events.map(({ event }) => `${event.section}.${event.method}`)

describe('polkadot-js reads', () => {
  test('chain identity, constants and metadata', async () => {
    expect(api.registry.chainSS58).toBe(30)
    expect(api.registry.chainDecimals).toEqual([12])
    expect(api.consts['system']?.['ss58Prefix']?.toString()).toBe('30')
    expect(api.consts['balances']?.['existentialDeposit']?.toString()).toMatch(/^\d+$/)
    expect(Object.keys(api.tx)).toEqual(expect.arrayContaining(['system', 'balances', 'utility', 'sudo', 'proxy', 'phalaMq', 'phalaRegistry']))
    expect(api.runtimeMetadata.version).toBeGreaterThanOrEqual(14)
  })

  test('plain values, maps, entries and values at a block', async () => {
    const head = await api.rpc.chain.getFinalizedHead()
    const at = await api.at(head)
    const workers = await api.query['phalaRegistry']!['workers']!.entries()
    // The gatekeeper is a worker too and registers after "ready".
    const identities = workers.map(([key]) => key.args[0]!.toHex())
    expect(identities).toEqual(expect.arrayContaining(network.workers.map(({ identity }) => identity)))
    expect((await at.query['phalaRegistry']!['workers']!.keys()).length).toBeGreaterThanOrEqual(network.workers.length)
    expect(BigInt((await api.query['timestamp']!['now']!()).toString())).toBeGreaterThan(1_700_000_000_000n)
    const many = await api.query['system']!['account']!.multi([alice.address, bob.address])
    expect(many).toHaveLength(2)
    const genesis = await api.at(api.genesisHash)
    expect(await genesis.query['phalaRegistry']!['workers']!.keys()).toHaveLength(0)
  })

  test('a registered worker carries the fields of the reference', async () => {
    const [entry] = await api.query['phalaRegistry']!['workers']!.entries()
    const info = entry![1].toJSON() as Record<string, unknown>
    expect(Object.keys(info)).toEqual(['pubkey', 'ecdhPubkey', 'runtimeVersion', 'lastUpdated', 'operator', 'attestationProvider', 'confidenceLevel', 'initialScore', 'features'])
    expect(info['attestationProvider']).toBe('Dcap')
    expect(info['pubkey']).not.toBe(info['ecdhPubkey'])
  })

  test('new heads arrive', async () => {
    const numbers = await new Promise<number[]>((done, failed) => {
      const seen: number[] = []
      api.rpc.chain.subscribeNewHeads((header) => {
        seen.push(header.number.toNumber())
        if (seen.length === 2) done(seen)
      }).catch(failed)
    })
    expect(numbers[1]).toBeGreaterThan(numbers[0]!)
  })
})

describe('polkadot-js writes', () => {
  test('a transfer is watched from ready to finalised with its events in order', async () => {
    const { statuses, result } = await follow(api.tx['balances']!['transferKeepAlive']!(bob.address, 10n ** 12n), alice)
    expect(statuses).toEqual(expect.arrayContaining(['Ready', 'InBlock', 'Finalized']))
    expect(statuses.indexOf('InBlock')).toBeLessThan(statuses.indexOf('Finalized'))
    const names = eventNames(result)
    expect(names[0]).toBe('balances.Withdraw')
    expect(names).toEqual(expect.arrayContaining(['balances.Transfer', 'transactionPayment.TransactionFeePaid', 'system.ExtrinsicSuccess']))
  })

  test('a module error decodes to its name and docs', async () => {
    const { result } = await follow(api.tx['sudo']!['sudo']!(api.tx['system']!['remark']!('0x00')), bob)
    expect(result.dispatchError?.isModule).toBe(true)
    const error = api.registry.findMetaError(result.dispatchError!.asModule)
    expect(`${error.section}.${error.name}`).toBe('sudo.RequireSudo')
    expect(error.docs.join(' ')).not.toBe('')
  })

  test('sudo, batches and proxies dispatch inner calls', async () => {
    const force = api.tx['phalaRegistry']!['forceSetBenchmarkDuration']!(9)
    const { result } = await follow(api.tx['utility']!['batchAll']!([api.tx['sudo']!['sudo']!(force), api.tx['system']!['remarkWithEvent']!('0x1234')]), alice)
    expect(eventNames(result)).toEqual(expect.arrayContaining(['sudo.Sudid', 'system.Remarked', 'utility.BatchCompleted']))
    expect((await api.query['phalaRegistry']!['benchmarkDuration']!()).toString()).toBe('9')
    await follow(api.tx['proxy']!['addProxy']!(bob.address, 'Any', 0), alice)
    const proxied = await follow(api.tx['proxy']!['proxy']!(alice.address, null, api.tx['system']!['remarkWithEvent']!('0x55')), bob)
    expect(eventNames(proxied.result)).toEqual(expect.arrayContaining(['proxy.ProxyExecuted', 'system.Remarked']))
  })

  test('ed25519 and ecdsa accounts sign too', async () => {
    for (const type of ['ed25519', 'ecdsa'] as const) {
      const pair = new Keyring({ type, ss58Format: 30 }).addFromUri(`//${type}`)
      await follow(api.tx['balances']!['transferKeepAlive']!(pair.address, 10n ** 13n), alice)
      const { result } = await follow(api.tx['system']!['remark']!('0x01'), pair as typeof alice)
      expect(eventNames(result)).toContain('system.ExtrinsicSuccess')
    }
  })

  test('fees are quoted, nonces counted and a dry run of the future refused', async () => {
    const tx = api.tx['balances']!['transferKeepAlive']!(bob.address, 1_000_000_000_000n)
    const info = await tx.paymentInfo(alice)
    expect(info.partialFee.toBigInt()).toBeGreaterThan(0n)
    const nonce = await api.rpc.system.accountNextIndex(alice.address)
    const { result } = await follow(tx, alice, { era: 64, tip: 5 })
    const paid = result.events.find(({ event }) => event.method === 'TransactionFeePaid')!.event.data
    expect(BigInt(paid[1]!.toString())).toBe(info.partialFee.toBigInt() + 5n)
    expect((await api.rpc.system.accountNextIndex(alice.address)).toNumber()).toBe(nonce.toNumber() + 1)
  })

  test.each([
    ['an old nonce', { nonce: 0 }, '1010'],
    ['an overdrawn tip', { tip: 10n ** 30n }, '1010'],
  ])('refuses %s with the number clients know', async (_name, options, code) => {
    await expect(follow(api.tx['system']!['remark']!('0x'), alice, options)).rejects.toThrow(code)
  })
})
