/** Owns a node in memory behind fake sockets: blocks, a pool that is lost when it is killed, subscriptions. For tests of whatever waits over its restarts. */
import { concatBytes, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { decodeExtrinsic } from '@phalanx/primitives/chain'
import { u16, u32 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { silentLogger } from '@phalanx/primitives/ports'
import { createChainClient, GENESIS_QUESTION, type ChainClient } from '../chain-client.ts'
import type { MetadataIndex } from '../metadata-index.ts'
import { createRpcClient } from '../rpc-client.ts'
import { constantRandom, createFakeClock } from '../testing.ts'
import type { SocketLike } from '../transport.ts'
import type { Surroundings } from './surroundings.ts'

interface Block {
  readonly hash: string
  readonly extrinsics: readonly string[]
}

interface Peer {
  readonly socket: SocketLike
  /** Follows finalised blocks. */
  readonly heads: Set<string>
  /** Subscription by extrinsic. */
  readonly watched: Map<string, string>
}

class Refusal extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** The few types that events of this node have: `System.ExtrinsicSuccess` in the phase of an extrinsic. */
const EVENT_TYPES = [
  { kind: 'sequence', element: 1 },
  { kind: 'composite', fields: [{ name: 'phase', type: 2 }, { name: 'event', type: 4 }] },
  { kind: 'variant', variants: [{ name: 'ApplyExtrinsic', index: 0, fields: [{ name: undefined, type: 3 }] }] },
  { kind: 'primitive', primitive: 5 },
  { kind: 'variant', variants: [{ name: 'System', index: 0, fields: [{ name: undefined, type: 5 }] }] },
  { kind: 'variant', variants: [{ name: 'ExtrinsicSuccess', index: 0, fields: [] }] },
]

const metadata = {
  types: EVENT_TYPES, extensions: [], storage: () => ({ type: 0 }), storagePrefix: () => utf8('events'), call: () => ({ pallet: 5, call: 0 }), constant: () => u16.encode(42),
} as unknown as MetadataIndex

/** A node, and the chain that it keeps over restarts. */
class FakeNode {
  genesis = '0x01'.padEnd(66, '0')
  /** Methods that were asked, over all connections. */
  readonly asked: string[] = []
  /** Dies when this is asked, having done it or not. */
  killedBy: { readonly method: string; readonly isDone: boolean } | undefined
  /** Extrinsics that wait for a block; gone when it is killed. */
  pool: string[] = []
  private readonly crypto: Crypto
  private readonly blocks: Block[] = []
  private peers: Peer[] = []
  private isUp = true
  private lastId = 0

  constructor(crypto: Crypto) {
    this.crypto = crypto
    for (let i = 0; i < 3; i++) this.makeBlock()
  }

  /** How often a method was asked. */
  count(method: string): number {
    return this.asked.filter((each) => each === method).length
  }

  /** How often each extrinsic stands in the chain. */
  included(): readonly string[] {
    return this.blocks.flatMap(({ extrinsics }) => extrinsics)
  }

  /** Puts what waits into a block, final at once, and tells who follows. */
  makeBlock(): void {
    const number = this.blocks.length + 1
    const hash = toHex(this.crypto.blake2b256(utf8(`block ${number}`)))
    this.blocks.push({ hash, extrinsics: this.pool })
    const fresh = this.pool
    this.pool = []
    for (const peer of this.peers) {
      for (const extrinsic of fresh) {
        const subscription = peer.watched.get(extrinsic)
        if (subscription !== undefined) notify(peer, subscription, { inBlock: hash })
      }
      for (const subscription of peer.heads) notify(peer, subscription, { number: `0x${number.toString(16)}` })
    }
  }

  /** Ends without a word. */
  kill(): void {
    this.isUp = false
    this.pool = []
    const { peers } = this
    this.peers = []
    for (const { socket } of peers) socket.onclose?.({ reason: 'killed' })
  }

  start(): void {
    this.isUp = true
  }

  /** Where clients connect to. */
  readonly createSocket = (): SocketLike => {
    const socket: SocketLike = { onopen: null, onmessage: null, onclose: null, onerror: null, send: (text) => this.received(peer, text), close: () => this.forget(peer) }
    const peer: Peer = { socket, heads: new Set(), watched: new Map() }
    queueMicrotask(() => {
      if (!this.isUp) return socket.onclose?.({ reason: 'refused' })
      this.peers.push(peer)
      ;(socket.onopen as (() => void) | null)?.()
    })
    return socket
  }

  private forget(peer: Peer): void {
    this.peers = this.peers.filter((each) => each !== peer)
  }

  private received(peer: Peer, text: string): void {
    const { id, method, params } = JSON.parse(text) as { readonly id: number; readonly method: string; readonly params: readonly unknown[] }
    this.asked.push(method)
    const { killedBy } = this
    if (killedBy?.method === method) {
      this.killedBy = undefined
      if (killedBy.isDone) {
        this.answer(peer, method, params)
        this.makeBlock()
      }
      return queueMicrotask(() => this.kill())
    }
    let reply: object
    try {
      reply = { result: this.answer(peer, method, params) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      reply = { error: { code: error.code, message: error.message } }
    }
    queueMicrotask(() => {
      if (this.peers.includes(peer)) peer.socket.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', id, ...reply }) })
    })
  }

  private answer(peer: Peer, method: string, [first, second]: readonly unknown[]): unknown {
    switch (method) {
      case 'chain_getBlockHash': return first === 0 ? this.genesis : (this.blocks[Number(first) - 1]?.hash ?? null)
      case 'chain_getFinalizedHead': return this.blocks.at(-1)?.hash
      case 'chain_getHeader': return { number: `0x${(first === undefined ? this.blocks.length : this.blocks.findIndex(({ hash }) => hash === first) + 1).toString(16)}` }
      case 'chain_getBlock': return { block: { extrinsics: this.blocks.find(({ hash }) => hash === first)?.extrinsics ?? [] } }
      case 'chain_subscribeFinalizedHeads': return this.subscribed((id) => peer.heads.add(id))
      case 'chain_unsubscribeFinalizedHeads': return peer.heads.delete(String(first))
      case 'author_unwatchExtrinsic': return true
      case 'state_getRuntimeVersion': return { specName: 'fake', specVersion: 1, transactionVersion: 1 }
      case 'state_getStorage': return toHex(eventsOf(this.blocks.find(({ hash }) => hash === second)?.extrinsics.length ?? 0))
      case 'system_accountNextIndex': return this.nextNonce()
      case 'author_submitExtrinsic': return this.take(String(first))
      case 'author_submitAndWatchExtrinsic': {
        this.take(String(first))
        return this.subscribed((id) => peer.watched.set(String(first), id))
      }
      default: throw new Refusal(-32601, 'no such method')
    }
  }

  private subscribed(keep: (id: string) => void): string {
    const id = `s${++this.lastId}`
    keep(id)
    return id
  }

  private nextNonce(): number {
    return Math.max(-1, ...[...this.included(), ...this.pool].map(nonceOf)) + 1
  }

  private take(extrinsic: string): string {
    if (this.pool.includes(extrinsic)) throw new Refusal(1013, 'Transaction Already Imported')
    if (this.included().some((other) => nonceOf(other) === nonceOf(extrinsic))) throw new Refusal(1010, 'Invalid Transaction: outdated')
    this.pool.push(extrinsic)
    return toHex(this.crypto.blake2b256(parseHex(extrinsic)))
  }
}

/** Value of `System.Events`: so many extrinsics that succeeded. */
const eventsOf = (count: number): Uint8Array =>
  concatBytes(Uint8Array.of(count << 2), ...Array.from({ length: count }, (_, i) => concatBytes(Uint8Array.of(0), u32.encode(i), Uint8Array.of(0, 0))))

const nonceOf = (extrinsic: string): number => decodeExtrinsic(parseHex(extrinsic)).signed?.extra.nonce ?? -1

const notify = ({ socket }: Peer, subscription: string, result: unknown): void => socket.onmessage?.({ data: JSON.stringify({ params: { subscription, result } }) })

/** A client of a node in memory, on a clock of the test's. Every extrinsic succeeds. */
export const connectFakeNode = (crypto: Crypto) => {
  const clock = createFakeClock()
  const node = new FakeNode(crypto)
  const surroundings: Surroundings = {
    crypto, clock, random: constantRandom(), http: () => Promise.reject(new Error('no HTTP in memory')), createSocket: node.createSocket, logger: silentLogger,
  }
  const rpc = createRpcClient({ url: 'ws://node', identity: GENESIS_QUESTION }, surroundings)
  const chain: ChainClient = Object.assign(createChainClient(rpc, surroundings), { metadata: () => Promise.resolve(metadata) })
  return { node, clock, surroundings, chain }
}

/** Lets everything run that needs no time. */
export const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
