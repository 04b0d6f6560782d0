import { bytesEqual } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import { createMessage, palletOrigin, TOPICS, type Message } from '@phalanx/primitives/messages'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { beginBlock, endBlock, onEconomicsMessage } from './replay.ts'
import { shareOf, sumShares } from './shares.ts'
import { createEconomics, Economics, economicsOf, type EconomicsState } from './state.ts'
import { economyMessages as messages, PlainEconomics } from './testing.ts'
import { newWorker, withRates } from './worker-record.ts'
import { INITIAL_PARAMETERS } from './parameters.ts'

const crypto = await loadCrypto()
const WORKERS = 6
const keys = Array.from({ length: WORKERS }, (_, i) => crypto.blake2b256(Uint8Array.of(i)))
const EVERYONE = (1n << 256n) - 1n

type What = 'start' | 'stop' | 'answer' | 'enter' | 'exit' | 'challenge' | 'challengeAll' | 'confidence'
/** One thing that happens to worker `who` in a block. */
interface Action {
  readonly who: number
  readonly what: What
  readonly amount: number
  readonly hosts: boolean
}
const action: fc.Arbitrary<Action> = fc.record({
  who: fc.nat(WORKERS - 1),
  what: fc.constantFrom<What[]>('start', 'start', 'stop', 'answer', 'answer', 'answer', 'enter', 'exit', 'challenge', 'challengeAll', 'confidence'),
  amount: fc.nat(100_000),
  hosts: fc.boolean(),
})
const blocks = fc.array(fc.record({ actions: fc.array(action, { maxLength: 5 }), gap: fc.integer({ min: 1, max: 4 }), window: fc.option(fc.integer({ min: 1, max: 20 })) }), { maxLength: 60 })

/** What the test knows of a worker in order to send only what the reference survives. */
interface Known {
  readonly waiting: number[]
  session: number | undefined
  paused: boolean
}

const parametersOf = (heartbeatWindow: number): Message =>
  createMessage(palletOrigin('PhalaComputation'), TOPICS.gatekeeperEvent, {
    kind: 'TokenomicParametersChanged',
    value: { ...INITIAL_PARAMETERS, phaRate: FIXED_ONE, rigK: 0n, rigB: 0n, re: FIXED_ONE, k: 0n, kappa: 0n, vMax: fixedOf('20000'), costK: fixedOf('0.000001'), heartbeatWindow },
  })

const messagesOf = (known: readonly Known[], block: number, { who, what, amount, hosts }: Action): readonly Message[] => {
  const worker = known[who] as Known
  const key = keys[who] as Uint8Array
  const hit = (one: Known): void => void (one.session !== undefined && !one.paused && one.waiting.push(block))
  switch (what) {
    case 'start':
      Object.assign(worker, { session: amount, paused: false })
      return [messages.started(key, { sessionId: amount, initV: fixedOf(`${amount % 20_000}.7`), initP: amount % 6000 })]
    case 'stop':
      worker.session = undefined
      return [messages.worker(key, { kind: 'Stopped' })]
    case 'enter':
    case 'exit':
      worker.paused = what === 'enter' && worker.session !== undefined
      return [messages.worker(key, { kind: what === 'enter' ? 'EnterUnresponsive' : 'ExitUnresponsive' })]
    case 'confidence': return [messages.registered(key, amount % 7)]
    case 'challenge':
      hit(worker)
      return [messages.challengeTo(crypto, key)]
    case 'challengeAll':
      known.forEach(hit)
      return [messages.challenge(0n, EVERYONE)]
    case 'answer': {
      const challengeBlock = worker.waiting.shift()
      if (challengeBlock === undefined) return []
      const value = { sessionId: worker.session ?? 0, challengeBlock, challengeTime: BigInt(challengeBlock) * 6000n, iterations: BigInt(amount * 100), nClusters: hosts ? 1 : 0, nContracts: 0 }
      return [messages.heartbeat(key, value)]
    }
  }
}

const step = (state: EconomicsState, at: { readonly block: number; readonly nowMs: bigint }, input: readonly Message[]) => {
  const draft = beginBlock(state, at, { crypto })
  for (const message of input) onEconomicsMessage(draft, message)
  return endBlock(draft)
}

describe('the economy', () => {
  test('comes out like the plain writing of it, whatever happens, and through its sealed form', () => {
    fc.assert(fc.property(blocks, fc.nat(59), (history, sealAt) => {
      let state = createEconomics({ launched: true })
      const plain = new PlainEconomics(crypto)
      const known: Known[] = keys.map(() => ({ waiting: [], session: undefined, paused: false }))
      let block = 1
      const run = (input: readonly Message[]): void => {
        const at = { block, nowMs: BigInt(block) * 6000n }
        const { state: next, update, alarms } = step(state, at, input)
        expect(update).toEqual(plain.run(at, input))
        expect(alarms).toEqual([])
        state = next
      }
      run(keys.map((key, i) => messages.registered(key, i)))
      history.forEach(({ actions, gap, window }, i) => {
        block += gap
        run([...(window === null ? [] : [parametersOf(window)]), ...actions.flatMap((one) => messagesOf(known, block, one))])
        if (i === sealAt) state = Economics.decode(Economics.encode(state))
      })
      for (const key of keys) {
        const found = economicsOf(state, key)
        const expected = [...plain.workers.values()].find(({ pubkey }) => bytesEqual(pubkey, key))
        expect([found?.v, found?.deductible, found?.worker.pInstant, found?.worker.unresponsive]).toEqual([expected?.v, expected?.deductible, expected?.pInstant, expected?.unresponsive])
      }
    }), { numRuns: 150 })
  })

  test('leaves the state before a block as it was', () => {
    const before = step(createEconomics({ launched: true }), { block: 1, nowMs: 1n }, [messages.registered(keys[0] as Uint8Array, 1)]).state
    const bytes = Economics.encode(before)
    step(before, { block: 2, nowMs: 2n }, [messages.registered(keys[1] as Uint8Array, 1), messages.started(keys[0] as Uint8Array, { sessionId: 1, initV: 5n, initP: 9 })])
    expect(Economics.encode(before)).toEqual(bytes)
    expect(before.positions.size).toBe(1)
  })
})

describe('the sum of shares', () => {
  const parts = fc.record({
    v: fc.oneof(fc.bigInt(0n, fixedOf('30000')), fc.bigInt(0n, 1n << 128n), fc.bigInt(0n, 1n << 60n)), p: fc.oneof(fc.nat(6000), fc.nat(0xffff_ffff)), confidenceLevel: fc.constantFrom(1, 4, 5, 128, 9),
    unresponsive: fc.boolean(),
  })

  test('is the exact sum for every size of V and p', () => {
    fc.assert(fc.property(fc.array(parts, { maxLength: 50 }), (list) => {
      const workers = list.map(({ p, confidenceLevel, unresponsive }) =>
        withRates({ ...newWorker({ pubkey: new Uint8Array(32), hash: 0n, confidenceLevel }), pBench: fixed.fromInteger(p), pInstant: fixed.fromInteger(p), unresponsive }, INITIAL_PARAMETERS))
      const v = list.map((one) => one.v)
      const exact = workers.reduce((sum, worker, at) => (worker.unresponsive ? sum : fixed.add(sum, shareOf(worker, v[at] as bigint))), 0n)
      expect(sumShares(workers, v, workers.map((_, at) => at))).toBe(exact)
    }), { numRuns: 500 })
  })

  test('is exact where roots lie at, or next to, whole numbers', () => {
    const square = (root: bigint): bigint => fixed.sqrt(root)
    for (const root of [1n << 21n, (1n << 40n) + 1n, (1n << 43n) - 1n, (1n << 47n) + 12345n]) {
      for (const nudge of [-2n, -1n, 0n, 1n, 2n]) {
        const v = (root << 32n) + nudge
        const worker = withRates({ ...newWorker({ pubkey: new Uint8Array(32), hash: 0n, confidenceLevel: 9 }), unresponsive: false }, INITIAL_PARAMETERS)
        expect(sumShares([worker], [v], [0])).toBe(square(fixed.mul(v, v)))
      }
    }
  })
})
