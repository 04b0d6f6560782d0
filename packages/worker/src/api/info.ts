/** Owns the methods that tell what the worker is and in which state, with their messages. */
import { Empty, GatekeeperStatus, MemoryUsage, SystemInfo } from './common.ts'
import { KIB, MIB, bool, bytes, message, method, nested, optional, repeated, string, uint32, uint64, type MessageOf } from './schema.ts'

/**
 * The worker in the reference's form. Hex strings have no 0x. `headernum` is the next header wanted, `blocknum` the next block to be executed,
 * `stateRoot` the root after the last executed one.
 * `ecdhPublicKey` is the identity: clients of the reference's form agree with that key; `WorkerStatus` has the rotating one.
 */
export const PhactoryInfo = message('PhactoryInfo', {
  initialized: bool(1),
  registered: bool(2),
  genesisBlockHash: optional(string(4)),
  publicKey: optional(string(5)),
  ecdhPublicKey: optional(string(6)),
  headernum: uint32(7),
  paraHeadernum: uint32(8),
  blocknum: uint32(9),
  stateRoot: string(10),
  devMode: bool(11),
  pendingMessages: uint64(12),
  score: uint64(13),
  gatekeeper: nested(14, GatekeeperStatus),
  version: string(15),
  gitRevision: string(16),
  memoryUsage: nested(18, MemoryUsage),
  waitingForParaheaders: bool(21),
  system: nested(23, SystemInfo),
  canLoadChainState: bool(24),
  safeModeLevel: uint32(25),
  currentBlockTime: uint64(26),
  maxSupportedPinkRuntimeVersion: string(27),
  supportedAttestationMethods: repeated(string(28)),
  liveSidevmInstances: uint32(29),
  queryTimeout: uint32(30),
})
export type PhactoryInfo = MessageOf<typeof PhactoryInfo>

/** States of a worker, in the order in which a healthy one passes through them; the last two are left only by an operator. */
const WORKER_STATES = ['unsealed', 'initialised', 'syncing', 'anchoring', 'registered', 'outdated', 'halted'] as const
/** State of a worker. */
export type WorkerStateName = (typeof WORKER_STATES)[number]

/** The worker's state with its reason. Keys and hashes in hex with 0x; numbers are of the last executed block. */
export const WorkerStatus = message('WorkerStatus', {
  /** One of `WORKER_STATES`. */
  state: string(1),
  reason: string(2),
  publicKey: optional(string(3)),
  ecdhPublicKey: optional(string(4)),
  /** Epoch of the anchored ECDH key, absent before one is. */
  ecdhEpoch: optional(uint64(5)),
  genesisHash: optional(string(6)),
  blockNumber: optional(uint32(7)),
  blockHash: optional(string(8)),
  blockTimeMs: optional(uint64(9)),
  confidenceLevel: optional(uint32(10)),
  score: optional(uint32(11)),
  platform: string(12),
  measurement: string(13),
  version: string(14),
  pendingBlocks: uint32(15),
  pendingMessages: uint64(16),
  setId: optional(uint64(17)),
  /** Whether confidential requests are served. */
  serving: bool(18),
  /** What it does as a gatekeeper; absent where it is none. */
  gatekeeper: optional(string(19)),
  /** How often it differed from the other gatekeepers. */
  gatekeeperAlarms: optional(uint32(20)),
  /** Hash of the block that anchored the ECDH key of `ecdhEpoch`: what is sealed to the key is bound to it. */
  ecdhAnchor: optional(string(21)),
  /** The cluster that runs here. */
  cluster: optional(string(22)),
  /** How the worker's cluster stands here; absent where it is in none. */
  clusterReason: optional(string(23)),
  /** The cluster whose state or keys another member is to give. */
  clusterAwaited: optional(string(24)),
})
export type WorkerStatus = MessageOf<typeof WorkerStatus>

/** The rotation that is under way: epoch and public key (hex with 0x) as announced; in force once final. */
export const EcdhRotation = message('EcdhRotation', { epoch: uint64(1), ecdhPublicKey: string(2) })
export type EcdhRotation = MessageOf<typeof EcdhRotation>

/** What Echo sends back. */
export const EchoMessage = message('EchoMessage', { echoMsg: bytes(1) })

/** Methods of the service PhactoryAPI. */
export const infoMethods = {
  GetInfo: method({ doc: 'What the worker is, and which block it wants next.', params: Empty, result: PhactoryInfo, access: 'public', kind: 'query', limitBytes: KIB }),
  Echo: method({ doc: 'Sends the bytes back.', params: EchoMessage, result: EchoMessage, access: 'private', kind: 'query', limitBytes: MIB }),
} as const

/** Methods of the service PhalanxAPI. */
export const statusMethods = {
  RotateEcdhKey: method({
    doc: 'Announces a fresh ECDH key now; the one in use serves until that is final, and opens what was on its way for a while after.',
    params: Empty, result: EcdhRotation, access: 'private', kind: 'command', limitBytes: KIB,
  }),
  Status: method({ doc: 'The state of the worker and the reason for it.', params: Empty, result: WorkerStatus, access: 'public', kind: 'query', limitBytes: KIB }),
} as const
