/**
 * Owns who may read which records of the log: of a contract's messages and events, the account that deployed it and the owner of the cluster; of a command's
 * output, also the account that sent it. Others see that there is nothing for them.
 */
import { bytesEqual, bytesToKey } from '@phalanx/primitives/bytes'
import { LOG_RECORDS_MAX, type LogPage, type LogRecord } from '@phalanx/primitives/contracts'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { ClusterState } from '../cluster/state.ts'
import { readLogs, sizeOfRecord } from '../cluster/log-ring.ts'
import { findDeployed } from '../cluster/records.ts'
import { readConfig } from '../execution/execute.ts'

/** Bytes of records in one answer. */
const PAGE_BYTES_MAX = 2 * 1024 * 1024
const NOBODY = new Uint8Array(0)

/** Which records are wanted: from number `from` on (below zero: so many from the end), at most `count` (0: as many as one answer holds). */
export interface LogWish {
  readonly reader: Uint8Array | undefined
  readonly contract: Uint8Array | undefined
  readonly from: bigint
  readonly count: number
}

const isAbout = ({ content }: LogRecord, contract: Uint8Array): boolean =>
  bytesEqual(content.value.contract, contract) || (content.kind === 'Log' && bytesEqual(content.value.entry, contract))

/** Tells of contracts whether an account is told of what they log: the one that deployed a contract, and the owner of the cluster. Looked up once for each contract. */
export const logRights = (crypto: Crypto, cluster: ClusterState, reader: Uint8Array | undefined): ((contract: Uint8Array) => boolean) => {
  if (reader === undefined) return () => false
  if (bytesEqual(readConfig(cluster.contracts, crypto).owner, reader)) return () => true
  const known = new Map<string, boolean>()
  return (contract) => {
    const id = bytesToKey(contract)
    const found = known.get(id) ?? bytesEqual(findDeployed(cluster, contract)?.deployer ?? NOBODY, reader)
    known.set(id, found)
    return found
  }
}

/** Records for one reader in order, and the number with which to go on. */
export const readLogPage = (crypto: Crypto, cluster: ClusterState, wish: LogWish): LogPage => {
  const { reader, contract, from, count } = wish
  const limit = count === 0 ? LOG_RECORDS_MAX : Math.min(count, LOG_RECORDS_MAX)
  const mayReadOf = logRights(crypto, cluster, reader)
  const mayRead = ({ content }: LogRecord): boolean =>
    (reader !== undefined && content.kind === 'Output' && bytesEqual(content.value.origin, reader)) || mayReadOf(content.value.contract)
  const records: LogRecord[] = []
  let bytes = 0
  for (const record of readLogs(cluster.logs, { from, count: 0 })) {
    if (records.length >= limit || bytes > PAGE_BYTES_MAX) return { next: record.sequence, records }
    if ((contract !== undefined && !isAbout(record, contract)) || !mayRead(record)) continue
    records.push(record)
    bytes += sizeOfRecord(record)
  }
  return { next: cluster.logs.next, records }
}
