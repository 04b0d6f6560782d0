import { bytesEqual, concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { text, type ResultValue } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { encodeEvent, SYSTEM_EVENTS, SYSTEM_VERSION, systemCalls, type LangError, type SystemArguments, type SystemMessageName, type SystemReturn } from '@phalanx/primitives/ink'
import { BUILTIN_SYSTEM_CODE } from '@phalanx/primitives/messages'
import { describe, expect, test } from 'vitest'
import { ALICE, addressOf, BOB, ContractBench, endOf } from '../../testing/contracts.ts'
import { leb, wasmModule } from '../../testing/wasm-module.ts'
import type { ExecutionEnv } from '../execution/env.ts'
import { inspect, readConfig, writeConfig, writeLatestSystemCode } from '../execution/execute.ts'
import { PinkEvent } from '../execution/pink-event.ts'
import type { CallRequest } from '../index.ts'
import { createBuiltinVm } from './create-builtin-vm.ts'

const crypto = await loadCrypto()
const CAROL = new Uint8Array(32).fill(3)
const OTHER = new Uint8Array(32).fill(4)
const LOGGER = 'PinkLogger'

type Options = Partial<CallRequest> & { env?: Partial<ExecutionEnv> }

/** A cluster whose system contract is the built-in one; Alice owns it. */
class SystemBench extends ContractBench {
  readonly id: Uint8Array
  readonly made: ReturnType<ContractBench['deploy']>

  constructor() {
    super({ crypto })
    this.made = this.deploy(BUILTIN_SYSTEM_CODE, systemCalls.construct())
    this.id = addressOf(this.made)
    this.state = writeConfig(this.state, crypto, { ...readConfig(this.state, crypto), systemContract: this.id })
  }

  /** Calls a message as Alice, or as whoever the options name; what others pay is made for them. */
  send<N extends SystemMessageName>(name: N, args: SystemArguments<N>, options: Options = {}) {
    const done = this.call(this.id, systemCalls.encode(name, args), { deposit: 10n ** 9n, ...options })
    const { result } = done.result
    const answer: ResultValue<SystemReturn<N>, LangError> | undefined = result.ok ? systemCalls.decode(name, result.value.data) : undefined
    const pinkEvents = done.effects.pinkEvents.map(({ contract, payload }) => [toHex(contract), PinkEvent.decode(payload)] as const)
    return { done, answer, flags: result.ok ? result.value.flags : undefined, pinkEvents, end: endOf(done) }
  }

  /** The chain has new code for system contracts. */
  offer(code: Uint8Array): void {
    this.state = writeLatestSystemCode(this.state, crypto, code)
  }

  ask<N extends SystemMessageName>(name: N, args: SystemArguments<N>, options: Options = {}): SystemReturn<N> | undefined {
    const { answer } = this.send(name, args, options)
    return answer?.ok === true ? answer.value : undefined
  }

  hasRoot(root: Uint8Array): boolean {
    return bytesEqual(this.state.root, root)
  }
}

const OK = { ok: true, value: [] }
const DENIED = { ok: false, error: { kind: 'PermisionDenied' } }
const NOT_MET = { ok: false, error: { kind: 'ConditionNotMet' } }

describe('made by a cluster', () => {
  test('belongs to who made it, and takes logs itself', () => {
    const bench = new SystemBench()
    expect(bench.made.result.result.ok && toHex(bench.made.result.result.value.result.data)).toBe('0x00')
    expect(bench.made.effects.pinkEvents).toEqual([{ contract: bench.id, payload: PinkEvent.encode({ kind: 'SetLogHandler', value: bench.id }) }])
    expect(bench.made.effects.inkEvents).toEqual([{ contract: bench.id, ...encodeEvent(crypto, 'System', SYSTEM_EVENTS.DriverChanged, { name: LOGGER, previous: undefined, current: bench.id }) }])
    expect(bench.ask('owner', {})).toEqual(ALICE)
    expect(bench.ask('getDriver', { name: LOGGER })).toEqual(bench.id)
    expect(bench.ask('getDriver2', { name: LOGGER })).toEqual([7, bench.id])
    expect(bench.ask('version', {})).toEqual(SYSTEM_VERSION)
  })
  test('a constructor that it does not have, or with arguments, makes nothing', () => {
    for (const input of [Uint8Array.of(1, 2, 3, 4), new Uint8Array(0), concatBytes(systemCalls.construct(), Uint8Array.of(0))]) {
      const bench = new ContractBench({ crypto })
      const made = bench.deploy(BUILTIN_SYSTEM_CODE, input)
      expect(made.result.result.ok && [made.result.result.value.result.flags, toHex(made.result.result.value.result.data)]).toEqual([1, '0x0101'])
      expect(made.effects.instantiated).toEqual([])
    }
  })
  test('takes no money', () => {
    const bench = new SystemBench()
    const { root } = bench.state
    expect(bench.send('version', {}, { transfer: 1n, deposit: 0n }).end).toBe('ContractTrapped')
    expect(bench.hasRoot(root)).toBe(true)
  })
})

describe('administrators', () => {
  test('are named by the owner alone', () => {
    const bench = new SystemBench()
    const { root } = bench.state
    expect(bench.send('grantAdmin', { contractId: CAROL }, { origin: BOB, env: { mode: 'Estimating' } })).toMatchObject({ answer: { ok: true, value: DENIED }, flags: 1 })
    expect(bench.hasRoot(root)).toBe(true)
    expect(bench.ask('isAdmin', { contractId: CAROL })).toBe(false)
    const granted = bench.send('grantAdmin', { contractId: CAROL })
    expect([granted.answer, granted.flags]).toEqual([{ ok: true, value: OK }, 0])
    expect(granted.done.effects.inkEvents).toEqual([{ contract: bench.id, ...encodeEvent(crypto, 'System', SYSTEM_EVENTS.AdministratorAdded, { user: CAROL }) }])
    expect(bench.ask('isAdmin', { contractId: CAROL })).toBe(true)
    expect(bench.ask('grantAdmin', { contractId: BOB }, { origin: CAROL })).toEqual(DENIED)
  })
  test('an owner is none by that', () => {
    const bench = new SystemBench()
    expect(bench.ask('isAdmin', { contractId: ALICE })).toBe(false)
    expect(bench.ask('setContractWeight', { contractId: OTHER, weight: 1 })).toEqual(DENIED)
  })
})

describe('drivers', () => {
  test('are set by owner and administrators, remember their block and their predecessors', () => {
    const bench = new SystemBench()
    const name = 'Tokens'
    expect(bench.ask('getDriver', { name })).toBeUndefined()
    expect(bench.ask('driverHistory', { name })).toBeUndefined()
    expect(bench.ask('setDriver', { name, contractId: BOB }, { origin: BOB })).toEqual(DENIED)
    expect(bench.ask('setDriver', { name, contractId: BOB })).toEqual(OK)
    bench.ask('grantAdmin', { contractId: CAROL })
    const changed = bench.send('setDriver', { name, contractId: OTHER }, { origin: CAROL, env: { blockNumber: 9 } })
    expect(changed.answer).toEqual({ ok: true, value: OK })
    expect(changed.done.effects.inkEvents).toEqual([{ contract: bench.id, ...encodeEvent(crypto, 'System', SYSTEM_EVENTS.DriverChanged, { name, previous: BOB, current: OTHER }) }])
    expect(changed.pinkEvents).toEqual([])
    expect(bench.ask('getDriver2', { name })).toEqual([9, OTHER])
    expect(bench.ask('driverHistory', { name })).toEqual([[7, BOB]])
    bench.ask('setDriver', { name, contractId: BOB }, { env: { blockNumber: 11 } })
    expect(bench.ask('driverHistory', { name })).toEqual([[7, BOB], [9, OTHER]])
  })
  test('the same again changes nothing, but tells the worker', () => {
    const bench = new SystemBench()
    const { root } = bench.state
    const again = bench.send('setDriver', { name: LOGGER, contractId: bench.id }, { deposit: 0n })
    expect([again.answer, again.done.effects.inkEvents, bench.hasRoot(root)]).toEqual([{ ok: true, value: OK }, [], true])
    expect(again.pinkEvents).toEqual([[toHex(bench.id), { kind: 'SetLogHandler', value: bench.id }]])
  })
  test('the log server and the JavaScript runtime are told to the worker', () => {
    const bench = new SystemBench()
    expect(bench.send('setDriver', { name: LOGGER, contractId: OTHER }).pinkEvents).toEqual([[toHex(bench.id), { kind: 'SetLogHandler', value: OTHER }]])
    expect(bench.send('setDriver', { name: 'JsRuntime', contractId: OTHER }).pinkEvents).toEqual([[toHex(bench.id), { kind: 'SetJsRuntime', value: OTHER }]])
  })
  test('a name as long as keys can be is kept, a longer one stops the call', () => {
    const bench = new SystemBench()
    const name = 'n'.repeat(122)
    expect(bench.ask('setDriver', { name, contractId: BOB })).toEqual(OK)
    expect(bench.ask('getDriver', { name })).toEqual(BOB)
    const { root } = bench.state
    expect(bench.send('setDriver', { name: `${name}n`, contractId: BOB }, { deposit: 0n }).end).toBe('DecodingFailed')
    expect(bench.send('getDriver', { name: `${name}n` }, { deposit: 0n }).end).toBe('DecodingFailed')
    expect(bench.hasRoot(root)).toBe(true)
  })
  test('everything lies where the reference keeps it', () => {
    const bench = new SystemBench()
    bench.ask('grantAdmin', { contractId: CAROL })
    const at = (key: Uint8Array) => bench.state.get(concatBytes(utf8('stor'), bench.id, crypto.blake2b128(key), key))
    expect(at(new Uint8Array(4))).toEqual(ALICE)
    expect(at(concatBytes(Uint8Array.of(0x1d, 0x09, 0xab, 0x11), CAROL))).toEqual(new Uint8Array(0))
    expect(at(concatBytes(Uint8Array.of(0x33, 0xf8, 0x67, 0xae), text.encode(LOGGER)))).toEqual(concatBytes(Uint8Array.of(7, 0, 0, 0), bench.id))
  })
})

describe('orders of administrators', () => {
  const orders = [
    ['setHook', { hook: { kind: 'OnBlockEnd' }, contract: OTHER, selector: 0x01020304, gasLimit: 99n }, { kind: 'SetHook', value: { hook: { kind: 'OnBlockEnd' }, contract: OTHER, selector: 0x01020304, gasLimit: 99n } }],
    ['setContractWeight', { contractId: OTHER, weight: 300 }, { kind: 'SetContractWeight', value: { contract: OTHER, weight: 300 } }],
  ] as const
  test.each(orders)('%s tells the worker', (name, args, event) => {
    const bench = new SystemBench()
    expect(bench.ask(name, args as never)).toEqual(DENIED)
    bench.ask('grantAdmin', { contractId: CAROL })
    const done = bench.send(name, args as never, { origin: CAROL })
    expect(done.answer).toEqual({ ok: true, value: OK })
    expect(done.pinkEvents).toEqual([[toHex(bench.id), event]])
  })
  const config = { maxCodeSize: 1, maxMemoryPages: 1, vitalCapacity: 1n, deadline: 1 }
  test.each([
    ['deploySidevmTo', { contractId: OTHER, codeHash: OTHER }],
    ['stopSidevmAt', { contractId: OTHER }],
    ['deploySidevmToWorkers', { contract: OTHER, codeHash: OTHER, workers: [BOB], config }],
    ['setSidevmDeadline', { contract: OTHER, deadline: 5 }],
  ] as const)('%s: side programs are not offered', (name, args) => {
    const bench = new SystemBench()
    expect(bench.ask(name, args as never)).toEqual(DENIED)
    bench.ask('grantAdmin', { contractId: CAROL })
    const done = bench.send(name, args as never, { origin: CAROL })
    expect([done.answer, done.flags, done.pinkEvents]).toEqual([{ ok: true, value: NOT_MET }, 1, []])
  })
})

describe('what it tells', () => {
  test('balances, with and without what is held', () => {
    const bench = new SystemBench()
    const { free, held } = inspect(bench.state, crypto).account(bench.id)
    expect(held).toBeGreaterThan(0n)
    expect([bench.ask('totalBalanceOf', { account: bench.id }), bench.ask('freeBalanceOf', { account: bench.id })]).toEqual([free + held, free])
    expect(bench.ask('freeBalanceOf', { account: OTHER })).toBe(0n)
  })
  test('code and code hashes', () => {
    const bench = new SystemBench()
    const hash = crypto.blake2b256(BUILTIN_SYSTEM_CODE)
    expect(bench.ask('codeExists', { codeHash: hash, codeType: { kind: 'Ink' } })).toBe(true)
    expect(bench.ask('codeExists', { codeHash: hash, codeType: { kind: 'Sidevm' } })).toBe(false)
    expect(bench.ask('codeExists', { codeHash: OTHER, codeType: { kind: 'Ink' } })).toBe(false)
    expect([bench.ask('codeHash', { account: bench.id }), bench.ask('codeHash', { account: OTHER })]).toEqual([hash, undefined])
  })
  test('the head of the chain of events', () => {
    const bench = new SystemBench()
    expect(bench.ask('currentEventChainHead', {})).toEqual([0n, new Uint8Array(32)])
    expect(bench.ask('currentEventChainHead', {}, { env: { eventChainHead: { number: 5n, hash: OTHER } } })).toEqual([5n, OTHER])
  })
})

/** A contract that answers every call with these bytes and flags. */
const answering = (data: Uint8Array, flags = 0): Uint8Array => wasmModule({
  imports: [{ module: 'seal0', name: 'seal_return', type: 3 }],
  functions: [{ body: [] }, { body: [0x41, flags, 0x41, 0, 0x41, ...leb(data.length), 0x10, 0] }],
  exports: { deploy: 0, call: 1 }, data: [[0, 0x41, 0, 0x0b, data.length, ...data]],
})

describe('stakes for contracts', () => {
  const stake = { contractId: OTHER, deposit: 35n * 10_000_000_000n }
  test('are told by the chain alone', () => {
    const bench = new SystemBench()
    for (const origin of [ALICE, BOB]) expect(bench.ask('changeDeposit', stake, { origin })).toEqual({ ok: false, error: { kind: 'SystemError', value: { kind: 'PermisionDenied' } } })
  })
  test('are weights where no driver decides, and where the contract is its own driver', () => {
    const bench = new SystemBench()
    const told = () => bench.send('changeDeposit', stake, { origin: bench.id, gasFree: true }).pinkEvents
    expect(told()).toEqual([[toHex(bench.id), { kind: 'SetContractWeight', value: { contract: OTHER, weight: 35 } }]])
    bench.ask('setDriver', { name: 'ContractDeposit', contractId: bench.id })
    expect(told()).toHaveLength(1)
    const most = bench.send('changeDeposit', { contractId: OTHER, deposit: (1n << 128n) - 1n }, { origin: bench.id })
    expect(most.pinkEvents).toEqual([[toHex(bench.id), { kind: 'SetContractWeight', value: { contract: OTHER, weight: 0xffff_ffff } }]])
  })
  test('go to the driver, whose answer is the answer', () => {
    const bench = new SystemBench()
    const withDriver = (code: Uint8Array) => {
      bench.ask('setDriver', { name: 'ContractDeposit', contractId: addressOf(bench.deploy(code, new Uint8Array(0))) })
      return bench.send('changeDeposit', stake, { origin: bench.id })
    }
    expect(withDriver(answering(Uint8Array.of(0, 0)))).toMatchObject({ answer: { ok: true, value: OK }, flags: 0, pinkEvents: [] })
    expect(withDriver(answering(Uint8Array.of(0, 1, 2), 1))).toMatchObject({ answer: { ok: true, value: { ok: false, error: { kind: 'BadOrigin' } } }, flags: 1 })
    expect(withDriver(answering(Uint8Array.of(1, 1), 1)).end).toBe('ContractTrapped')
    expect(withDriver(answering(Uint8Array.of(9, 9, 9))).end).toBe('ContractTrapped')
  })
  test('a driver that is no contract fails the message', () => {
    const bench = new SystemBench()
    bench.ask('setDriver', { name: 'ContractDeposit', contractId: BOB })
    expect(bench.send('changeDeposit', stake, { origin: bench.id }).end).toBe('ContractTrapped')
  })
})

describe('upgrades', () => {
  const accepting = answering(Uint8Array.of(0, 0))
  const hashOf = (bench: SystemBench) => inspect(bench.state, crypto).contract(bench.id)?.codeHash
  test('are for the owner', () => {
    const bench = new SystemBench()
    bench.ask('grantAdmin', { contractId: CAROL })
    bench.offer(accepting)
    expect(bench.ask('upgradeSystemContract', {}, { origin: CAROL })).toEqual(DENIED)
    expect(bench.ask('upgradeRuntime', { version: [1, 2] }, { origin: CAROL })).toEqual(DENIED)
  })
  test('take over the code that the chain has', () => {
    const bench = new SystemBench()
    bench.offer(accepting)
    const done = bench.send('upgradeSystemContract', {})
    expect([done.answer, done.done.failure]).toEqual([{ ok: true, value: OK }, undefined])
    expect(hashOf(bench)).toEqual(crypto.blake2b256(accepting))
    expect(inspect(bench.state, crypto).codeInfo(crypto.blake2b256(accepting))).toMatchObject({ owner: ALICE, users: 1n })
    expect(inspect(bench.state, crypto).codeInfo(crypto.blake2b256(BUILTIN_SYSTEM_CODE))?.users).toBe(0n)
    expect(done.done.effects.logs.map(({ level }) => level)).toEqual([3, 3])
  })
  test('without code, and with the same code, nothing happens', () => {
    const bench = new SystemBench()
    expect(bench.ask('upgradeSystemContract', {})).toEqual({ ok: false, error: { kind: 'CodeNotFound' } })
    bench.offer(BUILTIN_SYSTEM_CODE)
    expect(bench.ask('upgradeSystemContract', {})).toEqual(OK)
    bench.offer(new Uint8Array(0))
    expect(bench.ask('upgradeSystemContract', {})).toEqual({ ok: false, error: { kind: 'CodeNotFound' } })
    expect(hashOf(bench)).toEqual(crypto.blake2b256(BUILTIN_SYSTEM_CODE))
  })
  test.each([
    ['code that refuses', answering(Uint8Array.of(0, 1, 3), 1), 'ContractTrapped'],
    ['code that answers something else', answering(Uint8Array.of(7)), 'ContractTrapped'],
    ['code that traps', wasmModule({ functions: [{ body: [] }, { body: [0x00] }], exports: { deploy: 0, call: 1 } }), 'ContractTrapped'],
    ['code that cannot run here', utf8('nonsense'), 'CodeRejected'],
    ['code with an import that contracts cannot have', wasmModule({ imports: [{ module: 'seal0', name: 'nonsense', type: 0 }], functions: [{ body: [] }, { body: [] }], exports: { deploy: 1, call: 2 } }), 'CodeRejected'],
  ])('%s does not take over', (_, code, end) => {
    const bench = new SystemBench()
    bench.offer(code)
    const { root } = bench.state
    expect(bench.send('upgradeSystemContract', {}, { deposit: 0n }).end).toBe(end)
    expect(bench.hasRoot(root)).toBe(true)
  })
  test('nobody but the system contract imports system code', () => {
    const bench = new SystemBench()
    const twin = addressOf(bench.deploy(BUILTIN_SYSTEM_CODE, systemCalls.construct(), { salt: Uint8Array.of(1) }))
    bench.offer(accepting)
    expect(endOf(bench.call(twin, systemCalls.encode('upgradeSystemContract', {})))).toBe('ContractTrapped')
  })
  test('confirms to a predecessor with an older version alone, and to nobody else', () => {
    const bench = new SystemBench()
    const from = (fromVersion: readonly [number, number, number], origin = bench.id) => bench.ask('doUpgrade', { fromVersion }, { origin })
    expect([from([1, 1, 99]), from([0, 9, 0])]).toEqual([OK, OK])
    expect([from([...SYSTEM_VERSION]), from([1, 2, 1]), from([2, 0, 0])]).toEqual([NOT_MET, NOT_MET, NOT_MET])
    expect(from([1, 0, 0], ALICE)).toEqual(DENIED)
  })
  test('of the rules for contracts go to versions that workers have', () => {
    const bench = new SystemBench()
    expect(bench.send('upgradeRuntime', { version: [1, 2] }).pinkEvents).toEqual([[toHex(bench.id), { kind: 'UpgradeRuntimeTo', value: { version: [1, 2] } }]])
    for (const version of [[1, 3], [2, 0]] as const) expect(bench.send('upgradeRuntime', { version })).toMatchObject({ answer: { ok: true, value: NOT_MET }, pinkEvents: [] })
  })
})

describe('input and gas', () => {
  test('what cannot be read is answered as ink! contracts answer it, and changes nothing', () => {
    const bench = new SystemBench()
    const { root } = bench.state
    const good = systemCalls.encode('setDriver', { name: 'x', contractId: BOB })
    for (const input of [new Uint8Array(0), good.slice(0, 3), good.slice(0, -1), concatBytes(good, Uint8Array.of(0)), Uint8Array.of(1, 2, 3, 4), systemCalls.construct()]) {
      const { result } = bench.call(bench.id, input).result
      expect(result.ok && [result.value.flags, toHex(result.value.data)]).toEqual([1, '0x0101'])
    }
    expect(bench.hasRoot(root)).toBe(true)
  })
  test('too little gas ends a call without a trace', () => {
    const bench = new SystemBench()
    const args = { name: 'x', contractId: BOB }
    const { refTime } = bench.send('setDriver', args, { env: { mode: 'Estimating' } }).done.result.gasRequired
    const { root } = bench.state
    expect(bench.send('setDriver', args, { gasLimit: 20_000_000n, deposit: 0n }).end).toBe('OutOfGas')
    expect(bench.hasRoot(root)).toBe(true)
    expect(bench.send('setDriver', args, { gasLimit: refTime }).end).toBe('ok')
  })
  test('run in another contract\'s storage it stops: that holds no owner', () => {
    const bench = new SystemBench()
    const stranger = addressOf(bench.deploy(answering(Uint8Array.of(0, 0)), new Uint8Array(0)))
    const record = (id: Uint8Array) => concatBytes(utf8('ctrt'), id)
    bench.state = bench.state.apply([[record(stranger), bench.state.get(record(bench.id))]])
    expect(endOf(bench.call(stranger, systemCalls.encode('owner', {})))).toBe('ContractTrapped')
  })
  test('recognises the bytes that stand for it, and nothing else', () => {
    const vm = createBuiltinVm({ crypto })
    expect([vm.recognises(BUILTIN_SYSTEM_CODE), vm.recognises(BUILTIN_SYSTEM_CODE.slice(1)), vm.recognises(new Uint8Array(0))]).toEqual([true, false, false])
  })
})
