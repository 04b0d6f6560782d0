/**
 * Owns the choice among nodes: which are connected, on which chain, how far, and which have lately given something unusable.
 * Trusts none: a node whose blocks a worker refused, or that promises blocks it does not give, goes to the end of the line.
 * Nodes come and go while it runs. Blocks are shared between workers through feed-sources.ts.
 */
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import type { ChainClient } from '@phalanx/sdk'
import { createBlockCache, type BlockCache, type CacheSize } from './block-cache.ts'
import type { BlockServer, CacheClient } from './cache-client.ts'
import { failureOf } from './failure.ts'
import { createFeeds, WatchedCache, type CacheView, type Feeds, type FeedRequest, type FeedSource } from './feed-sources.ts'
import { createLimiter, type Limiter } from './limiter.ts'
import type { Batch, ChainView } from './state.ts'

/** How a node looks from here. */
export interface NodeView {
  readonly url: string
  readonly connected: boolean
  readonly genesis: string | undefined
  readonly head: number | undefined
  readonly trouble: string | undefined
}

/** How much is kept, and how often blocks were there already, or had to be fetched. */
export interface CacheStats extends CacheSize {
  readonly hits: number
  readonly misses: number
}

/** The nodes of a relay. */
export interface NodePool {
  /** Nodes as seen by a worker of the chain `genesis`, or of none yet. */
  view(genesis: string | undefined): ChainView
  views(): readonly NodeView[]
  cacheViews(): readonly CacheView[]
  cacheStats(): CacheStats
  /** A node of the chain for requests. @throws RELAY_NODE_NONE */
  pick(genesis: string | undefined, avoid?: readonly string[]): ChainClient
  /** Blocks from the best source that is not to be avoided; answers are shared between workers. */
  fetch(request: FeedRequest): Promise<Batch>
  /** A worker took a batch up to `last`: what its source gave was good. */
  approve(genesis: string | undefined, batch: Batch, last: number): void
  /** Puts a source to the end of the line for a while; not where another worker has accepted the same batch. */
  blame(url: string, reason: string, refused?: { readonly genesis: string | undefined; readonly batch: Batch }): void
  /** Serves the cache, and what it lacks, to other relays. */
  readonly server: BlockServer
  /** Replaces the list: those that stay keep their connections. */
  use(sources: PoolSources): void
  close(): void
}

/** Where a pool connects to, in order of preference. */
export interface PoolSources {
  readonly nodes: readonly string[]
  readonly caches: readonly string[]
}

/** What a pool is told once. */
export interface NodePoolOptions {
  readonly sources: PoolSources
  readonly connectNode: (url: string) => ChainClient
  readonly connectCache: (url: string) => CacheClient
  readonly changed: () => void
  /** Memory for blocks fetched. */
  readonly cacheBytes: number
  /** Largest batch handed to one worker. */
  readonly maxBatchBytes: () => number
  readonly requestsPerNode: number
}

interface Node {
  readonly client: ChainClient
  readonly limiter: Limiter
  genesis: string | undefined
  head: number | undefined
  isConnected: boolean
  /** No longer among the sources. */
  isGone: boolean
  trouble: string | undefined
  blamedUntilMs: number
  blames: number
}

const BLAME = { firstMs: 5_000, maxMs: 300_000 } as const
const CACHE_REST = { firstMs: 2_000, maxMs: 60_000 } as const

/** Watches the nodes and calls `changed` whenever their views may have. */
export const createNodePool = (options: NodePoolOptions, dependencies: { readonly clock: Clock; readonly logger: Logger }): NodePool => {
  const pool = new WatchedNodes(options, dependencies)
  pool.use(options.sources)
  return pool
}

/** The client with its reads bounded. What an account does is not: it is one thing at a time already, and must not wait for reads. */
const limitReads = (client: ChainClient, limiter: Limiter): ChainClient => ({
  get url() {
    return client.url
  },
  rpc: client.rpc,
  genesisHash: () => client.genesisHash(),
  runtimeVersion: () => client.runtimeVersion(),
  metadata: () => client.metadata(),
  finalizedHead: () => client.finalizedHead(),
  followFinalized: (next) => client.followFinalized(next),
  nextNonce: (accountId) => client.nextNonce(accountId),
  submit: (extrinsic) => client.submit(extrinsic),
  storage: (key, at) => limiter.run(() => client.storage(key, at)),
  nextMessageSequence: (sender) => limiter.run(() => client.nextMessageSequence(sender)),
  // Bounded where blocks are loaded, once for all workers that wait for them.
  getBlocks: (from, limit) => client.getBlocks(from, limit),
  genesisInfo: () => limiter.run(() => client.genesisInfo()),
  checkpoint: (worker) => limiter.run(() => client.checkpoint(worker)),
  admission: () => limiter.run(() => client.admission()),
  close: () => client.close(),
})

class WatchedNodes implements NodePool {
  readonly server: BlockServer
  private nodes: readonly Node[] = []
  private caches: readonly WatchedCache[] = []
  private readonly options: NodePoolOptions
  private readonly changed: () => void
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly cache: BlockCache
  private readonly feeds: Feeds

  constructor(options: NodePoolOptions, dependencies: { readonly clock: Clock; readonly logger: Logger }) {
    this.options = options
    this.changed = options.changed
    this.clock = dependencies.clock
    this.logger = dependencies.logger
    this.cache = createBlockCache({ maxBytes: options.cacheBytes })
    this.feeds = createFeeds({
      cache: this.cache, maxBatchBytes: options.maxBatchBytes,
      ranked: (genesis) => this.sources(genesis),
      blame: (url, reason) => this.blame(url, reason),
      failed: (url, reason) => this.caches.find((cache) => cache.url === url)?.rest(reason, CACHE_REST),
    })
    this.server = { genesis: () => this.servedGenesis(), getBlocks: (from, limit) => this.serve(from, limit) }
  }

  use({ nodes, caches }: PoolSources): void {
    const { connectNode, connectCache, requestsPerNode } = this.options
    const fresh: Node[] = []
    const before = this.nodes
    this.nodes = nodes.map((url) => {
      const known = before.find(({ client }) => client.url === url)
      if (known !== undefined) return known
      const limiter = createLimiter(requestsPerNode)
      const node = { client: limitReads(connectNode(url), limiter), limiter, genesis: undefined, head: undefined, isConnected: false, isGone: false, trouble: undefined, blamedUntilMs: 0, blames: 0 }
      fresh.push(node)
      return node
    })
    this.caches = caches.map((url) =>
      this.caches.find((cache) => cache.url === url) ?? new WatchedCache(connectCache(url), { clock: this.clock, logger: this.logger, limiter: createLimiter(requestsPerNode) }))
    for (const node of before.filter((each) => !this.nodes.includes(each))) {
      node.isGone = true
      node.client.close()
    }
    for (const node of fresh) this.watch(node)
    if (before.length > 0) this.changed()
  }

  private watch(node: Node): void {
    node.client.rpc.onConnection((connected) => {
      if (node.isGone) return
      node.isConnected = connected
      // It may come back as a node of another chain.
      node.genesis = undefined
      node.head = undefined
      if (!connected) node.trouble = `${node.client.url} is not connected`
      if (connected) void this.greet(node)
      else this.changed()
    })
    void this.greet(node)
    node.client.followFinalized((number) => this.advanced(node, number)).catch((error: unknown) => (node.trouble = failureOf(error).reason))
  }

  view(genesis: string | undefined): ChainView {
    const usable = this.ranked().filter((node) => node.genesis !== undefined && node.head !== undefined)
    const node = usable.find((candidate) => genesis === undefined || candidate.genesis === genesis)
    if (node?.genesis !== undefined && node.head !== undefined) return { kind: 'at', genesis: node.genesis, head: node.head }
    const [other] = usable
    if (other?.genesis !== undefined) return { kind: 'other', genesis: other.genesis }
    return { kind: 'none', isAwaited: this.nodes.every(({ trouble, genesis: known }) => trouble === undefined && known === undefined), failure: failureOf(this.noNode()) }
  }

  views(): readonly NodeView[] {
    return this.nodes.map(({ client, isConnected, genesis, head, trouble }) => ({ url: client.url, connected: isConnected, genesis, head, trouble }))
  }

  pick(genesis: string | undefined, avoid: readonly string[] = []): ChainClient {
    const candidates = this.ranked().filter((node) => genesis === undefined || node.genesis === genesis)
    const node = candidates.find(({ client }) => !avoid.includes(client.url)) ?? candidates[0]
    if (node === undefined) throw this.noNode()
    return node.client
  }

  cacheViews(): readonly CacheView[] {
    return this.caches.map((cache) => cache.view())
  }

  cacheStats(): CacheStats {
    const { served, asked } = this.feeds.counts()
    return { ...this.cache.size(), hits: Math.max(0, served - asked), misses: asked }
  }

  async fetch(request: FeedRequest): Promise<Batch> {
    // Without a node of the chain there is nothing to follow, whatever a cache says.
    this.pick(request.genesis)
    return this.feeds.fetch(request)
  }

  approve(genesis: string | undefined, batch: Batch, last: number): void {
    if (genesis !== undefined) this.cache.approve(genesis, batch, last)
    this.caches.find(({ url }) => url === batch.node)?.recovered()
  }

  blame(url: string, reason: string, refused?: { readonly genesis: string | undefined; readonly batch: Batch }): void {
    if (refused?.genesis !== undefined && this.cache.isApproved(refused.genesis, refused.batch)) return
    this.cache.drop(url)
    this.caches.find((cache) => cache.url === url)?.rest(reason, BLAME)
    const node = this.nodes.find(({ client }) => client.url === url)
    // Many workers refuse the same blocks: that is one lie.
    if (node === undefined || node.blamedUntilMs > this.clock.nowMs()) return
    node.blames++
    node.trouble = reason
    node.blamedUntilMs = this.clock.nowMs() + Math.min(BLAME.maxMs, BLAME.firstMs * 2 ** Math.min(20, node.blames - 1))
    this.logger.warn('node blamed', { url, reason, blames: node.blames })
    this.changed()
  }

  close(): void {
    for (const { client } of this.nodes) client.close()
  }

  /** Connected nodes, those without blame first, each group in the order of the options. */
  private ranked(): readonly Node[] {
    const nowMs = this.clock.nowMs()
    const connected = this.nodes.filter((node) => node.isConnected)
    return [...connected.filter((node) => node.blamedUntilMs <= nowMs), ...connected.filter((node) => node.blamedUntilMs > nowMs)]
  }

  /** Who may give blocks of a chain, best first. */
  private sources(genesis: string): readonly FeedSource[] {
    const caches = this.caches.filter((cache) => cache.isUsable(genesis)).map((cache) => cache.sourceOf(genesis))
    const nodes = this.ranked().filter((node) => node.genesis === genesis)
      .map(({ client, limiter }): FeedSource => ({ url: client.url, limiter, isCache: false, getBlocks: (from, limit) => client.getBlocks(from, limit) }))
    return [...caches, ...nodes]
  }

  /** The chain of the first node that has told its own. */
  private servedGenesis(): string | undefined {
    return this.nodes.find(({ genesis }) => genesis !== undefined)?.genesis
  }

  private async serve(from: number, limit: number): Promise<Uint8Array> {
    const genesis = this.servedGenesis()
    const view = this.view(genesis)
    // Nothing is asked of anybody for blocks that are not there: an empty feed.
    if (genesis === undefined || view.kind !== 'at' || from > view.head) return Uint8Array.of(0)
    return (await this.feeds.fetch({ genesis, from, limit, avoid: [], isFromNodes: true })).bytes
  }

  /** Learns a node's chain after every (re)connection: it may have been replaced by one of another chain. */
  private async greet(node: Node): Promise<void> {
    try {
      const [genesis, head] = await Promise.all([node.client.genesisHash(), node.client.finalizedHead()])
      node.isConnected = true
      if (node.isGone) return
      node.genesis = toHex(genesis)
      node.head = Math.max(node.head ?? 0, head.number)
      node.trouble = undefined
    } catch (error) {
      node.trouble = failureOf(error).reason
    }
    this.changed()
  }

  private advanced(node: Node, number: number): void {
    if (node.isGone || node.head === number) return
    node.head = number
    // Before the greeting the chain is unknown; a head alone says nothing.
    if (node.genesis !== undefined) this.changed()
  }

  private noNode(): AppError {
    const reasons = this.nodes.map(({ client, trouble }) => trouble ?? `${client.url} has not answered yet`)
    return new AppError('RELAY_NODE_NONE', { reason: reasons.length === 0 ? 'none was given' : reasons.join('; ') })
  }
}
