/**
 * Owns the thread that runs contract code for queries: holds the cluster's states that it is told of, runs one round after another. It may be ended at any instant.
 * In another role it prepares machines for all threads, and ends.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { createTrie } from '@phalanx/primitives/trie'
import '../errors.ts'
import { ContractCache } from '../contracts/query/local-cache.ts'
import { unpackChanges } from '../contracts/query/pack.ts'
import { runQuery, type QueryMachines, type QuerySnapshot } from '../contracts/query/run-query.ts'
import { adoptQuickJs, prepareShared } from '../engines/quickjs/index.ts'
import { loadMachines } from '../load-machines.ts'
import { asRefusal } from './refusals.ts'
import { PREPARE_ROLE, QUERY_THREAD_ROLE, type ThreadData } from './start-thread.ts'
import type { FromThread, ToThread } from './thread-messages.ts'

/** Class of an error and where it arose; its message may quote what it choked on. */
const placeOf = (error: unknown): string =>
  error instanceof Error ? [error.name, ...(error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))].join('\n') : 'unknown error'

const answer = (machines: QueryMachines, snapshots: ReadonlyMap<number, QuerySnapshot>, { id, snapshot, job, env }: Extract<ToThread, { kind: 'run' }>): FromThread => {
  try {
    const found = snapshots.get(snapshot)
    if (found === undefined) return { kind: 'failed', id, text: 'the snapshot is not here' }
    return { kind: 'done', id, outcome: runQuery(machines, found, job, env) }
  } catch (error) {
    const refusal = asRefusal(error)
    return isAppError(refusal)
      ? { kind: 'refused', id, refusal: { code: refusal.code, context: refusal.context } }
      : { kind: 'failed', id, text: placeOf(error) }
  }
}

const serve = async (port: NonNullable<typeof parentPort>): Promise<void> => {
  const crypto = await loadCrypto()
  const cache = new ContractCache()
  const machines: QueryMachines = { crypto, vms: await loadMachines(crypto), cache }
  const snapshots = new Map<number, QuerySnapshot>()
  const say = (message: FromThread): void => port.postMessage(message)
  port.on('message', (message: ToThread) => {
    switch (message.kind) {
      case 'snapshot': {
        const base = message.base === undefined ? undefined : snapshots.get(message.base)?.contracts
        const contracts = (base ?? createTrie({ crypto, version: 0 })).apply(unpackChanges(message.changes))
        snapshots.set(message.id, { contracts, point: message.point })
        return
      }
      case 'forget': snapshots.delete(message.id); return
      case 'cache': cache.apply(message.changes, message.nowMs); return
      case 'cacheEntries': cache.import(message.entries); return
      case 'weights': cache.setWeights(message.weights); return
      case 'run': say(answer(machines, snapshots, message)); return
    }
  })
  say({ kind: 'ready' })
}

if (parentPort !== null) {
  const { role, quickJs } = (workerData ?? {}) as Partial<ThreadData>
  if (quickJs !== undefined) adoptQuickJs(quickJs)
  if (role === QUERY_THREAD_ROLE) await serve(parentPort)
  if (role === PREPARE_ROLE) parentPort.postMessage(await prepareShared())
}
