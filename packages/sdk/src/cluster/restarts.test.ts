/** Waits and submissions over restarts of the node: what was on its way comes to its end once, or is told with a code. */
import { Secret } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { createSigner } from '../signer.ts'
import { constantRandom } from '../testing.ts'
import type { NamedCall } from './calls.ts'
import { createNetwork, type Network } from './network.ts'
import { connectFakeNode, settled } from './testing.ts'

const crypto = await loadCrypto()
const SECOND = 1000
const MINUTE = 60 * SECOND
const call: NamedCall = { pallet: 'System', call: 'remark', args: new Uint8Array(2) }

let rig: ReturnType<typeof connectFakeNode>
let network: Network
beforeEach(async () => {
  rig = connectFakeNode(crypto)
  network = await createNetwork({ chain: rig.chain, surroundings: rig.surroundings, policy: 'chain' })
})

/** Time passes in small steps, in which everything may happen. */
const pass = async (ms: number): Promise<void> => {
  for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
    rig.clock.advance(Math.min(250, leftMs))
    await settled()
  }
}
const restart = async (downMs = 10 * SECOND): Promise<void> => {
  rig.node.kill()
  await pass(downMs)
  rig.node.start()
  await pass(20 * SECOND)
}
const block = async (): Promise<void> => {
  rig.node.makeBlock()
  await settled()
}
const abortable = () => {
  const listeners = new Set<() => void>()
  const signal = {
    aborted: false,
    addEventListener: (_type: 'abort', listener: () => void) => void listeners.add(listener),
    removeEventListener: (_type: 'abort', listener: () => void) => void listeners.delete(listener),
  }
  return { signal, listeners, abort: () => { signal.aborted = true; for (const listener of [...listeners]) listener() } }
}

describe('a wait', () => {
  const waitForBlock = (number: number, options: { readonly timeoutMs?: number; readonly signal?: ReturnType<typeof abortable>['signal'] } = {}) =>
    network.waitFor({ what: 'block', timeoutMs: options.timeoutMs ?? 5 * MINUTE, signal: options.signal, find: (state) => Promise.resolve(state.block.number >= number ? state.block.number : undefined) })

  test('goes on when the node is back, whether it comes back with the block or makes it later', async () => {
    const [now, later] = [waitForBlock(4), waitForBlock(5)]
    await settled()
    rig.node.kill()
    await pass(7 * SECOND)
    rig.node.makeBlock()
    rig.node.start()
    await pass(20 * SECOND)
    expect(await now).toBe(4)
    await block()
    expect(await later).toBe(5)
  })

  test('goes on over many restarts, also where the node goes away while it is asked', async () => {
    const waiting = waitForBlock(4)
    for (const method of ['chain_getFinalizedHead', 'chain_getHeader', 'chain_subscribeFinalizedHeads', 'state_getRuntimeVersion']) {
      rig.node.killedBy = { method, isDone: false }
      await restart()
    }
    await block()
    expect(await waiting).toBe(4)
  })

  test('ends when its time is up, and says that the node was away', async () => {
    const waiting = waitForBlock(4, { timeoutMs: MINUTE }).catch((error: unknown) => error)
    await settled()
    rig.node.kill()
    await pass(MINUTE - 250)
    let isOver = false
    void waiting.then(() => (isOver = true))
    await settled()
    expect(isOver).toBe(false)
    await pass(250)
    const error = await waiting
    expect(isAppError(error, 'SDK_WAIT_TIMEOUT') && isAppError(error.cause) && error.cause.code).toBe('SDK_CONNECTION_FAILED')
  })

  test('ends where the node comes back with another chain', async () => {
    const waiting = codeOfRejection(waitForBlock(4))
    await settled()
    rig.node.genesis = '0x02'.padEnd(66, '0')
    await restart()
    expect(await waiting).toBe('SDK_CHAIN_DIFFERS')
  })

  test('ends at once when its caller or the client has enough, with or without a node, and leaves nothing behind', async () => {
    for (const isUp of [true, false]) {
      const { signal, listeners, abort } = abortable()
      const waiting = codeOfRejection(waitForBlock(4, { signal }))
      await settled()
      if (!isUp) rig.node.kill()
      await settled()
      abort()
      expect([isUp, await waiting, listeners.size]).toEqual([isUp, 'SDK_WAIT_ABORTED', 0])
      expect(await codeOfRejection(waitForBlock(4, { signal }))).toBe('SDK_WAIT_ABORTED')
    }
    const waiting = codeOfRejection(waitForBlock(4))
    await settled()
    network.close()
    expect(await waiting).toBe('SDK_CLIENT_CLOSED')
    expect(await codeOfRejection(waitForBlock(4))).toBe('SDK_CLIENT_CLOSED')
  })

  test('follows blocks no longer than it must', async () => {
    const waiting = waitForBlock(4)
    await settled()
    await restart()
    await block()
    await waiting
    await settled()
    const asked = rig.node.asked.length
    await block()
    expect(rig.node.asked.length).toBe(asked)
    expect([rig.node.count('chain_subscribeFinalizedHeads'), rig.node.count('chain_unsubscribeFinalizedHeads')]).toEqual([2, 1])
  })
})

describe('what asks and changes nothing', () => {
  test('asks again when the node is back, and passes on what is no outage', async () => {
    rig.node.kill()
    await settled()
    const held = network.holdOut({ what: 'head', timeoutMs: MINUTE }, () => network.chain.finalizedHead())
    rig.node.start()
    await pass(10 * SECOND)
    expect((await held).number).toBe(3)
    expect(await codeOfRejection(network.holdOut({ what: 'it', timeoutMs: MINUTE }, () => network.chain.genesisInfo()))).toBe('SDK_RPC_REFUSED')
  })

  test('may take as long as a person needs where its time counts from the first outage', async () => {
    let answer = (_: string): void => {}
    const held = network.holdOut({ what: 'it', timeoutMs: MINUTE, from: 'outage' }, () => new Promise<string>((resolve) => (answer = resolve)))
    await pass(2 * MINUTE)
    answer('signed')
    expect(await held).toBe('signed')
    rig.node.kill()
    await settled()
    const never = codeOfRejection(network.holdOut({ what: 'it', timeoutMs: MINUTE, from: 'outage' }, () => network.chain.finalizedHead()))
    await pass(2 * MINUTE)
    expect(await never).toBe('SDK_WAIT_TIMEOUT')
  })
})

describe('an extrinsic', () => {
  const alice = createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom(1) })
  const submit = (limits?: Parameters<Network['submit']>[2]) => network.submit(network.account(alice), [call], limits)
  const handIns = (): number => rig.node.count('author_submitAndWatchExtrinsic') + rig.node.count('author_submitExtrinsic')

  test('whose node dies before it is in a block is handed in again, and counts once', async () => {
    const included = submit()
    await settled()
    expect(rig.node.pool).toHaveLength(1)
    const [before] = rig.node.pool
    await restart()
    expect(rig.node.pool).toEqual([before])
    await block()
    expect((await included).blockNumber).toBe(4)
    expect(rig.node.included()).toEqual([before])
  })

  test('that is in a block already is found there, and not handed in again', async () => {
    rig.node.killedBy = { method: 'author_submitAndWatchExtrinsic', isDone: true }
    const included = submit()
    await settled()
    await restart()
    expect((await included).blockNumber).toBe(4)
    expect([handIns(), rig.node.included().length]).toEqual([1, 1])
  })

  test('that the node had not read when it died is handed in once it is back', async () => {
    rig.node.killedBy = { method: 'author_submitAndWatchExtrinsic', isDone: false }
    const included = submit()
    await settled()
    await restart()
    await block()
    await included
    expect(rig.node.included()).toHaveLength(1)
  })

  test('is brought through several restarts', async () => {
    const included = submit()
    await settled()
    for (let i = 0; i < 3; i++) await restart()
    await block()
    await included
    expect(rig.node.included()).toHaveLength(1)
  })

  test('waits in the pool, and is not taken for lost, where only the connection broke', async () => {
    const included = submit()
    await settled()
    const { pool } = rig.node
    rig.node.kill()
    rig.node.pool = pool
    rig.node.start()
    await pass(20 * SECOND)
    await block()
    await included
    expect(rig.node.included()).toHaveLength(1)
  })

  test('is followed by others of its account only when its own fate is known', async () => {
    const first = submit()
    await settled()
    rig.node.kill()
    const second = submit()
    await pass(5 * SECOND)
    rig.node.start()
    await pass(20 * SECOND)
    expect(rig.node.pool).toHaveLength(1)
    await block()
    expect((await first).blockNumber).toBe(4)
    await settled()
    await block()
    expect((await second).blockNumber).toBe(5)
    expect(new Set(rig.node.included()).size).toBe(2)
  })

  test('is told to be of unknown fate where the node never comes back, with what to look for', async () => {
    const failing = submit({ timeoutMs: MINUTE }).catch((error: unknown) => error)
    await settled()
    rig.node.kill()
    await pass(MINUTE)
    const error = await failing
    expect(isAppError(error, 'SDK_EXTRINSIC_FATE_UNKNOWN') && [error.context.nonce, error.context.lastBlock, error.context.hash.length]).toEqual([0, 67, 66])
  })

  test('that was never handed in only runs out of time', async () => {
    rig.node.kill()
    await settled()
    const failing = codeOfRejection(submit({ timeoutMs: MINUTE }))
    await settled()
    await pass(MINUTE)
    expect([await failing, handIns()]).toEqual(['SDK_WAIT_TIMEOUT', 0])
  })

  test('whose nonce another one has used meanwhile is told to be refused', async () => {
    const failing = codeOfRejection(submit())
    await settled()
    rig.node.kill()
    rig.node.start()
    const other = connectFakeNode(crypto)
    const rival = await createNetwork({ chain: other.chain, surroundings: { ...other.surroundings, random: constantRandom(9) }, policy: 'chain' })
    const rivalling = codeOfRejection(rival.submit(rival.account(alice), [{ ...call, args: new Uint8Array(3) }]))
    await settled()
    rig.node.pool = other.node.pool
    rig.node.makeBlock()
    await pass(20 * SECOND)
    expect(await failing).toBe('SDK_RPC_REFUSED')
    rival.close()
    expect(await rivalling).toBe('SDK_CLIENT_CLOSED')
  })

  test('that can get into no block any more is told to be dropped', async () => {
    const failing = codeOfRejection(submit({ timeoutMs: 5 * MINUTE }))
    await settled()
    rig.node.kill()
    for (let i = 0; i < 64; i++) rig.node.makeBlock()
    rig.node.start()
    await pass(20 * SECOND)
    expect([await failing, handIns()]).toEqual(['SDK_EXTRINSIC_DROPPED', 1])
  })

  test('is not sent to a node of another chain', async () => {
    const failing = codeOfRejection(submit())
    await settled()
    rig.node.genesis = '0x02'.padEnd(66, '0')
    await restart()
    expect([await failing, handIns()]).toEqual(['SDK_CHAIN_DIFFERS', 1])
  })

  test('is waited for no longer than its caller wants, or the client is open', async () => {
    const { signal, abort } = abortable()
    const aborted = codeOfRejection(submit({ signal }))
    await settled()
    rig.node.kill()
    await settled()
    abort()
    expect(await aborted).toBe('SDK_WAIT_ABORTED')
    rig.node.start()
    await pass(20 * SECOND)
    const closed = codeOfRejection(submit())
    await settled()
    network.close()
    expect(await closed).toBe('SDK_CLIENT_CLOSED')
  })
})
