/**
 * Owns what contracts logged on this worker: records with growing numbers, the oldest dropped where there is no room (cluster_contracts.md section 9, PinkLogger).
 * A ring is never changed in place. Does not own who may read it.
 */
import { assert } from '@phalanx/primitives/assert'
import type { LogContent, LogRecord } from '@phalanx/primitives/contracts'

/** Room unless told otherwise, bytes as `sizeOf` counts. */
export const LOG_RING_BYTES_MAX = 8 * 1024 * 1024
const CHUNK_RECORDS = 128
/** A record that is larger is left out; its number is not given again. */
const RECORD_BYTES_MAX = 256 * 1024
const RECORD_OVERHEAD = 128

interface Chunk {
  readonly records: readonly LogRecord[]
  readonly bytes: number
}

/** Records in the order of their numbers. */
export interface LogRing {
  readonly chunks: readonly Chunk[]
  /** Bytes of all records. */
  readonly bytes: number
  /** Number of the next record. */
  readonly next: bigint
}

/** No records. */
export const EMPTY_LOG_RING: LogRing = { chunks: [], bytes: 0, next: 0n }

/** What a record counts for, bytes. */
export const sizeOfRecord = ({ content }: LogRecord): number => {
  switch (content.kind) {
    case 'Log': return RECORD_OVERHEAD + content.value.message.length * 2
    case 'Event': return RECORD_OVERHEAD + content.value.payload.length + content.value.topics.length * 32
    case 'Output': return RECORD_OVERHEAD + content.value.output.length + content.value.nonce.length
  }
}

const place = (ring: LogRing, record: LogRecord): LogRing => {
  const bytes = sizeOfRecord(record)
  const last = ring.chunks.at(-1)
  const isFull = last === undefined || last.records.length >= CHUNK_RECORDS
  const chunk = isFull ? { records: [record], bytes } : { records: [...last.records, record], bytes: last.bytes + bytes }
  return { chunks: [...(isFull ? ring.chunks : ring.chunks.slice(0, -1)), chunk], bytes: ring.bytes + bytes, next: ring.next + 1n }
}

const trim = (ring: LogRing, maxBytes: number): LogRing => {
  let { bytes } = ring
  let first = 0
  while (bytes > maxBytes && first < ring.chunks.length - 1) bytes -= (ring.chunks[first++] as Chunk).bytes
  return first === 0 ? ring : { ...ring, chunks: ring.chunks.slice(first), bytes }
}

/** Appends what happened in a block; the oldest records go, a few at a time, where all take more than `maxBytes`. What is larger than a record may be is left out. */
export const appendLogs = (ring: LogRing, { block, contents }: { readonly block: number; readonly contents: readonly LogContent[] }, maxBytes = LOG_RING_BYTES_MAX): LogRing => {
  let out = ring
  for (const content of contents) {
    const record = { sequence: out.next, block, content }
    out = sizeOfRecord(record) > RECORD_BYTES_MAX ? { ...out, next: out.next + 1n } : place(out, record)
  }
  return trim(out, maxBytes)
}

/** How many records there are. */
export const countLogs = (ring: LogRing): number => ring.chunks.reduce((sum, { records }) => sum + records.length, 0)

/** Records from number `from` on (below zero: so many from the end), at most `count` (0: all). */
export const readLogs = (ring: LogRing, { from, count }: { readonly from: bigint; readonly count: number }): readonly LogRecord[] => {
  assert(count >= 0, 'a count is not negative')
  const start = from < 0n ? ring.next + from : from
  const out: LogRecord[] = []
  for (const { records } of ring.chunks) {
    const last = records.at(-1)
    if (last === undefined || last.sequence < start) continue
    for (const record of records) {
      if (record.sequence < start) continue
      if (count > 0 && out.length >= count) return out
      out.push(record)
    }
  }
  return out
}
