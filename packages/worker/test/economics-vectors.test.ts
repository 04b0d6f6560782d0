/** Holds the gatekeepers' economy to the published golden runs and event scenarios, to the last bit. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixed, fixedOf } from '@phalanx/primitives/fixed'
import type { Message, WorkingInfoUpdateEvent } from '@phalanx/primitives/messages'
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { INITIAL_PARAMETERS } from '../src/gatekeeper/economics/parameters.ts'
import { beginBlock, endBlock, onEconomicsMessage } from '../src/gatekeeper/economics/replay.ts'
import { createEconomics, Economics, economicsOf, type EconomicsState } from '../src/gatekeeper/economics/state.ts'
import { economyMessages as messages, PlainEconomics } from '../src/gatekeeper/economics/testing.ts'

const crypto = await loadCrypto()
const BLOCK_MS = 12_000n
const keyOf = (name: string): Uint8Array => new Uint8Array(32).fill(Number(name.slice('worker'.length)) + 1)

/** Both economies side by side; every block is compared. */
const createPair = () => {
  let state: EconomicsState = createEconomics({ launched: true })
  const plain = new PlainEconomics(crypto)
  return {
    get state() {
      return state
    },
    run(block: number, input: readonly Message[] = []): WorkingInfoUpdateEvent | undefined {
      const at = { block, nowMs: BigInt(block) * BLOCK_MS }
      const draft = beginBlock(state, at, { crypto })
      for (const message of input) onEconomicsMessage(draft, message)
      const outcome = endBlock(draft)
      state = outcome.state
      expect(outcome.update).toEqual(plain.run(at, input))
      return outcome.update
    },
  }
}

interface Bits {
  readonly decimal: string
  readonly bits: string
}
interface Numerics {
  readonly params: { readonly bits: Readonly<Record<string, string>> }
  readonly cases: readonly { readonly steps: readonly { readonly expect?: { readonly v?: Bits; readonly pInstant?: Bits; readonly pBench?: Bits; readonly settle?: { readonly payout: Bits; readonly treasury: Bits } } }[] }[]
}

describeVectors('golden run of one worker', () => {
  test('the first parameters are the published ones', () => {
    const { params } = readVectorJson<Numerics>('6-tokenomics/gk-numerics.json')
    for (const [name, bits] of Object.entries(params.bits)) expect([name, INITIAL_PARAMETERS[name as keyof typeof INITIAL_PARAMETERS]]).toEqual([name, BigInt(bits)])
  })

  test('V, p, payout and treasury come out to the last bit through start, idling, heartbeat and silence', () => {
    const all = readVectorJson<Numerics>('6-tokenomics/gk-numerics.json').cases[0]?.steps ?? []
    const steps = all.slice(2)
    const pair = createPair()
    const worker = keyOf('worker0')
    const of = () => economicsOf(pair.state, worker) ?? expect.unreachable('the worker is known')
    pair.run(1, [messages.registered(worker, 2)])
    pair.run(2, [messages.worker(worker, { kind: 'BenchScore', value: 3000 }), messages.started(worker, { sessionId: 1, initV: fixedOf('3000'), initP: 100 })])
    expect(of().v).toBe(BigInt(all[1]?.expect?.v?.bits ?? -1))
    expect(of().worker.pBench).toBe(BigInt(all[1]?.expect?.pBench?.bits ?? -1))
    for (let block = 3; block <= 7202; block++) pair.run(block)
    expect(of().v).toBe(BigInt(steps[0]?.expect?.v?.bits ?? -1))
    pair.run(7203, [messages.challengeTo(crypto, worker)])
    const update = pair.run(7204, [
      messages.heartbeat(worker, { sessionId: 1, challengeBlock: 7203, challengeTime: 7203n * BLOCK_MS, iterations: 1_584_000n, nClusters: 0, nContracts: 0 }),
    ])
    const expected = steps[2]?.expect
    expect(of().v).toBe(BigInt(expected?.v?.bits ?? -1))
    expect(of().worker.pInstant).toBe(BigInt(expected?.pInstant?.bits ?? -1))
    expect(update?.settle).toEqual([
      { pubkey: worker, v: fixedOf('3000'), payout: BigInt(expected?.settle?.payout.bits ?? -1), treasury: BigInt(expected?.settle?.treasury.bits ?? -1) },
    ])
    expect(fixed.toText(update?.settle[0]?.payout ?? 0n, 6)).toBe('576424.184820')
    const updates: (WorkingInfoUpdateEvent | undefined)[] = []
    for (let block = 7205; block <= 7515; block++) updates.push(pair.run(block, block === 7205 ? [messages.challengeTo(crypto, worker)] : []))
    expect(updates.filter((one) => one !== undefined)).toMatchObject([{ blockNumber: 7216, offline: [worker], settle: [] }])
    expect(of().worker).toMatchObject({ unresponsive: true, missedChallenge: 7205 })
    expect(of().v).toBe(BigInt(steps[3]?.expect?.v?.bits ?? -1))
  })
})

interface Step {
  readonly block: number
  readonly events: readonly string[]
  readonly expect?: {
    readonly unresponsive?: boolean
    readonly reports?: number
    readonly v?: 'increased' | 'decreased'
    readonly workers?: number
    readonly report?: { readonly offline: readonly string[]; readonly recoveredToOnline: readonly string[]; readonly settleCount?: number; readonly settle?: readonly unknown[]; readonly blockNumber?: number; readonly timestampMs?: number }
  }
}

/** A line such as `worker0 Started(session 1, initV 1.0, initP 100)` as a message. */
const messageOf = (line: string): Message => {
  const name = /worker\d/.exec(line)?.[0] ?? ''
  const worker = keyOf(name)
  const number = (label: string): string => new RegExp(`${label} ([\\d.]+)`).exec(line)?.[1] ?? '0'
  if (line.includes('Registered')) return messages.registered(worker, Number(number('confidence')))
  if (line.includes('Started'))
    return messages.started(worker, { sessionId: Number(number('session')), initV: line.includes('initV bits') ? BigInt(number('initV bits')) : fixedOf(number('initV')), initP: Number(number('initP')) })
  if (line.startsWith('challenge hits')) return messages.challengeTo(crypto, worker)
  const challengeBlock = Number(number('challenge block'))
  return messages.heartbeat(worker, {
    sessionId: Number(number('session')), challengeBlock, challengeTime: BigInt(challengeBlock) * BLOCK_MS, iterations: BigInt(number('iterations')), nClusters: 0, nContracts: 0,
  })
}

describeVectors('event scenarios', () => {
  const { scenarios } = readVectorJson<{ readonly scenarios: readonly { readonly name: string; readonly steps: readonly Step[] }[] }>('6-tokenomics/gk-event-scenarios.json')
  test.each(scenarios.map(({ name, steps }) => [name, steps] as const))('%s', (_name, steps) => {
    const pair = createPair()
    let v = 0n
    for (const { block, events, expect: expected } of steps) {
      const update = pair.run(block, events.map(messageOf))
      const found = economicsOf(pair.state, keyOf('worker0'))
      if (expected?.unresponsive !== undefined) expect(found?.worker.unresponsive).toBe(expected.unresponsive)
      if (expected?.reports !== undefined) expect(update === undefined ? 0 : 1).toBe(expected.reports)
      if (expected?.workers !== undefined) expect(pair.state.workers.length).toBe(expected.workers)
      if (expected?.v !== undefined) expect((found?.v ?? 0n) > v ? 'increased' : 'decreased').toBe(expected.v)
      if (expected?.report !== undefined) {
        const { offline, recoveredToOnline, settleCount, settle, blockNumber, timestampMs } = expected.report
        expect(update).toMatchObject({ offline: offline.map(keyOf), recoveredToOnline: recoveredToOnline.map(keyOf) })
        expect(update?.settle.length).toBe(settleCount ?? settle?.length)
        if (blockNumber !== undefined) expect(update).toMatchObject({ blockNumber, timestampMs: BigInt(timestampMs ?? 0) })
      }
      expect(Economics.decode(Economics.encode(pair.state))).toEqual(pair.state)
      v = found?.v ?? 0n
    }
    expect(steps.some((step) => step.expect !== undefined)).toBe(true)
  })
})
