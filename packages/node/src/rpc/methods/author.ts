/** Owns `author_*`: transactions into the pool, and what becomes of them. Keys are never handed out or used through here. */
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { TransactionStatus } from '../../txpool/transaction.ts'
import { isFinalStatus } from '../../txpool/watchers.ts'
import type { RpcBackend } from '../backend.ts'
import type { Connection } from '../connection.ts'
import { call, subscription, type MethodTable } from '../method.ts'
import { either, hash, hexBytes, listOf, objectOf, textUpTo } from '../params.ts'

/** A status as Substrate nodes write it. */
const statusJson = (status: TransactionStatus): unknown => {
  switch (status.kind) {
    case 'inBlock':
    case 'finalized':
      return { [status.kind]: toHex(status.block) }
    case 'usurped':
      return { usurped: toHex(status.by) }
    default:
      return status.kind
  }
}

/** Shortest time between `inBlock` and `finalized`, and time without requests or answers that must pass before `finalized`. */
const QUIET_MS = 100
/** Delay of a timer from which on this process counts as busy. */
const LATE_MS = 5
/** Longest wait for a quiet moment, and for a first request: a client that fetches the block may be slow to begin. */
const QUIET_WAIT_MS = 500

/**
 * Runs `then` once the client has digested what it was told. Blocks are final at once here, but clients of Substrate drop the
 * `inBlock` status, and with it the listeners of it, when `finalized` arrives while they still fetch the block.
 */
const onceDigested = ({ clock }: RpcBackend, connection: Connection, then: () => void): void => {
  const startedMs = clock.nowMs()
  const checkAfter = (delayMs: number): void => {
    const dueMs = clock.nowMs() + delayMs
    clock.after(delayMs, () => {
      const nowMs = clock.nowMs()
      const { lastRequestMs, lastAnswerMs } = connection
      const quietMs = nowMs - Math.max(lastRequestMs, lastAnswerMs)
      // A late timer says that this process was busy: what the client asked meanwhile is not read yet.
      const isLate = nowMs - dueMs >= LATE_MS
      const hasAsked = lastRequestMs > startedMs && lastAnswerMs >= lastRequestMs
      if ((hasAsked && quietMs >= QUIET_MS && !isLate) || nowMs - startedMs >= QUIET_WAIT_MS) then()
      else checkAfter(Math.max(LATE_MS, QUIET_MS - quietMs))
    })
  }
  checkAfter(QUIET_MS)
}

const noKeys = (doc: string, params: Parameters<typeof call>[0]['params']) =>
  call({
    doc, access: 'unsafe', params,
    handle: () => {
      throw new AppError('RPC_KEYSTORE_NONE', {})
    },
  })

/** Methods about transactions. */
export const authorMethods: MethodTable = {
  author_submitExtrinsic: call({
    doc: 'Puts an extrinsic into the pool; its hash.', params: { extrinsic: hexBytes },
    handle: async ({ pool }, { extrinsic }) => toHex(await pool.submit(extrinsic)),
  }),
  author_submitAndWatchExtrinsic: subscription({
    doc: 'Puts an extrinsic into the pool and reports what becomes of it: ready, inBlock, finalized, in this order.',
    params: { extrinsic: hexBytes },
    notification: 'author_extrinsicUpdate', unsubscribe: ['author_unwatchExtrinsic'],
    async start(backend, { extrinsic }, sink) {
      const { pool, crypto } = backend
      const tell = (status: TransactionStatus): void => {
        sink.notify(statusJson(status))
        // Nothing more comes: the subscription must not count against the client's limit for ever.
        if (isFinalStatus(status)) sink.close()
      }
      const stop = pool.watch(crypto.blake2b256(extrinsic), (status) => {
        if (status.kind === 'finalized') onceDigested(backend, sink.connection, () => tell(status))
        else tell(status)
      })
      try {
        await pool.submit(extrinsic)
      } catch (error) {
        stop()
        throw error
      }
      return stop
    },
  }),
  author_pendingExtrinsics: call({
    doc: 'Extrinsics in the pool that are ready, best first.', params: {},
    handle: ({ pool }) => [...pool.ready()].map(({ bytes }) => toHex(bytes)),
  }),
  author_removeExtrinsic: call({
    doc: 'Takes extrinsics out of the pool, by hash or bytes, and keeps them out for half an hour; hashes of those that were there.',
    access: 'unsafe', params: { extrinsics: listOf(either(objectOf({ hash }), objectOf({ extrinsic: hexBytes })), 1_000) },
    handle: ({ pool, crypto }, { extrinsics }) =>
      pool.remove(extrinsics.map((one) => ('hash' in one ? one.hash : crypto.blake2b256(one.extrinsic)))).map(toHex),
  }),
  author_hasKey: call({ doc: 'Whether the node keeps a key: it keeps none.', access: 'unsafe', params: { publicKey: hexBytes, keyType: textUpTo(8) }, handle: () => false }),
  author_hasSessionKeys: call({ doc: 'Whether the node keeps session keys: it keeps none.', access: 'unsafe', params: { sessionKeys: hexBytes }, handle: () => false }),
  author_insertKey: noKeys('Would store a key; this node keeps none.', { keyType: textUpTo(8), suri: textUpTo(512), publicKey: hexBytes }),
  author_rotateKeys: noKeys('Would make new session keys; this node keeps none.', {}),
}
