/** Owns `chainHead_v1_*`: following the head, and operations on the blocks that a follower pinned. The operations themselves run in ../follow.ts. */
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { Header } from '@phalanx/primitives/chain'
import type { RpcBackend } from '../backend.ts'
import type { Connection } from '../connection.ts'
import { createFollower, type Follower } from '../follow.ts'
import { call, Deferred, subscription, type MethodTable } from '../method.ts'
import { boolean, callBytes, either, hash, hexBytes, listOf, optional, textUpTo } from '../params.ts'
import { answerItems, storageItems } from '../storage-items.ts'

/** Follow subscriptions of one connection. */
const FOLLOWS_MAX = 2
const FOLLOWERS = {}

const followersOf = (connection: Connection): Map<string, Follower> => connection.stateOf(FOLLOWERS, () => new Map<string, Follower>())

const followSubscription = textUpTo(64)
const LIMIT_REACHED = { result: 'limitReached' }

/** Runs an operation on a pinned block; its events come after the response. */
const start = (
  connection: Connection,
  target: { readonly followSubscription: string; readonly hash: Uint8Array },
  run: (follower: Follower) => Parameters<Follower['start']>[0],
  extra: Record<string, unknown> = {},
): unknown => {
  const follower = followersOf(connection).get(target.followSubscription)
  if (follower === undefined) return LIMIT_REACHED
  follower.assertPinned(target.hash)
  const started = follower.start(run(follower))
  return started === undefined ? LIMIT_REACHED : new Deferred({ result: 'started', operationId: started.id, ...extra }, started.run)
}

function* bodyEvents({ chain }: RpcBackend, block: Uint8Array): Generator<Record<string, unknown>> {
  const body = chain.store.body(chain.numberOf(block)) ?? []
  yield { event: 'operationBodyDone', value: body.map(toHex) }
}

function* callEvents({ chain, runtime, env }: RpcBackend, query: { hash: Uint8Array; name: string; data: Uint8Array }): Generator<Record<string, unknown>> {
  const output = runtime.callApi({ state: chain.stateAt(query.hash), at: chain.headerAt(query.hash), method: query.name, params: query.data, env })
  yield { event: 'operationCallDone', output: toHex(output) }
}

/** Storage answers in one event. */
const ITEMS_PER_EVENT = 512
/** Events before the client must ask for more. */
const EVENTS_PER_PAGE = 4

function* storageEvents(answers: Generator<Record<string, string>>): Generator<Record<string, unknown>> {
  let items: Record<string, string>[] = []
  let events = 0
  for (const answer of answers) {
    items.push(answer)
    if (items.length < ITEMS_PER_EVENT) continue
    yield { event: 'operationStorageItems', items }
    items = []
    if (++events % EVENTS_PER_PAGE === 0) yield { event: 'operationWaitingForContinue' }
  }
  if (items.length > 0) yield { event: 'operationStorageItems', items }
  yield { event: 'operationStorageDone' }
}

/** Methods of the new interface around the head of the chain. */
export const chainHeadMethods: MethodTable = {
  chainHead_v1_follow: subscription({
    doc: 'Follows the head: initialized, then newBlock, bestBlockChanged and finalized for every block; stop when it must be made anew.',
    params: { withRuntime: boolean },
    notification: 'chainHead_v1_followEvent', unsubscribe: ['chainHead_v1_unfollow'], unsubscribed: null,
    start(backend, { withRuntime }, sink) {
      const followers = followersOf(sink.connection)
      if (followers.size >= FOLLOWS_MAX) throw new AppError('RPC_FOLLOW_LIMIT', { max: FOLLOWS_MAX })
      const follower = createFollower({ withRuntime }, { backend, sink })
      followers.set(sink.id, follower)
      return () => {
        followers.delete(sink.id)
        follower.stop()
      }
    },
  }),
  chainHead_v1_header: call({
    doc: 'Header of a pinned block; null when the subscription is gone.', params: { followSubscription, hash },
    handle({ chain }, params, connection) {
      const follower = followersOf(connection).get(params.followSubscription)
      if (follower === undefined) return null
      follower.assertPinned(params.hash)
      return toHex(Header.encode(chain.headerAt(params.hash)))
    },
  }),
  chainHead_v1_body: call({
    doc: 'Extrinsics of a pinned block, by events.', params: { followSubscription, hash },
    handle: (backend, params, connection) => start(connection, params, () => bodyEvents(backend, params.hash)),
  }),
  chainHead_v1_call: call({
    doc: 'Runtime call at a pinned block, by events.', params: { followSubscription, hash, function: textUpTo(128), callParameters: callBytes },
    handle: (backend, params, connection) =>
      start(connection, params, (follower) => {
        if (!follower.withRuntime) throw new AppError('RPC_RUNTIME_NOT_FOLLOWED', {})
        return callEvents(backend, { hash: params.hash, name: params.function, data: params.callParameters })
      }),
  }),
  chainHead_v1_storage: call({
    doc: 'Storage of a pinned block, by events.', params: { followSubscription, hash, items: storageItems, childTrie: optional(hexBytes) },
    handle: (backend, params, connection) =>
      start(connection, params, () => {
        const items = params.childTrie === undefined ? params.items : []
        return storageEvents(answerItems(backend.crypto, backend.chain.stateAt(params.hash), items))
      }, { discardedItems: 0 }),
  }),
  chainHead_v1_continue: call({
    doc: 'Goes on with an operation that waits.', params: { followSubscription, operationId: textUpTo(64) },
    handle(_backend, params, connection) {
      const follower = followersOf(connection).get(params.followSubscription)
      return follower === undefined ? null : new Deferred(null, follower.resume(params.operationId))
    },
  }),
  chainHead_v1_stopOperation: call({
    doc: 'Stops an operation.', params: { followSubscription, operationId: textUpTo(64) },
    handle(_backend, params, connection) {
      followersOf(connection).get(params.followSubscription)?.stopOperation(params.operationId)
      return null
    },
  }),
  chainHead_v1_unpin: call({
    doc: 'Lets go of blocks.', params: { followSubscription, hashOrHashes: either(hash, listOf(hash, 4_096)) },
    handle(_backend, params, connection) {
      const { hashOrHashes } = params
      followersOf(connection).get(params.followSubscription)?.unpin(hashOrHashes instanceof Uint8Array ? [hashOrHashes] : hashOrHashes)
      return null
    },
  }),
}
