/** Owns a network in memory for tests of the relay: nodes that may lie or vanish, workers that may restart, one chain. */
import { bytesEqual, concatBytes, toHex } from '@phalanx/primitives/bytes'
import { ByteReader, readLength, u32 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import type { MessageOrigin, SignedMessage } from '@phalanx/primitives/messages'
import type { ChainClient, DispatchOutcome, MetadataIndex, RpcClient, WorkerClient } from '@phalanx/sdk'
import { EgressMessages } from './egress.ts'

/** Faults of a fake node; change them at any time. */
export interface FakeNodeFaults {
  isOffline: boolean
  /** Blocks that it alters. */
  poisonFrom: number | undefined
  /** Head that it claims instead of its own. */
  claimedHead: number | undefined
}

/** The chain that fake nodes serve. */
export interface FakeChain {
  readonly genesis: Uint8Array
  head: number
  /** Calls in the order in which they were included. */
  readonly calls: { readonly pallet: number; readonly call: number; readonly args: Uint8Array }[]
  /** How the next calls end; empty: all succeed. */
  readonly outcomes: DispatchOutcome[]
  /** Refusals of the pool for the next submissions. */
  readonly refusals: AppError[]
  /** Next sequence per sender, hex of its identity. */
  readonly sequences: Map<string, bigint>
}

/** An empty chain. */
export const createFakeChain = (genesisByte = 1): FakeChain => ({
  genesis: new Uint8Array(32).fill(genesisByte), head: 0, calls: [], outcomes: [], refusals: [], sequences: new Map(),
})

/** Index of the registry in the fake metadata. */
export const FAKE_REGISTRY = 41
/** Index of the message queue in the fake metadata. */
export const FAKE_MQ = 40

const CALLS: Readonly<Record<string, { readonly pallet: number; readonly call: number }>> = {
  'PhalaRegistry.register_worker_v2': { pallet: FAKE_REGISTRY, call: 7 },
  'PhalaRegistry.update_worker_endpoint': { pallet: FAKE_REGISTRY, call: 8 },
  'PhalaMq.sync_offchain_message': { pallet: FAKE_MQ, call: 0 },
}

const fakeMetadata = {
  call(pallet: string, name: string) {
    const found = CALLS[`${pallet}.${name}`]
    if (found === undefined) throw new AppError('SDK_METADATA_NAME_NOT_FOUND', { what: 'call', name })
    return { ...found, fields: [] }
  },
  storagePrefix: () => new Uint8Array(32),
} as unknown as MetadataIndex

/** Bytes of a batch as fakes pass them: count, first number, whether altered. */
const encodeBatch = (from: number, count: number, isPoison: boolean): Uint8Array =>
  concatBytes(Uint8Array.of(count << 2), u32.encode(from), Uint8Array.of(isPoison ? 1 : 0))

/** A node of a chain. */
export const createFakeNode = (chain: FakeChain, url: string): { readonly client: ChainClient; readonly faults: FakeNodeFaults; announce(): void; setOnline(isOnline: boolean): void } => {
  const faults: FakeNodeFaults = { isOffline: false, poisonFrom: undefined, claimedHead: undefined }
  const heads = new Set<(number: number) => void>()
  const connections = new Set<(connected: boolean) => void>()
  const head = (): number => faults.claimedHead ?? chain.head
  const online = async <T>(answer: () => T): Promise<T> => {
    if (faults.isOffline) throw new AppError('SDK_CONNECTION_FAILED', { url, reason: 'offline' })
    return answer()
  }
  const client: ChainClient = {
    url,
    rpc: { onConnection: (listener: (connected: boolean) => void) => (connections.add(listener), () => connections.delete(listener)) } as unknown as RpcClient,
    genesisHash: () => online(() => chain.genesis),
    runtimeVersion: () => online(() => ({ specName: 'fake', specVersion: 1, transactionVersion: 1 })),
    metadata: () => online(() => fakeMetadata),
    finalizedHead: () => online(() => ({ number: head(), hash: new Uint8Array(32) })),
    followFinalized: async (next) => {
      heads.add(next)
      // As nodes do: the present head comes first.
      if (!faults.isOffline) next(head())
      return { unsubscribe: () => void heads.delete(next) }
    },
    storage: () => online(() => undefined),
    nextNonce: () => online(() => chain.calls.length),
    nextMessageSequence: (sender) => online(() => chain.sequences.get(senderKey(sender)) ?? 0n),
    getBlocks: (from, limit) => online(() => {
      // A compact count below 64 is one byte: enough for tests.
      const count = Math.max(0, Math.min(limit, 60, chain.head - from + 1))
      const isPoison = faults.poisonFrom !== undefined && from + count > faults.poisonFrom
      return encodeBatch(from, count, isPoison && count > 0)
    }),
    genesisInfo: () => online(() => chain.genesis),
    admission: () => online(() => new Uint8Array(0)),
    checkpoint: () => online(() => u32.encode(faults.poisonFrom === undefined ? chain.head : 0)),
    submit: (extrinsic) => online(() => {
      const refusal = chain.refusals.shift()
      if (refusal !== undefined) throw refusal
      const { pallet, call, args } = callOf(extrinsic)
      chain.calls.push({ pallet, call, args })
      const outcome = chain.outcomes.shift() ?? { ok: true as const }
      return { included: Promise.resolve({ blockHash: new Uint8Array(32), outcome }) }
    }),
    close: () => {},
  }
  return {
    client, faults,
    announce: () => heads.forEach((next) => next(head())),
    setOnline(isOnline) {
      faults.isOffline = !isOnline
      connections.forEach((listener) => listener(isOnline))
    },
  }
}

const senderKey = (sender: MessageOrigin): string => (sender.kind === 'Worker' ? toHex(sender.value) : sender.kind)

/** The call at the end of a fake extrinsic: tests sign with a 64-byte signature, era of two bytes, short nonce and tip. */
const callOf = (extrinsic: Uint8Array): { readonly pallet: number; readonly call: number; readonly args: Uint8Array } => {
  const input = new ByteReader(extrinsic)
  readLength(input, extrinsic.length)
  const fixed = 1 + 1 + 32 + 1 + 64 + 2 + 1 + 1
  const call = extrinsic.slice(input.offset + fixed)
  return { pallet: call[0] ?? 0, call: call[1] ?? 0, args: call.slice(2) }
}

/** A worker's inside, to be changed by the test. */
export interface FakeWorker {
  readonly client: WorkerClient
  readonly identity: Uint8Array
  isOffline: boolean
  initialized: boolean
  registered: boolean
  anchored: boolean
  hasEvidence: boolean
  nextBlock: number
  state: string
  genesis: Uint8Array | undefined
  messages: SignedMessage[]
  readonly fed: { readonly from: number; readonly count: number }[]
  /** Checkpoints it took. */
  readonly checkpoints: number[]
}

/** A worker that has been started for the first time. */
export const createFakeWorker = (url: string, seed: number): FakeWorker => {
  const identity = new Uint8Array(32).fill(seed)
  const online = async <T>(answer: () => T): Promise<T> => {
    if (worker.isOffline) throw new AppError('SDK_WORKER_UNREACHABLE', { url, reason: 'offline' })
    return answer()
  }
  const refuse = (method: string, code: string): AppError => new AppError('WIRE_CALL_FAILED', { method, status: 500, code, text: `${code}: no` })
  /** Checkpoints of fakes are a block number; poisoned ones are 0. */
  const beginAt = (method: string, checkpoint: Uint8Array): number => {
    const number = u32.decode(checkpoint)
    if (number === 0) throw refuse(method, 'LIGHT_CHECKPOINT_PROOF')
    worker.checkpoints.push(number)
    return number
  }
  const worker: FakeWorker = {
    identity, checkpoints: [], isOffline: false, initialized: false, registered: false, anchored: false, hasEvidence: true, nextBlock: 1, state: 'unsealed', genesis: undefined, messages: [], fed: [],
    client: {
      url,
      getInfo: () => online(() => ({
        initialized: worker.initialized, registered: worker.registered, anchored: worker.anchored, state: worker.state, reason: '', genesisHash: worker.genesis,
        identity: worker.initialized ? identity : undefined, ecdhPublicKey: undefined, nextBlock: worker.nextBlock, pendingMessages: worker.messages.length,
        score: 0, confidence: 0, version: '0',
      })),
      initRuntime: ({ genesisInfo, checkpoint }) => online(() => {
        if (worker.genesis !== undefined && !bytesEqual(worker.genesis, genesisInfo)) throw refuse('InitRuntime', 'WORKER_IDENTITY_OTHER_CHAIN')
        if (checkpoint !== undefined) worker.nextBlock = beginAt('InitRuntime', checkpoint) + 1
        Object.assign(worker, { initialized: true, genesis: genesisInfo, state: 'initialised' })
      }),
      skipToCheckpoint: (checkpoint) => online(() => {
        worker.nextBlock = beginAt('SkipToCheckpoint', checkpoint) + 1
        return worker.nextBlock - 1
      }),
      getRuntimeInfo: () => online(() => ({ runtimeInfo: identity, report: worker.hasEvidence ? Uint8Array.of(1) : undefined })),
      feedBlocks: (bytes) => online(() => {
        const count = (bytes[0] ?? 0) >> 2
        const from = u32.decode(bytes.slice(1, 5))
        if (from !== worker.nextBlock) throw refuse('FeedBlocks', 'LIGHT_FEED_FUTURE')
        if (bytes[5] === 1) throw refuse('FeedBlocks', 'LIGHT_MESSAGES_MISMATCH')
        worker.nextBlock += count
        worker.fed.push({ from, count })
        return worker.nextBlock - 1
      }),
      getEgressMessages: () => online(() => EgressMessages.encode(worker.messages.length === 0 ? [] : [[{ kind: 'Worker', value: identity }, worker.messages]])),
      signEndpoints: () => online(() => {
        throw refuse('SignEndpointInfo', 'WORKER_ENDPOINT_INVALID')
      }),
    },
  }
  return worker
}
