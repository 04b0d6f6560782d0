/**
 * Owns where blocks come from: caches of other relays first, then nodes, each asked for a range once however many workers want it.
 * Trusts none: whoever gives nothing it promised, or what a worker refuses, goes to the end of the line for a while.
 */
import { FEED_BLOCKS_MAX } from '@phalanx/primitives/chain'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import type { BlockCache } from './block-cache.ts'
import type { CacheClient } from './cache-client.ts'
import { failureOf } from './failure.ts'
import type { Limiter } from './limiter.ts'
import type { Batch } from './state.ts'

/** Something that gives blocks, as the pool of nodes ranks it. */
export interface FeedSource {
  readonly url: string
  readonly limiter: Limiter
  /** A cache may lag without lying: it promised nothing. */
  readonly isCache: boolean
  getBlocks(from: number, limit: number): Promise<Uint8Array>
}

/** What a worker asks for. */
export interface FeedRequest {
  readonly genesis: string
  readonly from: number
  readonly limit: number
  readonly avoid: readonly string[]
  /** Leaves caches out: what another relay asks for is not asked of relays again, which may list each other. */
  readonly isFromNodes?: boolean
}

/** Blocks for many workers. */
export interface Feeds {
  /** Blocks that no source to be avoided gave, where another has them. @throws what the last source said, RELAY_BLOCKS_MISSING */
  fetch(request: FeedRequest): Promise<Batch>
  /** Batches handed out, and how often a source was asked for that. */
  counts(): { readonly served: number; readonly asked: number }
}

/** Blocks asked for at once, whatever one worker wants: the others will want the rest. */
const LOAD_BLOCKS = 1024

interface Load {
  readonly from: number
  readonly limit: number
  readonly done: Promise<void>
}

/** Feeds over the sources that `ranked` lists, best first. */
export const createFeeds = (options: {
  readonly cache: BlockCache
  readonly maxBatchBytes: () => number
  readonly ranked: (genesis: string) => readonly FeedSource[]
  /** The source gave what cannot be, or nothing of what it promised. */
  readonly blame: (url: string, reason: string) => void
  /** The source could not be asked. */
  readonly failed: (url: string, reason: string) => void
}): Feeds => {
  const { cache } = options
  const loads = new Map<string, Set<Load>>()
  let served = 0
  let asked = 0

  const load = async (source: FeedSource, { genesis, from, limit }: FeedRequest): Promise<void> => {
    asked++
    const bytes = await source.limiter.run(() => source.getBlocks(from, limit))
    try {
      if (cache.put({ genesis, from, source: source.url, bytes }) > 0) return
    } catch (error) {
      options.blame(source.url, failureOf(error).reason)
      throw error
    }
    if (!source.isCache) options.blame(source.url, `it does not give block ${from}`)
    throw new AppError('RELAY_BLOCKS_MISSING', { from, url: source.url })
  }

  /** Joins a load under way that will bring the block, or starts one. */
  const share = (source: FeedSource, request: FeedRequest): Promise<void> => {
    const key = `${source.url} ${request.genesis}`
    const running = loads.get(key) ?? new Set<Load>()
    loads.set(key, running)
    for (const { from, limit, done } of running) if (from <= request.from && request.from < from + limit) return done
    const limit = Math.min(FEED_BLOCKS_MAX, Math.max(request.limit, LOAD_BLOCKS))
    const mine: Load = { from: request.from, limit, done: load(source, { ...request, limit }) }
    running.add(mine)
    const end = (): void => {
      running.delete(mine)
      if (running.size === 0) loads.delete(key)
    }
    mine.done.then(end, end)
    return mine.done
  }

  const takeFrom = (request: FeedRequest, isAcceptable: (source: string) => boolean): Batch | undefined =>
    cache.take(request, { maxBytes: options.maxBatchBytes(), isAcceptable })

  const fromSource = async (source: FeedSource, request: FeedRequest): Promise<Batch | undefined> => {
    await share(source, request)
    const found = takeFrom(request, (url) => url === source.url)
    if (found !== undefined) return found
    // A load that was joined ended short of this block, or others' blocks have taken the room: once more, for this one alone.
    await load(source, request)
    return takeFrom(request, (url) => url === source.url)
  }

  const find = async (request: FeedRequest): Promise<Batch> => {
    const known = takeFrom(request, (url) => !request.avoid.includes(url))
    if (known !== undefined) return known
    const ranked = options.ranked(request.genesis).filter(({ isCache }) => !isCache || request.isFromNodes !== true)
    const order = [...ranked.filter(({ url }) => !request.avoid.includes(url)), ...ranked.filter(({ url }) => request.avoid.includes(url))]
    let last: unknown = new AppError('RELAY_NODE_NONE', { reason: 'no node of this chain is connected' })
    for (const source of order) {
      try {
        const batch = await fromSource(source, request)
        if (batch !== undefined) return batch
      } catch (error) {
        last = error
        const isAnswer = isAppError(error, 'RELAY_BLOCKS_MISSING') || isAppError(error, 'RELAY_BLOCKS_MALFORMED') || (isAppError(error) && error.code.startsWith('CODEC_'))
        if (!isAnswer) options.failed(source.url, failureOf(error).reason)
      }
    }
    throw last
  }

  return {
    async fetch(request) {
      const batch = await find(request)
      served++
      return batch
    },
    counts: () => ({ served, asked }),
  }
}

/** How a cache looks from here. */
export interface CacheView {
  readonly url: string
  readonly genesis: string | undefined
  readonly trouble: string | undefined
}

/** A cache among the sources: its chain is asked once, and again after trouble. */
export class WatchedCache {
  readonly limiter: Limiter
  private readonly client: CacheClient
  private readonly clock: Clock
  private readonly logger: Logger
  private known: string | undefined
  private trouble: string | undefined
  private restsUntilMs = 0
  private troubles = 0

  constructor(client: CacheClient, dependencies: { readonly clock: Clock; readonly logger: Logger; readonly limiter: Limiter }) {
    this.client = client
    this.limiter = dependencies.limiter
    this.clock = dependencies.clock
    this.logger = dependencies.logger
  }

  get url(): string {
    return this.client.url
  }

  /** Whether it may be asked for blocks of this chain now. Of an unknown chain it may: the first answer tells. */
  isUsable(genesis: string): boolean {
    return this.restsUntilMs <= this.clock.nowMs() && (this.known === undefined || this.known === genesis)
  }

  /** As a source of blocks of this chain. */
  sourceOf(genesis: string): FeedSource {
    const getBlocks = async (from: number, limit: number): Promise<Uint8Array> => {
      this.known ??= toHex(await this.client.genesisHash())
      if (this.known !== genesis) throw new AppError('RELAY_BLOCKS_MISSING', { from, url: this.url })
      return this.client.getBlocks(from, limit)
    }
    return { url: this.url, limiter: this.limiter, isCache: true, getBlocks }
  }

  /** Leaves it alone for a while, longer each time. */
  rest(reason: string, backOff: { readonly firstMs: number; readonly maxMs: number }): void {
    if (this.restsUntilMs > this.clock.nowMs()) return
    this.troubles++
    this.trouble = reason
    this.known = undefined
    this.restsUntilMs = this.clock.nowMs() + Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(20, this.troubles - 1))
    this.logger.warn('cache not used for a while', { url: this.url, reason, troubles: this.troubles })
  }

  /** A worker accepted what it gave. */
  recovered(): void {
    this.troubles = 0
    this.trouble = undefined
  }

  view(): CacheView {
    return { url: this.url, genesis: this.known, trouble: this.trouble }
  }
}
