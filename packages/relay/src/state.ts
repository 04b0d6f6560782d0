/**
 * Owns the words of the relay's state machine: what is known of one worker, what can happen, what can be done.
 * Pure data; step.ts moves it, worker-driver.ts performs the effects.
 */

/** Where a worker stands. Order is that of a healthy start; the last two are for trouble. */
export const PHASES = ['connecting', 'initialising', 'syncing', 'registering', 'announcing', 'running', 'degraded', 'halted'] as const

/** One of the phases. */
export type Phase = (typeof PHASES)[number]

/** A phase with its reason, and what to do about it where something must be done. */
export interface Status {
  readonly phase: Phase
  readonly reason: string
  readonly code?: string
  readonly fix?: string
}

/** An error as the machine keeps it: plain data. */
export interface Failure {
  readonly code: string
  readonly reason: string
  readonly fix: string
}

/** What the machine knows from the worker's own account. Keys in hex. */
export interface WorkerView {
  readonly initialized: boolean
  readonly registered: boolean
  readonly anchored: boolean
  readonly genesis: string | undefined
  readonly identity: string | undefined
  readonly nextBlock: number
  readonly pendingMessages: number
  readonly score: number
  readonly confidence: number
  readonly version: string
  /** The worker's own word for its state, and why. */
  readonly state: string
  readonly reason: string
  /** Hex id of the cluster of which another member is to give the worker the state or a key. */
  readonly clusterAwaited: string | undefined
}

/** What the nodes together look like to one worker: those of its chain, or of the first chain met while it has none. */
export type ChainView =
  /** `isAwaited`: no node has failed yet, they were only just asked. */
  | { readonly kind: 'none'; readonly isAwaited: boolean; readonly failure: Failure }
  | { readonly kind: 'other'; readonly genesis: string }
  | { readonly kind: 'at'; readonly genesis: string; readonly head: number }

/** Consecutive blocks fetched from a node, not yet fed. `count` is what the batch itself says. */
export interface Batch {
  readonly from: number
  readonly count: number
  readonly bytes: Uint8Array
  readonly node: string
}

/** What a worker showed for its registration. */
export interface Evidence {
  readonly runtimeInfo: Uint8Array
  readonly report: Uint8Array
}

/** Something to do outside. At most one is under way per lane: `worker`, `fetch`, `chain`. */
export type Effect =
  | { readonly kind: 'getInfo' }
  /** At a checkpoint of the chain or at its genesis; nodes whose checkpoints were refused come last. */
  | { readonly kind: 'init'; readonly isAtCheckpoint: boolean; readonly avoid: readonly string[] }
  /** Lets the worker go on at a checkpoint instead of feeding it what lies between. */
  | { readonly kind: 'skip'; readonly avoid: readonly string[] }
  | { readonly kind: 'feed'; readonly batch: Batch }
  | { readonly kind: 'attest'; readonly refresh: boolean }
  /** Offers messages of the worker: none of the senders `held`, one of each of the `careful`, of which the last was refused. */
  | { readonly kind: 'egress'; readonly held: readonly string[]; readonly careful: readonly string[] }
  /** Asks the chain until when it counts the worker's evidence. */
  | { readonly kind: 'standing' }
  | { readonly kind: 'fetch'; readonly from: number; readonly limit: number; readonly avoid: readonly string[] }
  | { readonly kind: 'register'; readonly evidence: Evidence }
  | { readonly kind: 'endpoints'; readonly urls: readonly string[] }
  /** Has another member of its cluster (hex id) give the worker what it lacks. */
  | { readonly kind: 'join'; readonly cluster: string }

/** Name of an effect. */
export type EffectKind = Effect['kind']

/** Which lane an effect occupies while it runs. */
export const LANES = {
  getInfo: 'worker', init: 'worker', skip: 'worker', feed: 'worker', attest: 'worker', egress: 'worker',
  fetch: 'fetch', register: 'chain', endpoints: 'chain', standing: 'chain', join: 'chain',
} as const satisfies Record<EffectKind, string>

/** A lane. */
export type Lane = (typeof LANES)[EffectKind]

/** Something that happened. */
export type Happening =
  | { readonly kind: 'tick' }
  | { readonly kind: 'chain'; readonly view: ChainView }
  | { readonly kind: 'info'; readonly worker: WorkerView }
  | { readonly kind: 'initialized' }
  | { readonly kind: 'fed'; readonly syncedTo: number }
  | { readonly kind: 'skipped'; readonly syncedTo: number }
  | { readonly kind: 'fetched'; readonly batch: Batch }
  | { readonly kind: 'attested'; readonly runtimeInfo: Uint8Array; readonly report: Uint8Array | undefined }
  /** `underWay`: messages of the worker on their way into a block now. `gap`: a sender of which the chain expects a message that the worker does not have. */
  | { readonly kind: 'egressed'; readonly underWay: number; readonly gap: Failure | undefined }
  | { readonly kind: 'messageDelivered'; readonly sender: string }
  | { readonly kind: 'registered' }
  /** Milliseconds until the worker's evidence should be renewed, negative when overdue; undefined: the chain asks for no renewal. */
  | { readonly kind: 'standing'; readonly renewInMs: number | undefined }
  | { readonly kind: 'endpointsSet' }
  | { readonly kind: 'joined' }
  /** A message offered came to nothing; a later round tries it again. With a sender: the chain ran it and said no. */
  | { readonly kind: 'messageRefused'; readonly sender?: string; readonly failure: Failure }
  /** `isRefusal`: the other side answered and said no. */
  | { readonly kind: 'failed'; readonly effect: EffectKind; readonly failure: Failure; readonly isRefusal: boolean; readonly node?: string }

/** A happening with its time and a random number in [0, 1) for jitter. */
export type Input = Happening & { readonly nowMs: number; readonly fraction: number }

/** A sender whose next message was refused. */
export interface RefusedSender {
  readonly failure: Failure
  readonly failures: number
  readonly retryAtMs: number
}

/** Progress of the registration while the worker does not see itself registered. */
export interface RegistrationState {
  readonly stage: 'attest' | 'submit' | 'seen'
  readonly evidence: Evidence | undefined
  /** Head when the chain took it. */
  readonly takenAt: number
  readonly failures: number
  readonly failure: Failure | undefined
  readonly retryAtMs: number
}

/** Everything the relay knows about one worker. */
export interface RelayState {
  readonly endpoints: readonly string[]
  /** A worker at least so many blocks behind goes on at a checkpoint. */
  readonly checkpointAfterBlocks: number
  /** Checkpoints that came to nothing in a row. After a few, blocks are fed until the time given. */
  readonly checkpointFailures: number
  readonly checkpointRetryAtMs: number
  readonly chain: ChainView
  readonly worker: WorkerView | undefined
  /** The worker must be asked again before anything is decided. */
  readonly isStale: boolean
  readonly askedAtMs: number
  readonly next: number
  readonly batches: readonly Batch[]
  /** Blocks to ask for at once; grows while all goes well, shrinks on refusal. */
  readonly limit: number
  /** Nodes whose blocks from `next`, or whose checkpoints, the worker refused. */
  readonly avoid: readonly string[]
  readonly busy: Readonly<Partial<Record<Lane, EffectKind>>>
  /** Consecutive failures of worker and fetch lanes, and when to try again. */
  readonly failures: number
  readonly failure: Failure | undefined
  readonly failedEffect: EffectKind | undefined
  /** The failure was an answer, not silence. */
  readonly isRefusal: boolean
  readonly retryAtMs: number
  readonly registration: RegistrationState
  /** When to ask the chain again until when the evidence of a registered worker counts. */
  readonly standingAtMs: number
  /** When to renew that evidence; undefined while unknown or never. */
  readonly renewAtMs: number | undefined
  readonly endpointsDone: boolean
  readonly endpointsRetryAtMs: number
  readonly endpointFailures: number
  readonly joinRetryAtMs: number
  readonly joinFailures: number
  readonly joinFailure: Failure | undefined
  /** Head at which the queue of outgoing messages was last looked at. */
  readonly egressAt: number
  readonly egressTrouble: Failure | undefined
  /** A sender had a gap at the last look. Told only: it is for others to close, and the other senders' messages do not wait for it. */
  readonly egressGap: Failure | undefined
  readonly egressRetryAtMs: number
  readonly egressFailures: number
  /** The messages offered last have failed already: many at once are one failure. */
  readonly isEgressFailed: boolean
  /** Senders whose next message the chain refuses; the others go on. */
  readonly refusedSenders: Readonly<Record<string, RefusedSender>>
  readonly status: Status
  readonly sinceMs: number
}
