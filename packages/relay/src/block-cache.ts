/**
 * Owns the blocks that were fetched once for many workers: bounded memory, the least recently used go first. Keeps who gave each
 * block, so that what a liar gave can be dropped, and whether a worker has accepted it: then it was good, whoever refuses it later.
 */
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import { FEED_BLOCKS_MAX, FollowedBlock } from '@phalanx/primitives/chain'
import { ByteReader, compactU32, readLength } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import type { Batch } from './state.ts'

/** Which blocks are wanted. */
export interface BlockRange {
  readonly genesis: string
  readonly from: number
  readonly limit: number
}

/** What may be taken. */
export interface TakeOptions {
  readonly maxBytes: number
  readonly isAcceptable: (source: string) => boolean
}

/** How much a cache holds. */
export interface CacheSize {
  readonly blocks: number
  readonly bytes: number
}

/** Blocks by chain and number. */
export interface BlockCache {
  /** Takes SCALE FollowedBlocks that `source` gave as those from `from` on; returns how many. @throws RELAY_BLOCKS_MALFORMED, CODEC_ codes */
  put(blocks: { readonly genesis: string; readonly from: number; readonly source: string; readonly bytes: Uint8Array }): number
  /** Blocks from `from` on that one acceptable source gave, as many as there are within limit and size; undefined without the first. */
  take(range: BlockRange, options: TakeOptions): Batch | undefined
  /** Notes that a worker accepted a batch up to `last`. */
  approve(genesis: string, batch: Batch, last: number): void
  /** Whether workers have accepted every block of the batch, as its source gave it. */
  isApproved(genesis: string, batch: Batch): boolean
  /** Forgets what this source gave and no worker has accepted. */
  drop(source: string): void
  size(): CacheSize
}

interface Entry {
  readonly bytes: Uint8Array
  readonly source: string
  isApproved: boolean
}

/** What keeping a block costs beyond its bytes, about. */
const ENTRY_BYTES = 256
/** Assembled batches kept: workers in step get the same bytes. */
const BATCHES_KEPT = 8

/** Splits a feed at its blocks, which must have the numbers from `from` on. */
const split = (bytes: Uint8Array, from: number, source: string): readonly Uint8Array[] => {
  const input = new ByteReader(bytes)
  const count = readLength(input, FEED_BLOCKS_MAX)
  const blocks: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const start = input.offset
    const { header } = FollowedBlock.read(input)
    if (header.number !== from + i) throw new AppError('RELAY_BLOCKS_MALFORMED', { url: source, reason: `it gives block ${header.number} for ${from + i}` })
    // A copy: a part would keep the whole answer in memory.
    blocks.push(bytes.slice(start, input.offset))
  }
  if (input.left > 0) throw new AppError('RELAY_BLOCKS_MALFORMED', { url: source, reason: `${input.left} bytes follow its blocks` })
  return blocks
}

const keyOf = (genesis: string, number: number): string => `${genesis} ${number}`

class LeastRecentlyUsed implements BlockCache {
  /** In the order of use, oldest first. */
  private readonly entries = new Map<string, Entry>()
  private readonly assembled = new Map<string, { readonly genesis: string; readonly batch: Batch }>()
  private bytes = 0
  private readonly maxBytes: number

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  put(given: { readonly genesis: string; readonly from: number; readonly source: string; readonly bytes: Uint8Array }): number {
    const { genesis, from, source } = given
    const blocks = split(given.bytes, from, source)
    blocks.forEach((bytes, i) => this.set(keyOf(genesis, from + i), { bytes, source, isApproved: false }))
    for (const [key, { genesis: of, batch }] of this.assembled)
      if (of === genesis && batch.from < from + blocks.length && batch.from + batch.count > from) this.assembled.delete(key)
    for (const key of this.entries.keys()) {
      if (this.bytes <= this.maxBytes) break
      this.remove(key)
    }
    return blocks.length
  }

  take(range: BlockRange, options: TakeOptions): Batch | undefined {
    const { genesis, from, limit } = range
    const first = this.entries.get(keyOf(genesis, from))
    if (first === undefined || !options.isAcceptable(first.source)) return undefined
    const found: Uint8Array[] = []
    for (let size = 0; found.length < Math.min(limit, FEED_BLOCKS_MAX); ) {
      const key = keyOf(genesis, from + found.length)
      const entry = this.entries.get(key)
      if (entry === undefined || entry.source !== first.source) break
      size += entry.bytes.length
      if (found.length > 0 && size > options.maxBytes) break
      found.push(entry.bytes)
      this.entries.delete(key)
      this.entries.set(key, entry)
    }
    return this.assemble(genesis, from, found, first.source)
  }

  approve(genesis: string, batch: Batch, last: number): void {
    for (let number = batch.from; number < batch.from + batch.count && number <= last; number++) {
      const entry = this.entries.get(keyOf(genesis, number))
      if (entry?.source === batch.node) entry.isApproved = true
    }
  }

  isApproved(genesis: string, batch: Batch): boolean {
    for (let number = batch.from; number < batch.from + batch.count; number++) {
      const entry = this.entries.get(keyOf(genesis, number))
      if (entry?.source !== batch.node || !entry.isApproved) return false
    }
    return true
  }

  drop(source: string): void {
    for (const [key, entry] of this.entries) if (entry.source === source && !entry.isApproved) this.remove(key)
    for (const [key, { batch }] of this.assembled) if (batch.node === source) this.assembled.delete(key)
  }

  size(): CacheSize {
    return { blocks: this.entries.size, bytes: this.bytes }
  }

  private assemble(genesis: string, from: number, blocks: readonly Uint8Array[], source: string): Batch {
    const key = `${genesis} ${from} ${blocks.length}`
    const known = this.assembled.get(key)
    if (known?.batch.node === source) return known.batch
    const batch = { from, count: blocks.length, bytes: concatBytes(compactU32.encode(blocks.length), ...blocks), node: source }
    this.assembled.set(key, { genesis, batch })
    const [oldest] = this.assembled.keys()
    if (this.assembled.size > BATCHES_KEPT && oldest !== undefined) this.assembled.delete(oldest)
    return batch
  }

  private set(key: string, entry: Entry): void {
    const before = this.entries.get(key)
    // The same again is as good as it was.
    if (before?.isApproved === true && bytesEqual(before.bytes, entry.bytes)) entry.isApproved = true
    this.remove(key)
    this.entries.set(key, entry)
    this.bytes += entry.bytes.length + ENTRY_BYTES
  }

  private remove(key: string): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    this.entries.delete(key)
    this.bytes -= entry.bytes.length + ENTRY_BYTES
  }
}

/** An empty cache of at most so many bytes. */
export const createBlockCache = (options: { readonly maxBytes: number }): BlockCache => new LeastRecentlyUsed(options.maxBytes)
