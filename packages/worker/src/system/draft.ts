/** Owns the working copy of a worker's state while one input is applied: fields are replaced, never changed in place. */
import type { BlockPoint } from '../core/light-client.ts'
import { enqueue, type EgressSigner } from '../core/mq.ts'
import { logEffect, type Effect } from '../core/effects.ts'
import type { Build, LiveState } from '../core/state.ts'
import type { Message, MessageOrigin, TopicOf } from '@phalanx/primitives/messages'
import { createMessage } from '@phalanx/primitives/messages'
import type { ClusterWork } from '../contracts/cluster/work.ts'
import type { CodeVm } from '../contracts/vm.ts'
import type { Crypto } from '@phalanx/primitives/crypto'

/** State under construction. Dropping a draft undoes everything done to it. */
export interface Draft {
  state: LiveState
  /** Block being executed, or the last executed one. */
  block: BlockPoint
  readonly effects: Effect[]
  readonly build: Build
  readonly crypto: Crypto
  /** Machines for the code of contracts. */
  readonly vms: readonly CodeVm[]
  /** What the cluster did in the block being executed. */
  readonly cluster: ClusterWork
  readonly signer: EgressSigner
}

/** Sender name of the worker itself. */
export const workerOrigin = (publicKey: Uint8Array): MessageOrigin => ({ kind: 'Worker', value: publicKey })

/** Replaces part of the worker's own standing. */
export const updateSystem = (draft: Draft, change: Partial<LiveState['system']>): void => {
  draft.state = { ...draft.state, system: { ...draft.state.system, ...change } }
}

/** A message from this worker, not yet queued. */
export const ownMessage = <T>(draft: Draft, to: TopicOf<T>, payload: T): Message => createMessage(workerOrigin(draft.state.keys.identity.publicKey), to, payload)

/** Queues a message of the worker for the chain. */
export const send = <T>(draft: Draft, to: TopicOf<T>, payload: T): void => {
  const egress = enqueue(draft.state.egress, ownMessage(draft, to, payload), draft.signer)
  if (egress === draft.state.egress) draft.effects.push(logEffect('warn', 'message dropped: too many wait for the chain', { block: draft.block.number }))
  draft.state = { ...draft.state, egress }
}
