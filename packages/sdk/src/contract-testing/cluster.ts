/**
 * Owns the cluster in memory in which unit tests run contracts: `createTestCluster`, accounts, deployment, typed handles. Every call goes
 * through the bytes that a client would send and a worker would answer.
 */
import { bigintToLe, bytesEqual, bytesToKey, concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/backend'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { answerCodec, encodeInput, selectorsOf } from '../contract/abi.ts'
import type { AnyEntry, ArgsOf, CallParameters, ConstructorArgsOf, ConstructorNames, ContractDefinition, EventsOf, MessageNames, ReturnOf } from '../contract/define.ts'
import { signatureTopic } from '../contract/event.ts'
import type { HostMode } from '../contract/host.ts'
import './errors.ts'
import { show } from './expect.ts'
import type { TestHttp } from './extension.ts'
import { TestMachine, testContractAddress, type FrameEnd, type FrameRequest, type RunSettings } from './machine.ts'
import { TestWorld, type TestLog } from './world.ts'

const INITIAL_BALANCE = 10n ** 15n
const BLOCK_MS = 1000n

/** How a message is called. */
export interface TestCallOptions {
  /** Balance sent along. */
  readonly value?: bigint
  /** Runs a command without keeping what it did: `Estimating` as a dry run, `Query` as inside a query. */
  readonly mode?: HostMode
}

/** Messages of a contract as functions that give what the message returns. They throw SDK_CONTRACT_TEST_REVERTED and SDK_CONTRACT_TEST_STOPPED. */
export type TestMessages<D extends ContractDefinition> = {
  readonly [Name in MessageNames<D>]: (...parameters: CallParameters<ArgsOf<D, Name>, TestCallOptions>) => ReturnOf<D, Name>
}

/** A contract under test. */
export interface TestHandle<D extends ContractDefinition> {
  readonly address: Uint8Array
  /** Its messages, called by an account. */
  as(caller: Uint8Array): TestMessages<D>
  /** Events that it told, oldest first. */
  events(): readonly EventsOf<D>[]
  /** Notes that it wrote, oldest first. */
  logs(): readonly string[]
  balance(): bigint
}

/** How a contract is made. */
export interface DeployOptions<D extends ContractDefinition, Name extends ConstructorNames<D>> {
  /** Name of the constructor; the first one of the definition where left out. */
  readonly entry?: Name
  readonly args?: ConstructorArgsOf<D, Name>
  /** An account named `deployer` where left out. */
  readonly from?: Uint8Array
  readonly value?: bigint
  readonly salt?: Uint8Array
}

/** A cluster in memory. */
export interface TestCluster {
  /** Account of that name, with balance from its first mention on. */
  account(name: string): Uint8Array
  balanceOf(account: Uint8Array): bigint
  readonly blockNumber: number
  /** Goes on by some blocks, a second each. */
  advance(blocks: number): void
  /** Makes code known, so that contracts can make contracts of it; gives its hash. */
  upload(definition: ContractDefinition): Uint8Array
  deploy<D extends ContractDefinition, Name extends ConstructorNames<D> = ConstructorNames<D>>(definition: D, options?: DeployOptions<D, Name>): TestHandle<D>
  /** A contract that a contract made. */
  at<D extends ContractDefinition>(definition: D, address: Uint8Array): TestHandle<D>
  /** What answers HTTP requests of queries from now on. */
  answerHttp(http: TestHttp): void
  readonly logs: readonly TestLog[]
}

const noHttp: TestHttp = () => 'NetworkError'

/** One cluster's state and clock. */
class MemoryCluster implements TestCluster {
  blockNumber = 1
  readonly world = new TestWorld()
  private readonly crypto: Crypto
  private readonly hash: (bytes: Uint8Array) => Uint8Array
  private readonly clusterId = new Uint8Array(32)
  private readonly clusterSecret: Uint8Array
  private http: TestHttp = noHttp
  private drawn = 0
  private readonly known = new Set<string>()

  constructor(crypto: Crypto) {
    this.crypto = crypto
    this.hash = (bytes) => crypto.blake2b256(bytes)
    this.clusterSecret = crypto.sr25519.pairFromSeed(crypto.blake2b256(utf8('test cluster'))).secret
  }

  get logs(): readonly TestLog[] { return this.world.logs }

  account(name: string): Uint8Array {
    const id = this.hash(utf8(`test account ${name}`))
    if (!this.known.has(name)) this.world.setBalance(id, this.world.balanceOf(id) + INITIAL_BALANCE)
    this.known.add(name)
    return id
  }

  balanceOf(account: Uint8Array): bigint {
    return this.world.balanceOf(account)
  }

  advance(blocks: number): void {
    this.blockNumber += blocks
  }

  answerHttp(http: TestHttp): void {
    this.http = http
  }

  upload(definition: ContractDefinition): Uint8Array {
    const codeHash = this.hash(utf8(`test code ${definition.name} ${definition.version}`))
    this.world.codes.set(bytesToKey(codeHash), { definition, selectors: selectorsOf(this.hash, definition) })
    return codeHash
  }

  private settings(origin: Uint8Array, mode: HostMode): RunSettings {
    const { crypto, world, clusterId, clusterSecret, blockNumber } = this
    return {
      crypto, world, clusterId, clusterSecret, mode, origin, blockNumber, nowMs: BigInt(blockNumber) * BLOCK_MS, http: (request) => this.http(request),
      draw: () => this.hash(concatBytes(utf8('test random'), bigintToLe(BigInt(this.drawn++), 8))),
    }
  }

  /** Runs a first frame; what it changed stays in transactions that returned. */
  private run(request: FrameRequest & { readonly caller: Uint8Array }, mode: HostMode): FrameEnd {
    const mark = this.world.mark()
    let end: FrameEnd
    try {
      end = new TestMachine(this.settings(request.caller, mode)).enter(request)
    } catch (cause) {
      const reason = cause instanceof AppError && cause.code === 'SDK_CONTRACT_STOPPED' ? (cause as AppError<'SDK_CONTRACT_STOPPED'>).context.reason : String(cause)
      end = { kind: 'Stopped', value: { reason, cause } }
    }
    if (mode !== 'Transaction' || end.kind !== 'Returned') this.world.rollback(mark)
    return end
  }

  deploy<D extends ContractDefinition, Name extends ConstructorNames<D> = ConstructorNames<D>>(definition: D, options: DeployOptions<D, Name> = {}): TestHandle<D> {
    const { entry: name = Object.keys(definition.constructors)[0] as Name, from = this.account('deployer'), value = 0n, salt = EMPTY } = options
    const entry = definition.constructors[name] as AnyEntry
    const codeHash = this.upload(definition)
    const address = testContractAddress(this.settings(from, 'Transaction'), { deployer: from, codeHash, salt })
    const input = encodeInput(this.hash, { name, entry, args: options.args })
    readAnswer(`${definition.name}.${name}`, entry, this.run({ entry: 'deploy', address, codeHash, caller: from, value, input }, 'Transaction'))
    return this.at(definition, address)
  }

  at<D extends ContractDefinition>(definition: D, address: Uint8Array): TestHandle<D> {
    const call = (caller: Uint8Array, name: string, entry: AnyEntry) => (args?: unknown, { value = 0n, mode }: TestCallOptions = {}): unknown => {
      const contract = this.world.contract(address)
      const message = `${definition.name}.${name}`
      if (contract === undefined) throw new AppError('SDK_CONTRACT_TEST_STOPPED', { message, reason: 'there is no such contract' })
      const input = encodeInput(this.hash, { name, entry, args })
      const end = this.run({ entry: 'call', address, codeHash: contract.codeHash, caller, value, input }, mode ?? (entry.kind === 'query' ? 'Query' : 'Transaction'))
      return readAnswer(message, entry, end)
    }
    const isOwn = ({ contract }: { readonly contract: Uint8Array }): boolean => bytesEqual(contract, address)
    return {
      address,
      as: (caller) => Object.fromEntries(Object.entries(definition.messages).map(([name, entry]) => [name, call(caller, name, entry)])) as unknown as TestMessages<D>,
      events: () => this.world.events.filter(isOwn).map(({ topics, data }) => this.readEvent(definition, { topics, data }) as EventsOf<D>),
      logs: () => this.world.logs.filter(isOwn).map(({ message }) => message),
      balance: () => this.world.balanceOf(address),
    }
  }

  private readEvent(definition: ContractDefinition, { topics, data }: { readonly topics: readonly Uint8Array[]; readonly data: Uint8Array }): { readonly kind: string; readonly value: unknown } {
    const signature = topics[0] ?? EMPTY
    const found = definition.events.find((event) => bytesEqual(signatureTopic(this.hash, definition.name, event), signature))
    return found === undefined ? { kind: 'Unknown', value: data } : { kind: found.name, value: found.codec.decode(data) }
  }
}

/** What an entry returned, decoded from its bytes. @throws SDK_CONTRACT_TEST_REVERTED, SDK_CONTRACT_TEST_STOPPED */
const readAnswer = (message: string, entry: AnyEntry, end: FrameEnd): unknown => {
  if (end.kind === 'Stopped') throw new AppError('SDK_CONTRACT_TEST_STOPPED', { message, reason: end.value.reason }, { cause: end.value.cause })
  if (end.value.length === 0) return undefined
  const answer = answerCodec(entry).decode(end.value)
  const error = answer.ok ? (answer.value.ok ? undefined : answer.value.error) : answer.error
  if (end.kind === 'Reverted') throw new AppError('SDK_CONTRACT_TEST_REVERTED', { message, shown: show(error), error })
  return answer.ok && answer.value.ok ? answer.value.value : undefined
}

/** Makes an empty cluster. Costs some milliseconds once, for the cryptography. */
export const createTestCluster = async (): Promise<TestCluster> => new MemoryCluster(await loadCrypto())
