/** Waiting for a command's receipt while node and workers go away and come back. */
import { Secret } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { ContractExecResult } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { beforeEach, expect, test } from 'vitest'
import type { ChainState } from '../cluster/chain-state.ts'
import { createNetwork, type ChainWait, type Network } from '../cluster/network.ts'
import { connectFakeNode, settled } from '../cluster/testing.ts'
import { answerCodec } from '../contract/abi.ts'
import { command, constructor, defineContract, u32 } from '../contract/index.ts'
import { createSigner } from '../signer.ts'
import { constantRandom } from '../testing.ts'
import { contractOf, type ContractHandle } from './contract-of.ts'
import type { SendOptions } from './messages.ts'
import { FakeCluster } from './testing.ts'

const crypto = await loadCrypto()
const SECOND = 1000
const shop = defineContract({ name: 'shop', constructors: { new: constructor({ run: () => undefined }) }, messages: { buy: command({ returns: u32, run: () => 7 }) } })
const alice = createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom(1) })
const output = ContractExecResult.encode({
  gasConsumed: { refTime: 5n, proofSize: 0n }, gasRequired: { refTime: 9n, proofSize: 0n }, storageDeposit: { kind: 'Charge', value: 2n }, debugMessage: new Uint8Array(0),
  result: { ok: true, value: { flags: 0, data: answerCodec(shop.messages.buy).encode({ ok: true, value: { ok: true, value: 7 } }) } }, events: undefined,
})

let cluster: FakeCluster
let rig: ReturnType<typeof connectFakeNode>
let real: Network
let handle: ContractHandle<typeof shop>
/** The cluster has agreed on what it executed. */
let isAgreed: boolean
/** No worker can be reached. */
let areGone: boolean

/** The network of a cluster in memory, reached through a node that can be killed. */
const reachedThrough = (inMemory: Network): Network => {
  const throughNode = async <T>(ask: () => Promise<T>): Promise<T> => {
    await real.chain.finalizedHead()
    return ask()
  }
  const state = async (): Promise<ChainState> => {
    const found = await inMemory.state()
    return isAgreed ? found : Object.assign(found, { agreedReceipts: () => Promise.resolve(undefined) })
  }
  const pick: Network['pickWorker'] = (id, options) => {
    const cause = new AppError('SDK_WORKER_UNREACHABLE', { url: 'worker', reason: 'refused' })
    return areGone ? Promise.reject(new AppError('SDK_WORKER_NONE', { cluster: '', reasons: '' }, { cause })) : inMemory.pickWorker(id, options)
  }
  return Object.assign(Object.create(inMemory) as Network, {
    surroundings: { ...inMemory.surroundings, clock: rig.clock },
    state: () => throughNode(state),
    pickWorker: (...parameters: Parameters<Network['pickWorker']>) => throughNode(() => pick(...parameters)),
    holdOut: real.holdOut.bind(real),
    waitFor: <T>(wait: ChainWait<T>) => real.waitFor({ ...wait, find: async () => wait.find(await state()) }),
  })
}

beforeEach(async () => {
  cluster = new FakeCluster(crypto)
  cluster.answers = { command: () => ({ outcome: { kind: 'Executed', value: output } }) }
  rig = connectFakeNode(crypto)
  real = await createNetwork({ chain: rig.chain, surroundings: rig.surroundings, policy: 'chain' })
  handle = contractOf({ id: cluster.contract, definition: shop }, { network: reachedThrough(cluster.network), signer: alice })
  ;[isAgreed, areGone] = [true, false]
})

const pass = async (ms: number): Promise<void> => {
  for (let leftMs = ms; leftMs > 0; leftMs -= SECOND) {
    rig.clock.advance(Math.min(SECOND, leftMs))
    await settled()
  }
}
const buy = (options: SendOptions = {}) => handle.send.buy({}, { gasLimit: 100n, deposit: 0n, timeoutMs: 120 * SECOND, ...options })
/** Sends a command of whose receipt no worker knows yet. */
const buyWithoutReceipt = async (options: SendOptions = {}) => {
  cluster.stuck.add(0).add(1)
  const bought = buy(options)
  bought.catch(() => {})
  await settled()
  expect(cluster.submitted).toHaveLength(1)
  return { bought }
}

test('the receipt comes after the node was gone and is back, and the command is sent once', async () => {
  const { bought } = await buyWithoutReceipt()
  rig.node.kill()
  await pass(40 * SECOND)
  cluster.stuck.clear()
  rig.node.start()
  await pass(20 * SECOND)
  expect((await bought).value).toBe(7)
  expect(cluster.submitted).toHaveLength(1)
})

test('a worker is not blamed for an agreement that the node could not tell', async () => {
  isAgreed = false
  const bought = buy()
  await settled()
  rig.node.kill()
  await pass(40 * SECOND)
  rig.node.start()
  isAgreed = true
  await pass(20 * SECOND)
  expect((await bought).proven.worker.endpoint).toBe('worker 0')
})

test('workers that are all gone for a moment are asked again', async () => {
  areGone = true
  const bought = buy()
  await pass(30 * SECOND)
  areGone = false
  await pass(SECOND)
  expect((await bought).value).toBe(7)
})

test('workers that stay away are named when the time is up', async () => {
  areGone = true
  const failing = buy().catch((error: unknown) => error)
  await settled()
  await pass(120 * SECOND)
  const error = await failing
  expect(isAppError(error, 'SDK_WAIT_TIMEOUT') && isAppError(error.cause) && error.cause.code).toBe('SDK_WORKER_NONE')
})

test('a node that never comes back ends the wait when its time is up', async () => {
  const { bought } = await buyWithoutReceipt()
  rig.node.kill()
  await pass(121 * SECOND)
  expect(await codeOfRejection(bought)).toBe('SDK_WAIT_TIMEOUT')
})

test('a node that comes back with another chain ends the wait', async () => {
  const { bought } = await buyWithoutReceipt()
  rig.node.kill()
  rig.node.genesis = '0x02'.padEnd(66, '0')
  rig.node.start()
  await pass(20 * SECOND)
  expect(await codeOfRejection(bought)).toBe('SDK_CHAIN_DIFFERS')
})

test('a caller or client that has enough ends the wait at once, and no worker is asked any more', async () => {
  const controller = new AbortController()
  const { bought } = await buyWithoutReceipt({ signal: controller.signal })
  controller.abort()
  expect(await codeOfRejection(bought)).toBe('SDK_WAIT_ABORTED')
  await pass(2 * SECOND)
  const asked = cluster.asked.length
  await pass(20 * SECOND)
  expect(cluster.asked.length).toBe(asked)
  const other = buy()
  await settled()
  real.close()
  expect(await codeOfRejection(other)).toBe('SDK_CLIENT_CLOSED')
})
