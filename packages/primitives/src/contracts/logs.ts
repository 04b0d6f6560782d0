/** Owns the wire form of what contracts log: messages, events, and outputs of commands, numbered in the order in which they happened (cluster_contracts.md section 9). */
import { bytesUpTo, fixedBytes, struct, textUpTo, u32, u64, u8, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Hash } from '../chain/basics.ts'

/** Longest message, payload and output of a record. */
const PART_BYTES_MAX = 1024 * 1024
/** Most records of one answer. */
export const LOG_RECORDS_MAX = 1000
const TOPICS_MAX = 64
const NONCE_BYTES_MAX = 1024
const USER_BYTES = 8
const MODE_BYTES_MAX = 32

/** What a record tells. `entry` is the contract that the execution began with; `level` is 1 Error to 5 Trace; times in milliseconds. */
export const LogContent = variant('LogContent', {
  Log: {
    index: 0,
    fields: { blockNumber: u32, contract: Hash, entry: Hash, execMode: textUpTo(MODE_BYTES_MAX), timestampMs: u64, level: u8, message: textUpTo(PART_BYTES_MAX) },
  },
  Event: { index: 1, fields: { blockNumber: u32, contract: Hash, topics: vecUpTo(fixedBytes(32), TOPICS_MAX), payload: bytesUpTo(PART_BYTES_MAX) } },
  MessageOutput: { index: 2, fields: { blockNumber: u32, origin: Hash, contract: Hash, nonce: bytesUpTo(NONCE_BYTES_MAX), output: bytesUpTo(PART_BYTES_MAX) } },
  QueryIn: { index: 3, fields: { user: fixedBytes(USER_BYTES) } },
  TooLarge: { index: 4 },
})
export type LogContent = TypeOf<typeof LogContent>

/** One record. */
export const LogRecord = struct({ sequence: u64, content: LogContent })
export type LogRecord = TypeOf<typeof LogRecord>

/** Records in order, and the number with which to go on. */
export const LogPage = struct({ next: u64, records: vecUpTo(LogRecord, LOG_RECORDS_MAX) })
export type LogPage = TypeOf<typeof LogPage>
