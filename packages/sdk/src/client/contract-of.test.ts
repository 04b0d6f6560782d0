import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret } from '@phalanx/primitives/crypto'
import { bytesEqual, concatBytes, toHex } from '@phalanx/primitives/bytes'
import { ContractExecResult, type QueryAnswer, type Receipt } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { InkCommand } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { pushContractMessage, transferToCluster } from '../cluster/calls.ts'
import { answerCodec } from '../contract/abi.ts'
import { bool, command, constructor, defineContract, query, u128, u32, variant } from '../contract/index.ts'
import { contractMetadata } from '../contract/metadata.ts'
import { createSigner } from '../signer.ts'
import { constantRandom } from '../testing.ts'
import { contractOf, type ContractHandle } from './contract-of.ts'
import type { CommandStage } from './messages.ts'
import { FakeCluster } from './testing.ts'

const crypto = await loadCrypto()
const Problem = variant('Problem', { Closed: { index: 0 } })
const shop = defineContract({
  name: 'shop',
  constructors: { new: constructor({ run: () => undefined }) },
  messages: {
    buy: command({ args: { amount: u128 }, returns: u32, errors: Problem, run: () => 1 }),
    close: command({ run: () => undefined }),
    isOpen: query({ args: { at: u32 }, returns: bool, run: () => true }),
  },
})
type Shop = ContractHandle<typeof shop>
const alice = createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom(1) })
const bob = createSigner({ suri: new Secret('//Bob') }, { crypto, random: constantRandom(2) })

const executed = (data: Uint8Array, flags = 0): Uint8Array => ContractExecResult.encode({
  gasConsumed: { refTime: 5n, proofSize: 0n }, gasRequired: { refTime: 9n, proofSize: 0n }, storageDeposit: { kind: 'Charge', value: 2n }, debugMessage: new Uint8Array(0),
  result: { ok: true, value: { flags, data } }, events: undefined,
})
const called = (output: Uint8Array, failure?: string): QueryAnswer => ({ kind: 'Called', value: { output, failure, logs: [{ contract: new Uint8Array(32), level: 3, message: 'asked' }] } })
const bought = (count: number): Uint8Array => answerCodec(shop.messages.buy).encode({ ok: true, value: { ok: true, value: count } })
const closed = answerCodec(shop.messages.buy).encode({ ok: true, value: { ok: false, error: { kind: 'Closed' } } })
const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error)
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await errorOf(promise)
  return error instanceof AppError ? error.code : String(error)
}

let cluster: FakeCluster
let handle: Shop
beforeEach(() => {
  cluster = new FakeCluster(crypto)
  handle = contractOf({ id: cluster.contract, definition: shop }, { network: cluster.network, signer: alice })
})

const OPTIONS = { gasLimit: 100n, deposit: 0n } as const

describe('queries', () => {
  test('are asked in the signer\'s name, sealed, and their values decoded', async () => {
    const origins: string[] = []
    cluster.answers = {
      query(content, origin) {
        origins.push(toHex(origin))
        return called(executed(answerCodec(shop.messages.isOpen).encode({ ok: true, value: { ok: true, value: content.query.kind === 'Call' } })))
      },
    }
    expect(await handle.query.isOpen({ at: 3 })).toBe(true)
    const nobody = contractOf<typeof shop>({ id: cluster.contract, metadata: contractMetadata(shop, (bytes) => crypto.blake2b256(bytes)) }, { network: cluster.network })
    expect(await nobody.query.isOpen({ at: 3 })).toBe(true)
    expect((await handle.ask('isOpen', { at: 3 })).logs.map(({ message }) => message)).toEqual(['asked'])
    expect(origins[0]).toBe(toHex(alice.accountId))
    expect(origins[1]).not.toBe(toHex(alice.accountId))
  })

  test('go to another worker where one does not answer, and say why where none does', async () => {
    cluster.answers = { query: () => called(executed(answerCodec(shop.messages.isOpen).encode({ ok: true, value: { ok: true, value: false } }))) }
    cluster.down.add(0)
    expect(await handle.query.isOpen({ at: 1 })).toBe(false)
    expect(cluster.asked).toEqual([0, 1])
    cluster.down.add(1)
    expect(await codeOf(handle.query.isOpen({ at: 1 }))).toBe('SDK_WORKER_UNREACHABLE')
  })

  test('go to another worker where one stays behind, and end where all do', async () => {
    cluster.answers = { query: () => called(executed(answerCodec(shop.messages.isOpen).encode({ ok: true, value: { ok: true, value: true } }))) }
    const settled = async <T>(asking: Promise<T>): Promise<T> => {
      let isSettled = false
      void asking.catch(() => {}).then(() => (isSettled = true))
      while (!isSettled) {
        cluster.clock.advance(60_000)
        await new Promise(setImmediate)
      }
      return asking
    }
    cluster.stuck.add(0)
    expect(await settled(handle.query.isOpen({ at: 1 }))).toBe(true)
    expect(cluster.asked).toEqual([0, 0, 0, 0, 0, 1])
    cluster.stuck.add(1)
    expect(await settled(codeOf(handle.query.isOpen({ at: 1 })))).toBe('SDK_MESSAGE_REFUSED')
    expect(cluster.asked.slice(6, 16)).toEqual([0, 0, 0, 0, 0, 1, 0, 1, 0, 1])
  })

  test('are answered from the block of what was sent over the same connection, or a later one', async () => {
    const wanted: number[] = []
    cluster.answers = {
      query(content) {
        wanted.push(content.atLeast.number)
        return called(executed(answerCodec(shop.messages.isOpen).encode({ ok: true, value: { ok: true, value: true } })))
      },
    }
    await handle.query.isOpen({ at: 1 })
    cluster.block = 11
    await cluster.network.submit(cluster.network.account(bob), [transferToCluster({ amount: 1n, cluster: cluster.id, account: alice.accountId })])
    await handle.query.isOpen({ at: 1 })
    expect(wanted).toEqual([6, 11])
  })

  test('take no reply that another than the worker has sealed or signed', async () => {
    cluster.answers = {
      query: () => called(executed(bought(1))),
      tamper: (reply) => concatBytes(reply.subarray(0, -1), Uint8Array.of((reply.at(-1) as number) ^ 1)),
    }
    expect(await codeOf(handle.query.buy({ amount: 1n }))).toBe('SEALED_NOT_OPENED')
  })

  test('pass on what the contract says, what stops it, and what the worker refuses', async () => {
    cluster.answers = { query: () => called(executed(closed, 1)) }
    const reverted = await errorOf(handle.query.buy({ amount: 1n }))
    expect(isAppError(reverted, 'SDK_MESSAGE_REVERTED') && reverted.context.error).toEqual({ kind: 'Closed' })
    cluster.answers = { query: () => called(ContractExecResult.encode({ ...ContractExecResult.decode(executed(closed)), result: { ok: false, error: { kind: 'Other' } } }), 'no gas') }
    const stopped = await errorOf(handle.query.buy({ amount: 1n }))
    expect(isAppError(stopped, 'SDK_MESSAGE_FAILED') && stopped.context.reason).toBe('Other, no gas')
    cluster.answers = { query: () => called(executed(Uint8Array.of(9, 9, 9))) }
    expect(await codeOf(handle.query.buy({ amount: 1n }))).toBe('SDK_MESSAGE_FAILED')
    cluster.answers = { query: () => called(executed(Uint8Array.of(1, 1), 1)) }
    expect(await codeOf(handle.query.buy({ amount: 1n }))).toBe('SDK_MESSAGE_FAILED')
    cluster.answers = {}
    const refused = await errorOf(handle.query.buy({ amount: 1n }))
    expect(isAppError(refused, 'SDK_MESSAGE_REFUSED') && refused.context.code).toBe('QUERY_REPLAYED')
  })
})

describe('commands', () => {
  const outcome = (data: Uint8Array, flags = 0): Pick<Receipt, 'outcome'> => ({ outcome: { kind: 'Executed', value: executed(data, flags) } })

  test('reach the contract sealed and signed, and resolve with the proven receipt', async () => {
    let seen = ''
    cluster.answers = {
      command({ from, payload }) {
        const { value } = InkCommand.decode(payload.input)
        seen = `${toHex(from)} ${value.gasLimit} ${toHex(value.message.subarray(4))}`
        return { ...outcome(bought(8)), logs: [{ contract: cluster.contract, level: 3, message: 'sold' }] }
      },
    }
    const stages: string[] = []
    const receipt = await handle.send.buy({ amount: 2n }, { ...OPTIONS, onStage: ({ kind }) => stages.push(kind) })
    expect(seen).toBe(`${toHex(alice.accountId)} 100 0x02${'00'.repeat(15)}`)
    expect(receipt).toMatchObject({ value: 8, gas: 5n, fee: 3n, block: { number: 11 }, logs: [{ message: 'sold' }] })
    expect(stages).toEqual(['sealed', 'included'])
    const [{ calls } = { calls: [] }] = cluster.submitted
    const plain = shop.messages.buy.args.amount.encode(2n)
    expect(calls.every(({ args }) => !toHex(args).includes(toHex(plain).slice(2)))).toBe(true)
  })

  test('can be paid by another account, in an extrinsic that does not name the sender', async () => {
    let free = 0n
    cluster.answers = {
      query: ({ query: asked }) => called(executed(asked.kind === 'Estimate' ? bought(1) : Uint8Array.of(0, ...u128.encode(free)))),
      command: () => outcome(bought(1)),
    }
    expect(await codeOf(handle.send.buy({ amount: 1n }, { payer: bob }))).toBe('SDK_CLUSTER_BALANCE_LOW')
    expect(cluster.submitted).toEqual([])
    free = 10n ** 12n
    await handle.send.buy({ amount: 1n }, { payer: bob })
    expect(cluster.submitted.map(({ payer, calls }) => [toHex(payer), calls.map(({ call }) => call)])).toEqual([[toHex(bob.accountId), ['push_contract_message']]])
    expect(cluster.submitted.some(({ calls }) => calls.some(({ args }) => toHex(args).includes(toHex(alice.accountId).slice(2))))).toBe(false)
  })

  test('are estimated where no gas limit is given, and bring what is missing in the cluster', async () => {
    cluster.answers = {
      query: ({ query: asked }) => called(executed(asked.kind === 'Estimate' ? bought(1) : Uint8Array.of(0, ...u128.encode(0n)))),
      command: () => outcome(bought(1)),
    }
    await handle.send.buy({ amount: 1n })
    expect(cluster.submitted.map(({ calls }) => calls.map(({ call }) => call))).toEqual([['transfer_to_cluster', 'push_contract_message']])
    expect(cluster.submitted[0]?.calls[0]?.args.slice(0, 16)).toEqual(u128.encode(10n ** 13n))
    cluster.answers = { query: () => called(executed(closed, 1)) }
    expect(await codeOf(handle.send.buy({ amount: 1n }))).toBe('SDK_MESSAGE_REVERTED')
    expect(cluster.submitted).toHaveLength(1)
  })

  test('fail with the contract\'s error and the receipt', async () => {
    cluster.answers = { command: () => ({ ...outcome(closed, 1), failure: undefined }) }
    const error = await errorOf(handle.send.buy({ amount: 1n }, OPTIONS))
    expect(isAppError(error, 'SDK_MESSAGE_REVERTED') && [error.context.error, (error.context.receipt as { readonly gas: bigint }).gas]).toEqual([{ kind: 'Closed' }, 5n])
  })

  test('are sealed again, once, where their epoch was over', async () => {
    cluster.answers = { command: () => outcome(bought(1)) }
    const epochs: bigint[] = []
    const onStage = (stage: CommandStage): void => {
      // Between sealing and the block the cluster goes on to the next epoch.
      if (stage.kind === 'sealed') epochs.push(stage.value.epoch)
      cluster.openEpochs = [2n]
      if (stage.kind === 'included') cluster.epoch = 2n
    }
    const first = handle.send.buy({ amount: 1n }, { ...OPTIONS, onStage })
    expect((await first).value).toBe(1)
    expect(epochs).toEqual([1n, 2n])
    cluster.openEpochs = []
    expect(await codeOf(handle.send.buy({ amount: 1n }, OPTIONS))).toBe('SDK_MESSAGE_REFUSED')
    expect(cluster.submitted).toHaveLength(4)
  })

  test('take no receipt that the cluster did not agree on, but that of another worker', async () => {
    cluster.answers = { command: () => outcome(bought(1)) }
    cluster.lying.add(0)
    expect((await handle.send.buy({ amount: 1n }, OPTIONS)).proven.worker.endpoint).toBe('worker 1')
    expect(cluster.submitted).toHaveLength(1)
    cluster.agreed = crypto.blake2b256(new Uint8Array(1))
    expect(await codeOf(handle.send.buy({ amount: 1n }, OPTIONS))).toBe('SDK_RECEIPT_NOT_AGREED')
  })

  test('are heard of from another worker where one does not come so far', async () => {
    cluster.answers = { command: () => outcome(bought(8)) }
    cluster.stuck.add(0)
    expect((await handle.send.buy({ amount: 2n }, OPTIONS)).value).toBe((await handle.send.buy({ amount: 2n }, OPTIONS)).value)
    expect(cluster.asked).toEqual([0, 1, 0, 1])
  })

  test('cannot leave in the clear', () => {
    const payload = { bytes: new Uint8Array(8), purpose: 'command' }
    // @ts-expect-error bytes are not sealed by saying so
    const call = (): unknown => pushContractMessage({ contract: cluster.contract, payload, deposit: 0n })
    expect(call).toThrow(expect.objectContaining({ code: 'SDK_PLAINTEXT_REFUSED' }))
  })

  test('need a signer', async () => {
    const nobody = contractOf({ id: cluster.contract, definition: shop }, { network: cluster.network })
    expect(await codeOf(nobody.send.close())).toBe('SDK_SIGNING_REFUSED')
  })
})

test('types follow from the declaration', () => {
  expectTypeOf(handle.send.buy).parameter(0).toEqualTypeOf<{ readonly amount: bigint }>()
  expectTypeOf<Awaited<ReturnType<Shop['send']['buy']>>['value']>().toEqualTypeOf<number>()
  expectTypeOf<Awaited<ReturnType<Shop['query']['isOpen']>>>().toEqualTypeOf<boolean>()
  expectTypeOf(handle.send).not.toHaveProperty('isOpen')
  expectTypeOf(handle.send.close).toBeCallableWith()
  // @ts-expect-error no such message
  expect(handle.send.sell).toBeTypeOf('function')
  const untyped = contractOf({ id: cluster.contract, metadata: contractMetadata(shop, (bytes) => crypto.blake2b256(bytes)) }, { network: cluster.network })
  expectTypeOf(untyped.send).toExtend<{ readonly [name: string]: (args?: Readonly<Record<string, unknown>>) => Promise<unknown> }>()
  expect(Object.keys(untyped.query)).toEqual(['buy', 'close', 'isOpen'])
  expect(bytesEqual(untyped.id, cluster.contract)).toBe(true)
})
