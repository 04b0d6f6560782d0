/**
 * Owns the interface of system contracts: every message with its selector, arguments and answer, events, storage. Who runs one,
 * who calls one and its metadata take it from here, so that they cannot differ.
 */
import { fixedBytes, option, text, tuple, u128, u16, u32, u64, unit, vec, vecUpTo, bool, type Codec, type ResultValue } from '../codec/index.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { BUILTIN_SYSTEM_CODE } from '../messages/contract-identity.ts'
import {
  answerCodec, encodeInput, event, fallibleMessage, message, type ArgumentSpec, type ArgumentSpecs, type ContractSpec, type LangError, type MessageArguments,
  type MessageReturn,
} from './abi.ts'
import { createInkMetadata, InkAccountId, InkHash, type InkMetadata } from './metadata.ts'
import { CodeType, DriverError, HookPoint, SidevmConfig, SystemError } from './system-types.ts'

const WORKERS_MAX = 4096

const shownAs = <T>(codec: Codec<T>, ...displayName: readonly string[]): ArgumentSpec<T> => ({ codec, displayName })

const Hash = fixedBytes(32)
const Version = tuple(u16, u16, u16)
/** Block since which a driver is set, and the driver. */
const DriverSince = tuple(u32, InkAccountId)
const DriverHistory = vec(DriverSince)

const account = shownAs(InkAccountId, 'AccountId')
const pinkHash = shownAs(Hash, 'pink', 'Hash')
const name = shownAs(text, 'String')
const NONE = {}

interface Parts<A extends ArgumentSpecs> {
  readonly selector: `0x${string}`
  readonly args: A
  readonly mutates?: boolean
  readonly docs?: readonly string[]
}

const done = { ok: unit, error: SystemError } as const
const system = <const A extends ArgumentSpecs, R>(label: string, parts: Parts<A>, returns: Codec<R>) => message({ ...parts, label: `System::${label}` }, returns)
const order = <const A extends ArgumentSpecs>(label: string, parts: Parts<A>) => fallibleMessage({ ...parts, label: `System::${label}` }, done)

/** Messages of a system contract by name. */
export const SYSTEM_MESSAGES = {
  owner: message({ label: 'owner', selector: '0xfeaea4fa', args: NONE }, InkAccountId),
  version: system('version', { selector: '0x87c98a8d', args: NONE }, Version),
  grantAdmin: order('grant_admin', { selector: '0x67612061', mutates: true, args: { contractId: account } }),
  setDriver: order('set_driver', { selector: '0xaa1e2030', mutates: true, args: { name, contractId: account } }),
  getDriver: system('get_driver', { selector: '0x2740cf0a', args: { name } }, option(InkAccountId)),
  getDriver2: system('get_driver2', { selector: '0xc0f28223', args: { name } }, option(DriverSince)),
  deploySidevmTo: order('deploy_sidevm_to', { selector: '0x662f4aa4', args: { contractId: account, codeHash: pinkHash } }),
  stopSidevmAt: order('stop_sidevm_at', { selector: '0x52a0fd6a', args: { contractId: account } }),
  setHook: order('set_hook', {
    selector: '0x352c6b5c', mutates: true,
    args: { hook: shownAs(HookPoint, 'HookPoint'), contract: account, selector: shownAs(u32, 'u32'), gasLimit: shownAs(u64, 'u64') },
  }),
  setContractWeight: order('set_contract_weight', { selector: '0x45ec9b18', args: { contractId: account, weight: shownAs(u32, 'u32') } }),
  totalBalanceOf: system('total_balance_of', { selector: '0x5a98f226', args: { account } }, u128),
  freeBalanceOf: system('free_balance_of', { selector: '0x8a0d40d7', args: { account } }, u128),
  isAdmin: system('is_admin', { selector: '0xf06f050a', args: { contractId: account } }, bool),
  upgradeSystemContract: order('upgrade_system_contract', { selector: '0xaf69ca03', mutates: true, args: NONE }),
  doUpgrade: order('do_upgrade', { selector: '0x667e0041', args: { fromVersion: shownAs(Version, 'VersionTuple') } }),
  upgradeRuntime: order('upgrade_runtime', {
    selector: '0x317f6bf3', mutates: true, args: { version: shownAs(tuple(u32, u32)) },
    docs: ['Upgrades the rules by which the cluster runs contracts; versions that workers do not have are refused.'],
  }),
  codeExists: system('code_exists', {
    selector: '0x6fc58436', args: { codeHash: shownAs(Hash), codeType: shownAs(CodeType, 'CodeType') }, docs: ['Whether code with this hash was uploaded to the cluster.'],
  }, bool),
  codeHash: system('code_hash', { selector: '0x916fdb44', args: { account } }, option(InkHash)),
  driverHistory: system('driver_history', { selector: '0xd519dbec', args: { name } }, option(DriverHistory)),
  currentEventChainHead: system('current_event_chain_head', { selector: '0xe14655d3', args: NONE }, tuple(u64, Hash)),
  deploySidevmToWorkers: order('deploy_sidevm_to_workers', {
    selector: '0x0a7d87b2',
    args: { contract: account, codeHash: pinkHash, workers: shownAs(vecUpTo(Hash, WORKERS_MAX), 'Vec'), config: shownAs(SidevmConfig, 'pink', 'SidevmConfig') },
  }),
  setSidevmDeadline: order('set_sidevm_deadline', { selector: '0xc9af5738', args: { contract: account, deadline: shownAs(u32, 'pink', 'BlockNumber') } }),
  changeDeposit: fallibleMessage(
    { label: 'ContractDeposit::change_deposit', selector: '0xa24bcb44', mutates: true, args: { contractId: account, deposit: shownAs(u128, 'Balance') } },
    { ok: unit, error: DriverError },
  ),
} as const

/** Constructors of a system contract. */
export const SYSTEM_CONSTRUCTORS = { default: { label: 'default', selector: '0xed4b9d1b', args: NONE, docs: [] } } as const

/** Events of a system contract. */
export const SYSTEM_EVENTS = {
  DriverChanged: event({
    label: 'DriverChanged', index: 0, args: { name, previous: shownAs(option(InkAccountId), 'Option'), current: account }, indexed: ['name'], docs: ['A new driver is set.'],
  }),
  AdministratorAdded: event({ label: 'AdministratorAdded', index: 1, args: { user: account }, docs: ['A new administrator is added.'] }),
} as const

/** Storage of a system contract, laid out as the reference's, so that one program can take over from the other. */
export const SYSTEM_STORAGE = {
  owner: { kind: 'Inline', value: InkAccountId },
  administrators: { kind: 'Mapping', rootKey: 0x11ab091d, value: unit },
  drivers: { kind: 'Mapping', rootKey: 0xe69daeed, value: InkAccountId },
  drivers2: { kind: 'Mapping', rootKey: 0xae67f833, value: DriverSince },
  driversHistory: { kind: 'Mapping', rootKey: 0xd2232fce, value: DriverHistory },
} as const

/** Version of the interface, and of the contract built into workers. */
export const SYSTEM_VERSION = [1, 2, 0] as const

/** Everything declared. */
export const SYSTEM_CONTRACT: ContractSpec = {
  name: 'system', version: SYSTEM_VERSION.join('.'), authors: ['Phalanx'], storageName: 'System',
  constructors: SYSTEM_CONSTRUCTORS, messages: SYSTEM_MESSAGES, events: SYSTEM_EVENTS, storage: SYSTEM_STORAGE,
}

/** Name of a message. */
export type SystemMessageName = keyof typeof SYSTEM_MESSAGES
/** Arguments of a message. */
export type SystemArguments<N extends SystemMessageName> = MessageArguments<(typeof SYSTEM_MESSAGES)[N]>
/** Answer of a message. */
export type SystemReturn<N extends SystemMessageName> = MessageReturn<(typeof SYSTEM_MESSAGES)[N]>

/** Calls of system contracts, for whoever calls one. */
export const systemCalls = {
  /** Input of the constructor. */
  construct: (): Uint8Array => encodeInput(SYSTEM_CONSTRUCTORS.default, {}),
  /** Input of a message. @throws CODEC_ codes where an argument does not fit */
  encode: <N extends SystemMessageName>(called: N, args: SystemArguments<N>): Uint8Array => encodeInput(SYSTEM_MESSAGES[called], args as never),
  /** What the returned bytes of a message say. @throws CODEC_ codes */
  decode: <N extends SystemMessageName>(called: N, data: Uint8Array): ResultValue<SystemReturn<N>, LangError> =>
    answerCodec(SYSTEM_MESSAGES[called].returns as Codec<SystemReturn<N>>).decode(data),
} as const

/** Metadata of the system contract that is built into workers. */
export const createSystemMetadata = (crypto: Pick<Crypto, 'blake2b256'>): InkMetadata =>
  createInkMetadata(SYSTEM_CONTRACT, {
    codeHash: crypto.blake2b256(BUILTIN_SYSTEM_CODE), language: 'TypeScript', compiler: 'phalanx', chainExtension: 'pink_extension::chain_extension::PinkExt',
  })
