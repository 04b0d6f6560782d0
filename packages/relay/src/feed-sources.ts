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

/** What feeds are made over. */
export interface FeedsOptions {
  readonly cache: BlockCache
  readonly maxBatchBytes: () => number
  /** Sources of a chain, best first. */
  readonly ranked: (genesis: string) => readonly FeedSource[]
  /** The source gave what cannot be, or nothing of what it promised. */
  readonly blame: (url: string, reason: string) => void
  /** The source could not be asked. */
  readonly failed: (url: string, reason: string) => void
}

/** Whether a source answered, however badly. */
const isAnswer = (error: unknown): boolean =>
  isAppError(error) && (error.code === 'RELAY_BLOCKS_MISSING' || error.code === 'RELAY_BLOCKS_MALFORMED' || error.code.startsWith('CODEC_'))

class SharedFeeds implements Feeds {
  private readonly options: FeedsOptions
  /** What is being loaded, by source and chain. */
  private readonly loads = new Map<string, Set<Load>>()
  private served = 0
  private asked = 0

  constructor(options: FeedsOptions) {
    this.options = options
  }

  async fetch(request: FeedRequest): Promise<Batch> {
    const batch = this.take(request, (url) => !request.avoid.includes(url)) ?? (await this.find(request))
    this.served++
    return batch
  }

  counts(): { readonly served: number; readonly asked: number } {
    return { served: this.served, asked: this.asked }
  }

  private take(request: FeedRequest, isAcceptable: (source: string) => boolean): Batch | undefined {
    return this.options.cache.take(request, { maxBytes: this.options.maxBatchBytes(), isAcceptable })
  }

  /** Asks one source after another, those to be avoided last. */
  private async find(request: FeedRequest): Promise<Batch> {
    const ranked = this.options.ranked(request.genesis).filter(({ isCache }) => !isCache || request.isFromNodes !== true)
    const order = [...ranked.filter(({ url }) => !request.avoid.includes(url)), ...ranked.filter(({ url }) => request.avoid.includes(url))]
    let last: unknown = new AppError('RELAY_NODE_NONE', { reason: 'no node of this chain is connected' })
    for (const source of order) {
      try {
        const batch = await this.fromSource(source, request)
        if (batch !== undefined) return batch
      } catch (error) {
        last = error
        if (!isAnswer(error)) this.options.failed(source.url, failureOf(error).reason)
      }
    }
    throw last
  }

  private async fromSource(source: FeedSource, request: FeedRequest): Promise<Batch | undefined> {
    const isItsOwn = (url: string): boolean => url === source.url
    await this.share(source, request)
    const found = this.take(request, isItsOwn)
    if (found !== undefined) return found
    // A load that was joined ended short of this block, or others' blocks have taken the room: once more, for this one alone.
    await this.load(source, request)
    return this.take(request, isItsOwn)
  }

  /** Joins a load under way that will bring the block, or starts one. */
  private share(source: FeedSource, request: FeedRequest): Promise<void> {
    const key = `${source.url} ${request.genesis}`
    const running = this.loads.get(key) ?? new Set<Load>()
    this.loads.set(key, running)
    for (const { from, limit, done } of running) if (from <= request.from && request.from < from + limit) return done
    const limit = Math.min(FEED_BLOCKS_MAX, Math.max(request.limit, LOAD_BLOCKS))
    const mine: Load = { from: request.from, limit, done: this.load(source, { ...request, limit }) }
    running.add(mine)
    const end = (): void => {
      running.delete(mine)
      if (running.size === 0 && this.loads.get(key) === running) this.loads.delete(key)
    }
    mine.done.then(end, end)
    return mine.done
  }

  private async load(source: FeedSource, { genesis, from, limit }: FeedRequest): Promise<void> {
    const { cache, blame } = this.options
    this.asked++
    const bytes = await source.limiter.run(() => source.getBlocks(from, limit))
    try {
      if (cache.put({ genesis, from, source: source.url, bytes }) > 0) return
    } catch (error) {
      blame(source.url, failureOf(error).reason)
      throw error
    }
    if (!source.isCache) blame(source.url, `it does not give block ${from}`)
    throw new AppError('RELAY_BLOCKS_MISSING', { from, url: source.url })
  }
}

/** Feeds over the sources that `ranked` lists. */
export const createFeeds = (options: FeedsOptions): Feeds => new SharedFeeds(options)

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
