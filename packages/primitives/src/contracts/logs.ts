/** Owns the wire form of what contracts log: messages, events, and outputs of commands, numbered in the order in which they happened. */
import { bytesUpTo, fixedBytes, struct, textUpTo, u32, u64, u8, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Hash } from '../chain/basics.ts'

/** Longest message, payload and output of a record. */
export const LOG_BYTES_MAX = 1024 * 1024
/** Most records of one answer. */
export const LOG_RECORDS_MAX = 1024
/** Most topics of an event. */
const TOPICS_MAX = 16

/** What a record tells. `entry` is the contract that the execution began with; `mode` is 0 query, 1 estimate, 2 transaction; `level` is 1 Error to 5 Trace. */
export const LogContent = variant('LogContent', {
  Log: { index: 0, fields: { contract: Hash, entry: Hash, mode: u8, timeMs: u64, level: u8, message: textUpTo(LOG_BYTES_MAX) } },
  Event: { index: 1, fields: { contract: Hash, topics: vecUpTo(fixedBytes(32), TOPICS_MAX), payload: bytesUpTo(LOG_BYTES_MAX) } },
  Output: { index: 2, fields: { origin: Hash, contract: Hash, nonce: bytesUpTo(32), output: bytesUpTo(LOG_BYTES_MAX) } },
})
export type LogContent = TypeOf<typeof LogContent>

/** One record. */
export const LogRecord = struct({ sequence: u64, block: u32, content: LogContent })
export type LogRecord = TypeOf<typeof LogRecord>

/** Records in order, and the number with which to go on. */
export const LogPage = struct({ next: u64, records: vecUpTo(LogRecord, LOG_RECORDS_MAX) })
export type LogPage = TypeOf<typeof LogPage>
