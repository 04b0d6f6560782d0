import { bytesEqual, concatBytes, parseHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { SYSTEM_MESSAGES, systemCalls, type SystemMessageName } from '@phalanx/primitives/ink'
import { BUILTIN_SYSTEM_CODE } from '@phalanx/primitives/messages'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALICE, addressOf, BOB, ContractBench, endOf } from '../../testing/contracts.ts'
import { readConfig, writeConfig, writeLatestSystemCode } from '../execution/execute.ts'

const crypto = await loadCrypto()
const CAROL = new Uint8Array(32).fill(3)
const names = Object.keys(SYSTEM_MESSAGES) as readonly SystemMessageName[]

const started = () => {
  const bench = new ContractBench({ crypto })
  const id = addressOf(bench.deploy(BUILTIN_SYSTEM_CODE, systemCalls.construct()))
  bench.state = writeConfig(bench.state, crypto, { ...readConfig(bench.state, crypto), systemContract: id })
  return { bench, id }
}

const account = fc.constantFrom(ALICE, BOB, CAROL, new Uint8Array(32))
const name = fc.oneof(fc.constantFrom('PinkLogger', 'JsRuntime', 'ContractDeposit', ''), fc.string({ maxLength: 150 }))
const u32 = fc.nat(0xffff_ffff)
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const u128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
const u16 = fc.nat(0xffff)

/** Arguments of any kind for every message. */
const ARGUMENTS: Readonly<Record<SystemMessageName, fc.Arbitrary<object>>> = {
  owner: fc.constant({}), version: fc.constant({}), currentEventChainHead: fc.constant({}), upgradeSystemContract: fc.constant({}),
  grantAdmin: fc.record({ contractId: account }), isAdmin: fc.record({ contractId: account }), stopSidevmAt: fc.record({ contractId: account }),
  setDriver: fc.record({ name, contractId: account }), getDriver: fc.record({ name }), getDriver2: fc.record({ name }), driverHistory: fc.record({ name }),
  deploySidevmTo: fc.record({ contractId: account, codeHash: account }),
  setHook: fc.record({ hook: fc.constant({ kind: 'OnBlockEnd' }), contract: account, selector: u32, gasLimit: u64 }),
  setContractWeight: fc.record({ contractId: account, weight: u32 }),
  totalBalanceOf: fc.record({ account }), freeBalanceOf: fc.record({ account }), codeHash: fc.record({ account }),
  doUpgrade: fc.record({ fromVersion: fc.tuple(u16, u16, u16) }),
  upgradeRuntime: fc.record({ version: fc.tuple(u32, u32) }),
  codeExists: fc.record({ codeHash: account, codeType: fc.constantFrom({ kind: 'Ink' }, { kind: 'Sidevm' }) }),
  deploySidevmToWorkers: fc.record({
    contract: account, codeHash: account, workers: fc.array(account, { maxLength: 3 }),
    config: fc.record({ maxCodeSize: u32, maxMemoryPages: u32, vitalCapacity: u64, deadline: u32 }),
  }),
  setSidevmDeadline: fc.record({ contract: account, deadline: u32 }),
  changeDeposit: fc.record({ contractId: account, deposit: u128 }),
}

const anyInput = fc.constantFrom(...names).chain((called) => ARGUMENTS[called].map((args) => ({ called, input: systemCalls.encode(called, args as never) })))

describe('whatever is sent', () => {
  test('a call ends by itself: with an answer, or stopped as a contract is', () => {
    const { bench, id } = started()
    const ends = new Set<string>()
    fc.assert(fc.property(anyInput, fc.uint8Array({ maxLength: 40 }), fc.nat(60), fc.tuple(fc.nat(3), fc.constantFrom(ALICE, id)), (made, noise, at, [how, origin]) => {
      const cut = made.input.slice(0, at)
      const input = how === 0 ? noise : how === 1 ? concatBytes(parseHex(SYSTEM_MESSAGES[made.called].selector), noise) : how === 2 ? cut : concatBytes(cut, noise)
      ends.add(endOf(bench.call(id, input, { origin, deposit: 10n ** 9n })))
    }), { numRuns: 400 })
    for (const end of ends) expect(['ok', 'DecodingFailed', 'ContractTrapped']).toContain(end)
  })
  test('who is neither owner nor administrator changes nothing and tells the worker nothing', () => {
    const { bench, id } = started()
    bench.state = writeLatestSystemCode(bench.state, crypto, BUILTIN_SYSTEM_CODE)
    const { root } = bench.state
    fc.assert(fc.property(anyInput, fc.constantFrom(BOB, CAROL), ({ input }, origin) => {
      const done = bench.call(id, input, { origin })
      expect([done.effects.pinkEvents, done.effects.inkEvents, bytesEqual(bench.state.root, root)]).toEqual([[], [], true])
    }), { numRuns: 300 })
  })
  test('its answers are what the interface says, under the flags that ink! contracts use', () => {
    const { bench, id } = started()
    bench.call(id, systemCalls.encode('grantAdmin', { contractId: ALICE }))
    fc.assert(fc.property(anyInput, ({ called, input }) => {
      const { result } = bench.call(id, input).result
      if (!result.ok) return
      const answer = systemCalls.decode(called, result.value.data)
      const isRefused = !answer.ok || (SYSTEM_MESSAGES[called].isFailure as (value: unknown) => boolean)(answer.value)
      expect(result.value.flags).toBe(isRefused ? 1 : 0)
    }), { numRuns: 300 })
  })
  test('two workers that run the same calls have the same state, gas and events', () => {
    fc.assert(fc.property(fc.array(fc.tuple(anyInput, fc.constantFrom(ALICE, BOB)), { minLength: 1, maxLength: 12 }), (calls) => {
      const run = () => {
        const { bench, id } = started()
        bench.call(id, systemCalls.encode('grantAdmin', { contractId: ALICE }))
        const seen = calls.map(([{ input }, origin]) => {
          const { result, effects } = bench.call(id, input, { origin, deposit: 10n ** 9n })
          return [result.gasConsumed, result.result, effects.pinkEvents, effects.inkEvents]
        })
        return { seen, root: bench.state.root }
      }
      expect(run()).toEqual(run())
    }), { numRuns: 25 })
  })
})
