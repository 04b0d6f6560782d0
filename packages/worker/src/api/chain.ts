/** Owns the methods by which a relay initialises a worker, feeds it and takes its messages. */
import { Empty, SyncedTo } from './common.ts'
import { KIB, MIB, bool, bytes, message, method, optional, type MessageOf } from './schema.ts'

/**
 * `encodedGenesisInfo` is SCALE `GenesisBlockInfo`; with `encodedCheckpoint`, SCALE `ChainCheckpoint` of that chain, the worker begins there. `encodedGenesisState`, `skipRa`, `isParachain` and the provider are
 * ignored: they decide nothing here.
 */
export const InitRuntimeRequest = message('InitRuntimeRequest', {
  skipRa: bool(1),
  encodedGenesisInfo: bytes(2),
  debugSetKey: optional(bytes(3)),
  encodedGenesisState: bytes(4),
  encodedOperator: optional(bytes(5)),
  isParachain: bool(6),
  attestationProvider: optional(bytes(7)),
  encodedCheckpoint: optional(bytes(100)),
})
export type InitRuntimeRequest = MessageOf<typeof InitRuntimeRequest>

/** SCALE `FollowedBlocks`, beginning at `GetInfo.headernum` or `GetInfo.blocknum`; `genesisHash`, where given, must be the worker's. */
export const FeedRequest = message('FeedRequest', { encodedBlocks: bytes(1), genesisHash: optional(bytes(2)) })
export type FeedRequest = MessageOf<typeof FeedRequest>

/** SCALE `ChainCheckpoint` for this worker, above the last block it knows. */
export const SkipRequest = message('SkipRequest', { encodedCheckpoint: bytes(1) })

/** SCALE `Vec<(MessageOrigin, Vec<SignedMessage>)>`, sorted by origin. */
export const GetEgressMessagesResponse = message('GetEgressMessagesResponse', { encodedMessages: bytes(1) })

/** Whether to forget checkpoints when stopping; the identity always stays. */
const StopOptions = message('StopOptions', { removeCheckpoints: bool(1) })

/** Methods of the service PhactoryAPI. */
export const chainMethods = {
  GetEgressMessages: method({
    doc: 'Messages for the chain that it has not acknowledged yet.', params: Empty, result: GetEgressMessagesResponse, access: 'private', kind: 'query', limitBytes: KIB,
  }),
  TakeCheckpoint: method({ doc: 'Seals a checkpoint now.', params: Empty, result: SyncedTo, access: 'private', kind: 'command', limitBytes: KIB }),
  Stop: method({ doc: 'Stops the worker.', params: StopOptions, result: Empty, access: 'private', kind: 'command', limitBytes: KIB }),
} as const

/** Methods of the service PhalanxAPI. */
export const feedMethods = {
  SkipToCheckpoint: method({
    doc: 'Lets a worker that is far behind go on at a checkpoint of the chain.', params: SkipRequest, result: SyncedTo, access: 'private', kind: 'command', limitBytes: 10 * MIB,
  }),
  FeedBlocks: method({
    doc: 'Takes in finalised blocks: headers, justifications, messages and acks. Refused as a whole or taken as a whole.',
    params: FeedRequest, result: SyncedTo, access: 'private', kind: 'command', limitBytes: 100 * MIB,
  }),
} as const
