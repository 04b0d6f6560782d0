/**
 * Owns running contracts under test: frames on a stack, changes that go back with their frame, and the `host` that a worker's machine would
 * offer. Rules of calls, payments and reentrance are the cluster's; gas is not counted and deposits are not taken.
 */
import { bigintToLe, bytesEqual, bytesToKey, concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { dispatch } from '../contract/dispatch.ts'
import type { ContractHost, EntryResult, HostCall, HostCallOutcome, HostHashKind, HostInstantiation, HostMode } from '../contract/host.ts'
import { callTestExtension, type TestHttp } from './extension.ts'
import type { TestWorld } from './world.ts'

/** Frames of one run: the first and five called from it. */
const FRAMES_MAX = 6
const TOPICS_MAX = 4
const STORAGE_KEY_MAX = 128
/** Gas that contracts under test see: that of a whole run, always. */
const GAS = 10n ** 12n
const MINIMUM_BALANCE = 1n

const stopped = (reason: string): AppError => new AppError('SDK_CONTRACT_STOPPED', { reason })

/** One run from outside. */
export interface RunSettings {
  readonly crypto: Crypto
  readonly world: TestWorld
  readonly clusterId: Uint8Array
  readonly clusterSecret: Uint8Array
  readonly mode: HostMode
  readonly origin: Uint8Array
  readonly blockNumber: number
  readonly nowMs: bigint
  readonly http: TestHttp
  /** Next 32 random bytes. */
  readonly draw: () => Uint8Array
}

/** A frame to enter. */
export interface FrameRequest {
  readonly entry: 'deploy' | 'call'
  readonly address: Uint8Array
  readonly codeHash: Uint8Array
  readonly caller: Uint8Array | undefined
  readonly value: bigint
  readonly input: Uint8Array
  /** Runs other code in the place of the calling frame: no value moves. */
  readonly isDelegate?: boolean
}

/** How a frame ended. `Stopped` carries what was thrown. */
export type FrameEnd =
  | { readonly kind: 'Returned' | 'Reverted'; readonly value: Uint8Array }
  | { readonly kind: 'Stopped'; readonly value: { readonly reason: string; readonly cause: unknown } }

/** Address of the contract that `deployer` makes of a code with a salt, as clusters reckon it. */
export const testContractAddress = (settings: Pick<RunSettings, 'crypto' | 'clusterId'>, parts: { readonly deployer: Uint8Array; readonly codeHash: Uint8Array; readonly salt: Uint8Array }): Uint8Array =>
  settings.crypto.blake2b256(concatBytes(parts.deployer, parts.codeHash, settings.clusterId, parts.salt))

/** Runs frames of one run. */
export class TestMachine {
  readonly settings: RunSettings
  readonly stack: TestFrame[] = []

  constructor(settings: RunSettings) {
    this.settings = settings
  }

  /** Enters a frame and runs it to its end; what it changed stays only where it returned. @throws SDK_CONTRACT_STOPPED where the caller must stop, too */
  enter(request: FrameRequest): FrameEnd {
    if (this.stack.length >= FRAMES_MAX) throw stopped('calls are nested too deeply')
    const isBusy = this.stack.some((frame) => !frame.allowsReentry && bytesEqual(frame.address, request.address))
    if (request.isDelegate !== true && isBusy) throw stopped('the contract is not to be entered again')
    const { world } = this.settings
    const mark = world.mark()
    const end = this.run(request)
    if (end.kind !== 'Returned') world.rollback(mark)
    return end
  }

  private run(request: FrameRequest): FrameEnd {
    const { world, origin } = this.settings
    const program = world.codes.get(bytesToKey(request.codeHash))
    if (program === undefined) return failed('there is no such code')
    if (request.isDelegate !== true && request.entry === 'deploy') {
      if (world.contract(request.address) !== undefined) throw stopped('there is a contract at this address already')
      if (!world.transfer({ from: origin, to: request.address, value: MINIMUM_BALANCE, least: MINIMUM_BALANCE })) throw stopped('the deposit cannot be paid')
      world.setContract(request.address, { address: request.address, codeHash: request.codeHash })
    }
    if (request.isDelegate !== true && request.value > 0n && request.caller !== undefined) {
      if (!world.transfer({ from: request.caller, to: request.address, value: request.value, least: MINIMUM_BALANCE })) return failed('the caller cannot pay the value')
    }
    const frame = new TestFrame(this, request)
    this.stack.push(frame)
    try {
      return returned(dispatch(program, frame, request.entry, request.input))
    } catch (cause) {
      if (frame.hasEnded) return request.entry === 'deploy' ? failed('a constructor ended its contract') : { kind: 'Returned', value: EMPTY }
      return { kind: 'Stopped', value: { reason: reasonOf(cause), cause } }
    } finally {
      this.stack.pop()
    }
  }
}

const failed = (reason: string): FrameEnd => ({ kind: 'Stopped', value: { reason, cause: undefined } })

const returned = (result: EntryResult): FrameEnd => (result instanceof Uint8Array ? { kind: 'Returned', value: result } : { kind: 'Reverted', value: result.revert })

const reasonOf = (cause: unknown): string => {
  if (isAppError(cause, 'SDK_CONTRACT_STOPPED')) return cause.context.reason
  return cause instanceof Error ? `${cause.name === 'AppError' ? '' : `${cause.name}: `}${cause.message}` : String(cause)
}

const outcomeOf = (end: FrameEnd): HostCallOutcome =>
  end.kind === 'Stopped' ? { ok: false, error: end.value.reason } : { ok: true, flags: end.kind === 'Reverted' ? 1 : 0, data: end.value }

const requireLength = (bytes: Uint8Array, what: string): Uint8Array => {
  if (!(bytes instanceof Uint8Array) || bytes.length !== 32) throw stopped(`${what} has 32 bytes`)
  return bytes
}

/** A running contract's host. */
class TestFrame implements ContractHost {
  /** False while it waits for a call that must not lead back to it. */
  allowsReentry = true
  /** Whether the contract has ended itself. */
  hasEnded = false
  readonly gasLeft = (): bigint => GAS
  private readonly machine: TestMachine
  private readonly request: FrameRequest

  constructor(machine: TestMachine, request: FrameRequest) {
    this.machine = machine
    this.request = request
  }

  private get settings(): RunSettings { return this.machine.settings }
  private get world(): TestWorld { return this.settings.world }
  get entry(): 'deploy' | 'call' { return this.request.entry }
  get mode(): HostMode { return this.settings.mode }
  get caller(): Uint8Array | undefined { return this.request.caller?.slice() }
  get address(): Uint8Array { return this.request.address.slice() }
  get codeHash(): Uint8Array { return this.world.contract(this.request.address)?.codeHash ?? this.request.codeHash }
  get value(): bigint { return this.request.value }
  get blockNumber(): number { return this.settings.blockNumber }
  get nowMs(): bigint { return this.settings.nowMs }
  get minimumBalance(): bigint { return MINIMUM_BALANCE }

  balance(): bigint {
    return this.world.balanceOf(this.request.address)
  }

  getStorage(key: Uint8Array): Uint8Array | undefined {
    return this.world.item(this.request.address, key)
  }

  setStorage(key: Uint8Array, value: Uint8Array | undefined): void {
    if (key.length === 0 || key.length > STORAGE_KEY_MAX) throw stopped(`a storage key has ${key.length} bytes, 1 to ${STORAGE_KEY_MAX} are allowed`)
    this.world.setItem(this.request.address, key, value)
  }

  transfer(to: Uint8Array, value: bigint): boolean {
    return this.world.transfer({ from: this.request.address, to: requireLength(to, 'an account'), value, least: MINIMUM_BALANCE })
  }

  call({ callee, value, input, allowReentry = false }: HostCall): HostCallOutcome {
    const found = this.world.contract(requireLength(callee, 'an account'))
    if (found === undefined) return { ok: false, error: 'there is no such contract' }
    this.allowsReentry = allowReentry
    try {
      return outcomeOf(this.machine.enter({ entry: 'call', address: callee, codeHash: found.codeHash, caller: this.request.address, value, input }))
    } finally {
      this.allowsReentry = true
    }
  }

  delegateCall({ codeHash, input }: { readonly codeHash: Uint8Array; readonly input: Uint8Array }): HostCallOutcome {
    return outcomeOf(this.machine.enter({ ...this.request, entry: 'call', codeHash, input, isDelegate: true }))
  }

  instantiate({ codeHash, value, input, salt }: HostInstantiation): HostCallOutcome & { readonly address: Uint8Array } {
    const address = testContractAddress(this.settings, { deployer: this.request.address, codeHash: requireLength(codeHash, 'a code hash'), salt })
    return { ...outcomeOf(this.machine.enter({ entry: 'deploy', address, codeHash, caller: this.request.address, value, input })), address }
  }

  terminate(beneficiary: Uint8Array): void {
    const { address } = this.request
    if (this.machine.stack.filter((frame) => bytesEqual(frame.address, address)).length > 1) throw stopped('a contract cannot end while it waits for itself')
    this.world.transfer({ from: address, to: requireLength(beneficiary, 'an account'), value: this.balance(), least: 0n })
    this.world.clearItems(address)
    this.world.setContract(address, undefined)
    this.hasEnded = true
  }

  setCodeHash(codeHash: Uint8Array): boolean {
    const contract = this.world.contract(this.request.address)
    if (contract === undefined || !this.world.codes.has(bytesToKey(codeHash))) return false
    this.world.setContract(this.request.address, { ...contract, codeHash })
    return true
  }

  codeHashOf(account: Uint8Array): Uint8Array | undefined {
    return this.world.contract(account)?.codeHash
  }

  emitEvent(topics: readonly Uint8Array[], data: Uint8Array): void {
    if (topics.length > TOPICS_MAX) throw stopped(`an event may have ${TOPICS_MAX} topics`)
    this.world.tell({ contract: this.request.address, topics, data })
  }

  log(level: number, message: string): void {
    this.world.logs.push({ contract: this.request.address, level, message })
  }

  chainExtension(id: number, input: Uint8Array): { readonly status: number; readonly output: Uint8Array } {
    return callTestExtension({ ...this.settings, address: this.request.address }, id, input)
  }

  randomSeed(subject: Uint8Array): Uint8Array {
    const { crypto, blockNumber, draw } = this.settings
    return crypto.blake2b256(concatBytes(utf8('contract_random'), bigintToLe(BigInt(blockNumber), 4), draw(), this.request.address, subject))
  }

  hash(kind: HostHashKind, bytes: Uint8Array): Uint8Array {
    return this.settings.crypto[kind](bytes)
  }
}
