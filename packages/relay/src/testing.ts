/** Owns a network in memory for tests of the relay: nodes that may lie or vanish, workers that may restart, one chain. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, concatBytes, toHex } from '@phalanx/primitives/bytes'
import { decodeExtrinsic, FollowedBlocks, type FollowedBlock } from '@phalanx/primitives/chain'
import { ByteReader, readLength, u32 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { SignedMessage, type MessageOrigin } from '@phalanx/primitives/messages'
import type { CallOutcome, ChainClient, DispatchOutcome, Inclusion, MetadataIndex, RpcClient, WorkerClient } from '@phalanx/sdk'
import type { CacheClient } from './cache-client.ts'
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
  /** Next nonce per account, hex of its id. */
  readonly nonces: Map<string, number>
  /** Calls in the order in which they were included. */
  readonly calls: { readonly pallet: number; readonly call: number; readonly args: Uint8Array }[]
  /** How the next calls end; empty: all succeed. */
  readonly outcomes: DispatchOutcome[]
  /** Refusals of the pool for the next submissions. */
  readonly refusals: AppError[]
  /** Next sequence per sender, hex of its identity. */
  readonly sequences: Map<string, bigint>
  /** Messages that the chain took, in order. */
  readonly delivered: SignedMessage[]
  /** How many calls each extrinsic with messages had. */
  readonly batches: number[]
  /** What every extrinsic costs. */
  readonly fee: bigint
  /** Name of the error by which the chain refuses a message; none unless set. */
  refuses: (message: SignedMessage) => string | undefined
  /** What becomes of an extrinsic that the pool took; in the next block unless set. */
  fate: () => Fate
}

/** An extrinsic is run and told of, run and not heard of, or never run. */
export type Fate = 'included' | 'unheard' | 'dropped' | 'vanished'

/** An empty chain. */
export const createFakeChain = (genesisByte = 1): FakeChain => ({
  genesis: new Uint8Array(32).fill(genesisByte), head: 0, nonces: new Map(), calls: [], outcomes: [], refusals: [], sequences: new Map(), delivered: [], batches: [], fee: 7n,
  refuses: () => undefined, fate: () => 'included',
})

/** Index of the registry in the fake metadata. */
export const FAKE_REGISTRY = 41
/** Index of the message queue in the fake metadata. */
export const FAKE_MQ = 40
const FAKE_UTILITY = 2

const CALLS: Readonly<Record<string, { readonly pallet: number; readonly call: number }>> = {
  'PhalaRegistry.register_worker_v2': { pallet: FAKE_REGISTRY, call: 7 },
  'PhalaRegistry.update_worker_endpoint': { pallet: FAKE_REGISTRY, call: 8 },
  'Utility.force_batch': { pallet: FAKE_UTILITY, call: 4 },
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

/** A block in which fakes see its number, its chain and, in the root of its extrinsics, whether it was altered. */
const fakeBlock = (number: number, chain: FakeChain, isPoison: boolean): FollowedBlock => ({
  header: { parentHash: chain.genesis, number, stateRoot: new Uint8Array(32), extrinsicsRoot: new Uint8Array(32).fill(isPoison ? 1 : 0), digest: { logs: [] } },
  justification: undefined, messages: { messages: [], acks: [] },
})

/** Most blocks in one answer of a fake. */
const ANSWER_BLOCKS_MAX = 512

const feedOf = (chain: FakeChain, range: { readonly from: number; readonly limit: number; readonly head: number; readonly poisonFrom: number | undefined }): Uint8Array => {
  const { from, limit, head, poisonFrom = Infinity } = range
  const count = Math.max(0, Math.min(limit, ANSWER_BLOCKS_MAX, head - from + 1))
  return FollowedBlocks.encode(Array.from({ length: count }, (_, i) => fakeBlock(from + i, chain, from + i >= poisonFrom)))
}

/** A message as the queue of the chain takes it. */
const runMessage = (chain: FakeChain, args: Uint8Array): CallOutcome => {
  const message = SignedMessage.decode(args)
  const sender = senderKey(message.message.sender)
  if (message.sequence !== (chain.sequences.get(sender) ?? 0n)) return { ok: false, name: 'PhalaMq.BadSequence', docs: '' }
  const refusal = chain.refuses(message)
  if (refusal !== undefined) return { ok: false, name: refusal, docs: '' }
  chain.sequences.set(sender, message.sequence + 1n)
  chain.delivered.push(message)
  return { ok: true }
}

const runBatch = (chain: FakeChain, args: Uint8Array): readonly CallOutcome[] => {
  const input = new ByteReader(args)
  const count = readLength(input, args.length)
  const items: CallOutcome[] = []
  for (let i = 0; i < count; i++) {
    input.offset += 2
    const start = input.offset
    SignedMessage.read(input)
    const item = args.slice(start, input.offset)
    chain.calls.push({ pallet: FAKE_MQ, call: 0, args: item })
    items.push(runMessage(chain, item))
  }
  chain.batches.push(count)
  return items
}

const runCall = (chain: FakeChain, { pallet, call, args }: FakeChain['calls'][number]): DispatchOutcome => {
  assert(Object.values(CALLS).some((known) => known.pallet === pallet && known.call === call), `a fake chain has no call ${pallet}.${call}`)
  const { fee } = chain
  if (pallet === FAKE_UTILITY) return { ok: true, fee, items: runBatch(chain, args) }
  chain.calls.push({ pallet, call, args })
  if (pallet !== FAKE_MQ) return { ...(chain.outcomes.shift() ?? { ok: true }), fee }
  chain.batches.push(1)
  return { ...runMessage(chain, args), fee }
}

const nextNonceOf = (chain: FakeChain, accountId: Uint8Array): number => chain.nonces.get(toHex(accountId)) ?? 0

/** What the pool does with an extrinsic. @throws SDK_RPC_REFUSED, and what decoding throws: a pool takes nothing that it cannot read */
const takeIn = (chain: FakeChain, extrinsic: Uint8Array): Promise<Inclusion> => {
  const { signed, call } = decodeExtrinsic(extrinsic)
  assert(signed?.address.kind === 'Id', 'relays sign with plain accounts')
  const { address: { value: account }, extra: { nonce } } = signed
  const next = nextNonceOf(chain, account)
  if (nonce < next) throw new AppError('SDK_RPC_REFUSED', { method: 'submit', rpcCode: 1010, reason: 'Invalid Transaction: Transaction is outdated' })
  // It waits for one before it, which nobody offers.
  if (nonce > next) return new Promise(() => {})
  const fate = chain.fate()
  if (fate === 'dropped') return Promise.reject(new AppError('SDK_EXTRINSIC_DROPPED', { status: 'dropped' }))
  if (fate === 'vanished') return Promise.reject(new AppError('SDK_CONNECTION_LOST', { url: 'fake' }))
  chain.nonces.set(toHex(account), nonce + 1)
  const outcome = runCall(chain, { pallet: call[0] ?? 0, call: call[1] ?? 0, args: call.slice(2) })
  if (fate === 'unheard') return Promise.reject(new AppError('SDK_CONNECTION_LOST', { url: 'fake' }))
  return Promise.resolve({ blockHash: new Uint8Array(32), outcome })
}

/** A cache of another relay on the same chain, which may lie, lag or vanish. */
export const createFakeCache = (chain: FakeChain, url: string): { readonly client: CacheClient; readonly faults: { isOffline: boolean; poisonFrom: number | undefined; head: number | undefined }; asked: number } => {
  const faults: { isOffline: boolean; poisonFrom: number | undefined; head: number | undefined } = { isOffline: false, poisonFrom: undefined, head: undefined }
  const online = async <T>(answer: () => T): Promise<T> => {
    if (faults.isOffline) throw new AppError('SDK_HTTP_FAILED', { url, reason: 'offline' })
    return answer()
  }
  const cache = {
    faults, asked: 0,
    client: {
      url,
      genesisHash: () => online(() => chain.genesis),
      getBlocks: (from: number, limit: number) => online(() => {
        cache.asked++
        return feedOf(chain, { from, limit, head: faults.head ?? chain.head, poisonFrom: faults.poisonFrom })
      }),
    },
  }
  return cache
}

/** A node of a chain. */
export const createFakeNode = (chain: FakeChain, url: string): { readonly client: ChainClient; readonly faults: FakeNodeFaults; readonly counts: { asked: number }; announce(): void; setOnline(isOnline: boolean): void } => {
  const faults: FakeNodeFaults = { isOffline: false, poisonFrom: undefined, claimedHead: undefined }
  const counts = { asked: 0 }
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
    nextNonce: (accountId) => online(() => nextNonceOf(chain, accountId)),
    nextMessageSequence: (sender) => online(() => chain.sequences.get(senderKey(sender)) ?? 0n),
    getBlocks: (from, limit) => online(() => {
      counts.asked++
      return feedOf(chain, { from, limit, head: chain.head, poisonFrom: faults.poisonFrom })
    }),
    genesisInfo: () => online(() => chain.genesis),
    admission: () => online(() => new Uint8Array(0)),
    checkpoint: () => online(() => u32.encode(faults.poisonFrom === undefined ? chain.head : 0)),
    submit: (extrinsic) => online(() => {
      const refusal = chain.refusals.shift()
      if (refusal !== undefined) throw refusal
      const included = takeIn(chain, extrinsic)
      included.catch(() => {})
      return { included }
    }),
    close: () => {},
  }
  return {
    client, faults, counts,
    announce: () => heads.forEach((next) => next(head())),
    setOnline(isOnline) {
      faults.isOffline = !isOnline
      connections.forEach((listener) => listener(isOnline))
    },
  }
}

const senderKey = (sender: MessageOrigin): string => (sender.kind === 'Worker' ? toHex(sender.value) : sender.kind)

/** A worker's inside, to be changed by the test. */
export interface FakeWorker {
  readonly client: WorkerClient
  readonly identity: Uint8Array
  isOffline: boolean
  /** It never answers. */
  isSilent: boolean
  /** It refuses every block, whatever it is. */
  isPicky: boolean
  initialized: boolean
  registered: boolean
  anchored: boolean
  hasEvidence: boolean
  nextBlock: number
  state: string
  genesis: Uint8Array | undefined
  messages: SignedMessage[]
  readonly fed: { readonly from: number; readonly count: number }[]
  /** Cluster that it waits for, and the states that it was given. */
  clusterAwaited: Uint8Array | undefined
  readonly loaded: Uint8Array[]
  /** Checkpoints it took. */
  readonly checkpoints: number[]
}

/** A worker that has been started for the first time. */
export const createFakeWorker = (url: string, seed: number): FakeWorker => {
  const identity = new Uint8Array(32).fill(seed)
  const online = async <T>(answer: () => T): Promise<T> => {
    if (worker.isOffline) throw new AppError('SDK_WORKER_UNREACHABLE', { url, reason: 'offline' })
    if (worker.isSilent) await new Promise<never>(() => {})
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
    identity, checkpoints: [], clusterAwaited: undefined, loaded: [], isOffline: false, isSilent: false, isPicky: false, initialized: false, registered: false, anchored: false, hasEvidence: true, nextBlock: 1, state: 'unsealed', genesis: undefined, messages: [], fed: [],
    client: {
      url,
      getInfo: () => online(() => ({
        initialized: worker.initialized, registered: worker.registered, anchored: worker.anchored, state: worker.state, reason: '', genesisHash: worker.genesis,
        identity: worker.initialized ? identity : undefined, ecdhPublicKey: undefined, nextBlock: worker.nextBlock, pendingMessages: worker.messages.length,
        score: 0, confidence: 0, version: '0', clusterAwaited: worker.clusterAwaited,
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
        const blocks = FollowedBlocks.decode(bytes)
        const from = blocks[0]?.header.number ?? 0
        const count = blocks.length
        if (from !== worker.nextBlock) throw refuse('FeedBlocks', 'LIGHT_FEED_FUTURE')
        if (worker.isPicky || blocks.some(({ header }) => header.extrinsicsRoot[0] === 1)) throw refuse('FeedBlocks', 'LIGHT_MESSAGES_MISMATCH')
        worker.nextBlock += count
        worker.fed.push({ from, count })
        return worker.nextBlock - 1
      }),
      getEgressMessages: () => online(() => EgressMessages.encode(worker.messages.length === 0 ? [] : [[{ kind: 'Worker', value: identity }, worker.messages]])),
      signEndpoints: () => online(() => {
        throw refuse('SignEndpointInfo', 'WORKER_ENDPOINT_INVALID')
      }),
      requestClusterState: () => online(() => identity),
      saveClusterState: (request) => online(() => {
        if (worker.clusterAwaited !== undefined) throw refuse('SaveClusterState', 'CLUSTER_STATE_REFUSED')
        return concatBytes(request, identity)
      }),
      loadClusterState: (state) => online(() => {
        worker.loaded.push(state)
        worker.clusterAwaited = undefined
      }),
    },
  }
  return worker
}
