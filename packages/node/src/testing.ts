/** Owns what tests and benchmarks of nodes share: a clock that tests move, a chain with endowed accounts, signed transfers, finished blocks. */
import { assert } from '@phalanx/primitives/assert'
import { concatBytes } from '@phalanx/primitives/bytes'
import { encodeExtrinsic, headerHash, signingPayload, SignedExtra, type AdditionalSigned, type Header } from '@phalanx/primitives/chain'
import { u32 } from '@phalanx/primitives/codec'
import { encodeSs58, suriToEd25519Seed } from '@phalanx/primitives/crypto'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { silentLogger, type Clock, type Kv } from '@phalanx/primitives/ports'
import { createTrie, type State } from '@phalanx/primitives/trie'
import { createDevChainSpec, createPhalanxRuntime, type AssembledRuntime, type ChainSpec } from '@phalanx/runtime'
import { createNode, type Node } from './create-node.ts'
import { createAttestation, joinAttestations, readAuthorities } from './engine/finality.ts'
import type { ForeignBlock } from './engine/import.ts'
import type { NodeOptions } from './options.ts'
import { createMemoryKv } from './storage/memory.ts'

const STATE_VERSION = 1
const SS58_PREFIX = 30
const ENDOWMENT = 10n ** 18n
const START_MS = 1_700_000_000_000

/** A clock that stands still until it is moved. */
export interface TestClock extends Clock {
  /** Moves time, running what is due in order; gives promises of each step a chance to go on. */
  advance(durationMs: number): Promise<void>
  /** Time passes without anything running, as when the process sleeps. */
  jump(durationMs: number): void
  readonly timers: number
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

/** A clock for tests. */
export const createTestClock = (startMs = START_MS): TestClock => {
  let nowMs = startMs
  let ids = 0
  const timers = new Map<number, { readonly atMs: number; readonly callback: () => void }>()
  const nextDue = (untilMs: number): number | undefined => {
    let best: number | undefined
    for (const [id, timer] of timers) if (timer.atMs <= untilMs && (best === undefined || timer.atMs < (timers.get(best)?.atMs ?? 0))) best = id
    return best
  }
  return {
    nowMs: () => nowMs,
    after(delayMs, callback) {
      const id = ids++
      timers.set(id, { atMs: nowMs + Math.max(0, delayMs), callback })
      return () => timers.delete(id)
    },
    async advance(durationMs) {
      const endMs = nowMs + durationMs
      await settle()
      for (let id = nextDue(endMs); id !== undefined; id = nextDue(endMs)) {
        const timer = timers.get(id)
        timers.delete(id)
        nowMs = Math.max(nowMs, timer?.atMs ?? nowMs)
        timer?.callback()
        await settle()
      }
      nowMs = endMs
    },
    jump(durationMs) {
      nowMs += durationMs
    },
    get timers() {
      return timers.size
    },
  }
}

/** The wall clock. */
export const wallClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** A development chain with accounts of its own. */
export interface TestChain {
  readonly crypto: Crypto
  readonly runtime: AssembledRuntime
  readonly spec: ChainSpec
  readonly accounts: readonly Sr25519Pair[]
  readonly genesisHash: Uint8Array
  readonly authoritySeed: Uint8Array
}

/** A development chain on which `accounts` accounts own 10^18 each; //Alice is authority and sudo. `genesis` adds parts of other pallets. */
export const createTestChain = (crypto: Crypto, accounts = 4, genesis: Readonly<Record<string, unknown>> = {}): TestChain => {
  const runtime = createPhalanxRuntime({ stateVersion: STATE_VERSION }, { crypto })
  const pairs = Array.from({ length: accounts }, (_, i) => crypto.sr25519.pairFromSeed(crypto.blake2b256(concatBytes(u32.encode(i), Uint8Array.of(7)))))
  const balances = pairs.map(({ publicKey }) => [encodeSs58(crypto, { prefix: SS58_PREFIX, payload: publicKey }), ENDOWMENT.toString()])
  const spec = runtime.parseChainSpec(createDevChainSpec({ genesis: { Balances: { balances }, ...genesis } }, { crypto }), { crypto })
  const genesisHash = headerHash(crypto, runtime.genesis(spec, { crypto }).header)
  return { crypto, runtime, spec, accounts: pairs, genesisHash, authoritySeed: suriToEd25519Seed(crypto, '//Alice') }
}

/** What a signed call says besides the call. */
export interface SignOptions {
  readonly from: Sr25519Pair
  readonly nonce: number
  readonly tip?: bigint
  readonly era?: SignedExtra['era']
  readonly eraHash?: Uint8Array
}

/** Signs an encoded call; a complete extrinsic. */
export const signCall = (chain: TestChain, call: Uint8Array, options: SignOptions): Uint8Array => {
  const { crypto, runtime, genesisHash } = chain
  const { specVersion, transactionVersion } = runtime.version
  const additional: AdditionalSigned = { specVersion, transactionVersion, genesisHash, eraHash: options.eraHash ?? genesisHash }
  const extra: SignedExtra = { era: options.era ?? { kind: 'Immortal' }, nonce: options.nonce, tip: options.tip ?? 0n }
  const payload = signingPayload(crypto, { call, extraBytes: SignedExtra.encode(extra), additional })
  const signature = crypto.sr25519.sign(options.from.secret, payload, crypto.blake2b256(payload))
  return encodeExtrinsic({ signed: { address: { kind: 'Id', value: options.from.publicKey }, signature: { kind: 'Sr25519', value: signature }, extra }, call })
}

/** A signed `Balances.transferKeepAlive`. */
export const signTransfer = (chain: TestChain, options: SignOptions & { readonly to: Uint8Array; readonly amount: bigint }): Uint8Array => {
  const args = { dest: { kind: 'Id', value: options.to }, value: options.amount }
  return signCall(chain, chain.runtime.parts.services.RuntimeCall.encode({ pallet: 'Balances', name: 'transferKeepAlive', args }), options)
}

/** `count` signed transfers, the accounts taking turns, nonces in order. */
export const signTransfers = (chain: TestChain, count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, i) => {
    const { accounts } = chain
    const at = (index: number): Sr25519Pair => accounts[index % accounts.length] as Sr25519Pair
    return signTransfer(chain, { from: at(i), nonce: Math.floor(i / accounts.length), to: at(i * 7 + 1).publicKey, amount: 10n ** 12n })
  })

/** Finalised blocks of `perBlock` of these extrinsics each, from genesis on. */
export const buildBlocks = (chain: TestChain, extrinsics: readonly Uint8Array[], perBlock: number): readonly ForeignBlock[] => {
  const { crypto, runtime, spec, authoritySeed: seed } = chain
  const env = { crypto, verified: () => true }
  const genesis = runtime.genesis(spec, env)
  let state: State = createTrie({ crypto, version: STATE_VERSION }).apply(genesis.changes)
  let parent: Header = genesis.header
  const authorities = readAuthorities(runtime, { state, header: parent }, env)
  const blocks: ForeignBlock[] = []
  for (let at = 0; at < extrinsics.length; at += perBlock) {
    const builder = runtime.buildBlock({ state, parent, timeMs: BigInt(START_MS + at * 50), env })
    for (const extrinsic of extrinsics.slice(at, at + perBlock)) assert(builder.apply(extrinsic).kind === 'applied', 'the extrinsic fits the block')
    const { header, extrinsics: body, state: after } = builder.finish()
    const target = { hash: headerHash(crypto, header), number: header.number }
    const attestation = createAttestation(crypto, { seed, authorities, target })
    assert(attestation !== undefined, 'the seed is the authority')
    blocks.push({ header, extrinsics: body, justification: joinAttestations(target, [attestation]) })
    parent = header
    state = after
  }
  return blocks
}

/** A node on the test chain, sealing on request unless told otherwise, checking signatures on the main thread. */
export const createTestNode = (
  chain: TestChain,
  options: Partial<NodeOptions> = {},
  dependencies: { readonly kv?: Kv; readonly clock?: Clock; readonly onFatal?: (error: unknown) => void } = {},
): Promise<Node> =>
  createNode(
    { chainSpec: chain.spec, sealing: { kind: 'manual' }, authoritySeed: chain.authoritySeed, threads: 0, hasMetrics: false, ...options },
    {
      kv: dependencies.kv ?? createMemoryKv(), clock: dependencies.clock ?? createTestClock(), crypto: chain.crypto, logger: silentLogger, runtime: chain.runtime,
      yieldToLoop: () => Promise.resolve(), ...(dependencies.onFatal === undefined ? {} : { onFatal: dependencies.onFatal }),
    },
  )

/** Calls a method of a node; the result, or the error member. */
export const rpcCall = async (node: Node, method: string, params: unknown = []): Promise<{ readonly result?: any; readonly error?: { readonly code: number; readonly message: string; readonly data?: any } }> =>
  JSON.parse((await node.handle(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))) ?? 'null')
