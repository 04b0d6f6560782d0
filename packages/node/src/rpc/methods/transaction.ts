/** Owns `transaction_v1_*` (send and forget) and `transactionWatch_v1_*` (send and hear what becomes of it). */
import { toHex } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import type { TransactionStatus } from '../../txpool/transaction.ts'
import { isFinalStatus } from '../../txpool/watchers.ts'
import type { RpcBackend } from '../backend.ts'
import type { Connection } from '../connection.ts'
import { call, subscription, type MethodTable } from '../method.ts'
import { hexBytes, textUpTo } from '../params.ts'

/** Broadcasts of one connection. */
const BROADCASTS_MAX = 64
const BROADCASTS = {}

const broadcastsOf = (connection: Connection): Map<string, () => void> =>
  connection.stateOf(BROADCASTS, () => {
    const broadcasts = new Map<string, () => void>()
    connection.onClose(() => broadcasts.forEach((stop) => stop()))
    return broadcasts
  })

/** Keeps offering a transaction to the pool until it is in a block or stopped. */
const broadcast = ({ pool, chain, crypto }: RpcBackend, transaction: Uint8Array): (() => void) => {
  const hash = crypto.blake2b256(transaction)
  let isDone = false
  const offer = (): void => {
    if (isDone || pool.has(hash)) return
    pool.submit(transaction).catch((error: unknown) => {
      if (!isAppError(error)) throw error
    })
  }
  const stop = (): void => {
    isDone = true
    unwatch()
    unfollow()
  }
  const unwatch = pool.watch(hash, (status) => {
    if (status.kind === 'finalized') stop()
  })
  const unfollow = chain.onBlock(offer)
  offer()
  return stop
}

const watchJson = (status: TransactionStatus): unknown => {
  switch (status.kind) {
    case 'ready':
      return { event: 'validated' }
    case 'inBlock':
      return { event: 'bestChainBlockIncluded', block: { hash: toHex(status.block), index: status.index } }
    case 'finalized':
      return { event: 'finalized', block: { hash: toHex(status.block), index: status.index } }
    case 'usurped':
      return { event: 'invalid', error: `Another transaction took its place: ${toHex(status.by)}` }
    case 'dropped':
      return { event: 'dropped', error: status.reason }
    case 'invalid':
      return { event: 'invalid', error: status.reason }
    case 'future':
      return undefined
  }
}

/** Methods about transactions of the new interface. */
export const transactionMethods: MethodTable = {
  transaction_v1_broadcast: call({
    doc: 'Offers a transaction until stopped or included; an operation id, or null when too many run.', params: { transaction: hexBytes },
    handle(backend, { transaction }, connection) {
      const broadcasts = broadcastsOf(connection)
      if (broadcasts.size >= BROADCASTS_MAX) return null
      const id = connection.nextId()
      const stop = broadcast(backend, transaction)
      broadcasts.set(id, stop)
      return id
    },
  }),
  transaction_v1_stop: call({
    doc: 'Stops offering a transaction.', params: { operationId: textUpTo(64) },
    handle(_backend, { operationId }, connection) {
      const broadcasts = broadcastsOf(connection)
      broadcasts.get(operationId)?.()
      broadcasts.delete(operationId)
      return null
    },
  }),
  transactionWatch_v1_submitAndWatch: subscription({
    doc: 'Puts a transaction into the pool and reports what becomes of it.', params: { transaction: hexBytes },
    notification: 'transactionWatch_v1_watchEvent', unsubscribe: ['transactionWatch_v1_unwatch'], unsubscribed: null,
    async start({ pool, crypto }, { transaction }, sink) {
      const stop = pool.watch(crypto.blake2b256(transaction), (status) => {
        const event = watchJson(status)
        if (event !== undefined) sink.notify(event)
        if (!isFinalStatus(status)) return
        stop()
        sink.close()
      })
      try {
        await pool.submit(transaction)
      } catch (error) {
        stop()
        if (!isAppError(error)) throw error
        sink.notify({ event: error.code === 'TXPOOL_LIMIT_EXCEEDED' ? 'dropped' : 'invalid', error: error.message })
        sink.close()
        return undefined
      }
      return stop
    },
  }),
}
