/**
 * Owns the choice among nodes: which are connected, on which chain, how far, and which have lately given something unusable.
 * Trusts none: a node whose blocks a worker refused, or that promises blocks it does not give, goes to the end of the line.
 */
import { readLength, ByteReader } from '@phalanx/primitives/codec'
import { FEED_BLOCKS_MAX } from '@phalanx/primitives/chain'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import type { ChainClient } from '@phalanx/sdk'
import { failureOf } from './failure.ts'
import type { Batch, ChainView } from './state.ts'

/** How a node looks from here. */
export interface NodeView {
  readonly url: string
  readonly connected: boolean
  readonly genesis: string | undefined
  readonly head: number | undefined
  readonly trouble: string | undefined
}

/** The nodes of a relay. */
export interface NodePool {
  /** Nodes as seen by a worker of the chain `genesis`, or of none yet. */
  view(genesis: string | undefined): ChainView
  views(): readonly NodeView[]
  /** A node of the chain for requests. @throws RELAY_NODE_NONE */
  pick(genesis: string | undefined, avoid?: readonly string[]): ChainClient
  /** Blocks from the best node that is not to be avoided; answers are shared between workers. */
  fetch(request: { readonly genesis: string; readonly from: number; readonly limit: number; readonly avoid: readonly string[] }): Promise<Batch>
  /** Puts a node to the end of the line for a while. */
  blame(url: string, reason: string): void
  close(): void
}

interface Node {
  readonly client: ChainClient
  genesis: string | undefined
  head: number | undefined
  isConnected: boolean
  trouble: string | undefined
  blamedUntilMs: number
  blames: number
}

const BLAME_FIRST_MS = 5_000
const BLAME_MAX_MS = 300_000
/** Fetched batches kept for other workers; a batch has up to 8 MiB. */
const BATCHES_KEPT = 4

/** Watches the nodes and calls `changed` whenever their views may have. */
export const createNodePool = (
  options: { readonly clients: readonly ChainClient[]; readonly changed: () => void },
  dependencies: { readonly clock: Clock; readonly logger: Logger },
): NodePool => {
  const pool = new WatchedNodes(options, dependencies)
  pool.start()
  return pool
}

class WatchedNodes implements NodePool {
  private readonly nodes: readonly Node[]
  private readonly changed: () => void
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly batches = new Map<string, { readonly asked: Promise<Batch>; isDone: boolean }>()

  constructor(options: { readonly clients: readonly ChainClient[]; readonly changed: () => void }, dependencies: { readonly clock: Clock; readonly logger: Logger }) {
    this.nodes = options.clients.map((client) => ({
      client, genesis: undefined, head: undefined, isConnected: false, trouble: undefined, blamedUntilMs: 0, blames: 0,
    }))
    this.changed = options.changed
    this.clock = dependencies.clock
    this.logger = dependencies.logger
  }

  start(): void {
    for (const node of this.nodes) {
      node.client.rpc.onConnection((connected) => {
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

  async fetch(request: { readonly genesis: string; readonly from: number; readonly limit: number; readonly avoid: readonly string[] }): Promise<Batch> {
    const { from, limit } = request
    const node = this.pick(request.genesis, request.avoid)
    const key = `${node.url} ${from} ${limit} ${this.view(request.genesis).kind === 'at' ? this.headOf(node) : 0}`
    const known = this.batches.get(key)
    if (known !== undefined) return known.asked
    const entry = { asked: this.fetchFrom(node, from, limit), isDone: false }
    this.batches.set(key, entry)
    entry.asked.then(() => (entry.isDone = true), () => this.batches.delete(key))
    for (const [old, { isDone }] of this.batches) if (this.batches.size > BATCHES_KEPT && isDone) this.batches.delete(old)
    return entry.asked
  }

  blame(url: string, reason: string): void {
    const node = this.nodes.find(({ client }) => client.url === url)
    if (node === undefined) return
    node.blames++
    node.trouble = reason
    node.blamedUntilMs = this.clock.nowMs() + Math.min(BLAME_MAX_MS, BLAME_FIRST_MS * 2 ** (node.blames - 1))
    this.logger.warn('node blamed', { url, reason, blames: node.blames })
    this.batches.clear()
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

  private headOf(client: ChainClient): number {
    return this.nodes.find((node) => node.client === client)?.head ?? 0
  }

  /** Learns a node's chain after every (re)connection: it may have been replaced by one of another chain. */
  private async greet(node: Node): Promise<void> {
    try {
      const [genesis, head] = await Promise.all([node.client.genesisHash(), node.client.finalizedHead()])
      node.isConnected = true
      this.batches.clear()
      node.genesis = toHex(genesis)
      node.head = Math.max(node.head ?? 0, head.number)
      node.trouble = undefined
    } catch (error) {
      node.trouble = failureOf(error).reason
    }
    this.changed()
  }

  private advanced(node: Node, number: number): void {
    node.head = number
    // Before the greeting the chain is unknown; a head alone says nothing.
    if (node.genesis !== undefined) this.changed()
  }

  private async fetchFrom(client: ChainClient, from: number, limit: number): Promise<Batch> {
    const bytes = await client.getBlocks(from, limit)
    const count = readLength(new ByteReader(bytes), FEED_BLOCKS_MAX)
    if (count === 0) {
      this.blame(client.url, `it does not give block ${from}`)
      throw new AppError('RELAY_BLOCKS_MISSING', { from, url: client.url })
    }
    return { from, count, bytes, node: client.url }
  }

  private noNode(): AppError {
    const reasons = this.nodes.map(({ client, trouble }) => trouble ?? `${client.url} has not answered yet`)
    return new AppError('RELAY_NODE_NONE', { reason: reasons.length === 0 ? 'none was given' : reasons.join('; ') })
  }
}
