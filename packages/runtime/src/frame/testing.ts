/**
 * Owns the test kit of the runtime: a chain of blocks over any list of pallets, calls made directly with an origin, assertions
 * that a call succeeds, changes nothing or emits events, and the invariants of all pallets. For tests only.
 */
import { assert, AssertionError } from '@phalanx/primitives/assert'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { encodeExtrinsic, SignedExtra, signingPayload, type Era, type Header } from '@phalanx/primitives/chain'
import { suriToEd25519Seed, suriToSr25519, type Crypto } from '@phalanx/primitives/crypto'
import { account, blockHash, digest } from '../pallets/system/storage.ts'
import { eventsSoFar } from '../pallets/system/events.ts'
import type { State, StateVersion } from '@phalanx/primitives/trie'
import type { PlacedPallet } from './calls.ts'
import type { Context, DispatchOutcome, Errors, RuntimeCall, RuntimeEvent } from './context.ts'
import { createRuntime, type AssembledRuntime } from './create-runtime.ts'
import type { DispatchError } from './dispatch-error.ts'
import { blockEndItems, buildBlock, enterBlock } from './executive.ts'
import type { Origin } from './origin.ts'
import type { BlockOutcome, RuntimeEnv } from './runtime-api.ts'

/** What a test chain starts from. `genesis` is the chain spec's genesis object. */
export interface TestChainOptions {
  readonly pallets: readonly PlacedPallet[]
  readonly genesis?: Readonly<Record<string, unknown>>
  readonly simulated?: boolean
  readonly stateVersion?: StateVersion
  readonly timeMs?: bigint
}

/** A development account. */
export interface TestAccount {
  readonly name: string
  readonly publicKey: Uint8Array
  readonly secret: Uint8Array
  readonly ed25519Seed: Uint8Array
}

/** The account of `//Name`. */
export const devAccount = (crypto: Crypto, name: string): TestAccount => {
  const pair = suriToSr25519(crypto, `//${name}`)
  return { name, publicKey: pair.publicKey, secret: pair.secret, ed25519Seed: suriToEd25519Seed(crypto, `//${name}`) }
}

/** A call that should fail: a pallet's error by name (`Balances.InsufficientBalance`) or any dispatch error by kind. */
export type ExpectedError = string | DispatchError

/** A running chain for tests. */
export interface TestChain {
  readonly runtime: AssembledRuntime
  readonly env: RuntimeEnv
  readonly crypto: Crypto
  /** Context of the block being run, after its inherents. */
  readonly ctx: Context
  /** Last finished block. */
  readonly head: { readonly state: State; readonly header: Header }
  readonly genesisHash: Uint8Array
  /** Dispatches a call in its own layer. */
  dispatch(call: RuntimeCall, origin: Origin): DispatchOutcome
  /** The call must succeed. Returns the events it emitted. */
  assertOk(call: RuntimeCall, origin: Origin): readonly RuntimeEvent[]
  /** The call must fail with this error and leave storage, events and messages as they were. */
  assertNoop(call: RuntimeCall, origin: Origin, error: ExpectedError): void
  /** Events of the block so far; must contain these, in this order, as its last ones. */
  assertEvents(expected: readonly RuntimeEvent[]): void
  events(): readonly RuntimeEvent[]
  /** Finishes the block being run (checking invariants) and enters the next one; `count` blocks. */
  nextBlock(count?: number): void
  /** State root as if the block ended here, block bookkeeping included. */
  root(): Uint8Array
  /** Runs every pallet's invariants. */
  tryState(): void
  /** Finishes nothing: builds a proper block with these extrinsics on the head, executes it again elsewhere and compares; moves the head. */
  seal(extrinsics: readonly Uint8Array[], timeMs?: bigint): BlockOutcome
  /** A signed extrinsic on the head. */
  sign(call: RuntimeCall, by: TestAccount, options?: { readonly nonce?: number; readonly tip?: bigint; readonly era?: Era; readonly eraHash?: Uint8Array }): Uint8Array
}

const describeError = (runtime: AssembledRuntime, error: DispatchError): string => {
  if (error.kind !== 'Module') return 'value' in error ? `${error.kind}.${(error.value as { readonly kind: string }).kind}` : error.kind
  const { index, error: raw } = error.value
  const placed = runtime.parts.pallets.find((candidate) => candidate.index === index)
  const found = Object.entries((placed?.pallet.errors ?? {}) as Errors).find(([, spec]) => spec.index === raw[0])
  return `${placed?.pallet.name ?? index}.${found?.[0] ?? toHex(raw)}`
}

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
  return value
}

/** Comparable text of an event. */
export const eventText = ({ pallet, name, value }: RuntimeEvent): string => `${pallet}.${name} ${JSON.stringify(plain(value) ?? null)}`

const TEST_VERSION = { specName: 'test', implName: 'test', authoringVersion: 1, specVersion: 1, implVersion: 1, transactionVersion: 1 }
const BLOCK_MS = 1000n
const FIRST_BLOCK_MS = 1_600_000_000_000n

/** A test's expectation does not hold. @throws AssertionError */
function broken(message: string): never {
  throw new AssertionError(message)
}

class Chain implements TestChain {
  readonly runtime: AssembledRuntime
  readonly env: RuntimeEnv
  readonly crypto: Crypto
  readonly genesisHash: Uint8Array
  head: { state: State; header: Header }
  ctx: Context
  private timeMs: bigint

  constructor(options: TestChainOptions, crypto: Crypto) {
    const stateVersion = options.stateVersion ?? 1
    this.crypto = crypto
    this.env = { crypto }
    this.runtime = createRuntime({ pallets: options.pallets, version: TEST_VERSION, stateVersion }, { crypto })
    const spec = this.runtime.parseChainSpec({
      name: 'Test', id: 'test', chainType: 'Development', properties: { ss58Format: 30, tokenDecimals: 12, tokenSymbol: 'PHA' },
      simulated: options.simulated ?? true, stateVersion, genesis: options.genesis ?? {},
    }, { crypto })
    const { state, header } = this.runtime.genesis(spec, this.env)
    this.head = { state, header }
    this.timeMs = options.timeMs ?? FIRST_BLOCK_MS
    this.ctx = this.enter()
    this.genesisHash = blockHash.get(this.ctx, 0)
  }

  /** Enters the block after the head and runs hooks and inherents directly on a context that stays open. */
  private enter(): Context {
    const { parts } = this.runtime
    const ctx = enterBlock(parts, { state: this.head.state, parent: this.head.header, env: this.env, digest: [] })
    for (const { pallet } of parts.pallets) pallet.hooks?.onInitialize?.(pallet.in(ctx))
    for (const { pallet } of parts.pallets) {
      if (pallet.inherent === undefined) continue
      const args: unknown = pallet.inherent.create(pallet.in(ctx), { timeMs: this.timeMs })
      const outcome = ctx.runtime.dispatch(ctx, { pallet: pallet.name, name: pallet.inherent.call, args }, { kind: 'None' })
      assert(outcome.ok, `the inherent of ${pallet.name} succeeds`)
    }
    ctx.block.phase = { kind: 'ApplyExtrinsic', value: 0 }
    return ctx
  }

  dispatch(call: RuntimeCall, origin: Origin): DispatchOutcome {
    return this.ctx.runtime.dispatch(this.ctx, this.runtime.parts.enums.RuntimeCall.decode(this.runtime.parts.enums.RuntimeCall.encode(call)), origin)
  }

  assertOk(call: RuntimeCall, origin: Origin): readonly RuntimeEvent[] {
    const before = eventsSoFar(this.ctx).length
    const outcome = this.dispatch(call, origin)
    if (!outcome.ok) broken(`${call.pallet}.${call.name} failed: ${describeError(this.runtime, outcome.error)}`)
    this.tryState()
    return this.events().slice(before)
  }

  assertNoop(call: RuntimeCall, origin: Origin, error: ExpectedError): void {
    const before = this.root()
    const events = eventsSoFar(this.ctx).length
    const outcome = this.dispatch(call, origin)
    if (outcome.ok) broken(`${call.pallet}.${call.name} succeeded, expected ${typeof error === 'string' ? error : error.kind}`)
    const got = describeError(this.runtime, outcome.error)
    const expected = typeof error === 'string' ? error : describeError(this.runtime, error)
    if (got !== expected) broken(`${call.pallet}.${call.name} failed with ${got}, expected ${expected}`)
    if (!bytesEqual(before, this.root())) broken(`${call.pallet}.${call.name} failed and changed the state`)
    if (eventsSoFar(this.ctx).length !== events) broken(`${call.pallet}.${call.name} failed and left events`)
  }

  events(): readonly RuntimeEvent[] {
    return eventsSoFar(this.ctx).map(({ pallet, name, value }) => ({ pallet, name, value }))
  }

  assertEvents(expected: readonly RuntimeEvent[]): void {
    const got = this.events().slice(-expected.length).map(eventText)
    const wanted = expected.map(eventText)
    if (got.join('\n') !== wanted.join('\n')) broken(`events differ\nexpected\n  ${wanted.join('\n  ')}\ngot\n  ${got.join('\n  ')}`)
  }

  root(): Uint8Array {
    return this.head.state.apply(this.ctx.storage.changes()).root
  }

  tryState(): void {
    for (const { pallet } of this.runtime.parts.pallets) pallet.tryState?.(pallet.in(this.ctx))
  }

  nextBlock(count = 1): void {
    const { parts } = this.runtime
    for (let i = 0; i < count; i++) {
      this.tryState()
      this.ctx.block.phase = { kind: 'Finalization' }
      for (const { pallet } of parts.pallets.toReversed()) pallet.hooks?.onFinalize?.(pallet.in(this.ctx))
      const logs = [...digest.get(this.ctx).logs, ...blockEndItems(this.ctx, parts)]
      const state = this.head.state.apply(this.ctx.storage.changes())
      const { number, parentHash } = this.ctx.block
      this.head = { state, header: { parentHash, number, stateRoot: state.root, extrinsicsRoot: new Uint8Array(32), digest: { logs } } }
      this.timeMs += BLOCK_MS
      this.ctx = this.enter()
    }
  }

  seal(extrinsics: readonly Uint8Array[], timeMs?: bigint): BlockOutcome {
    const { state, header: parent } = this.head
    const builder = buildBlock(this.runtime.parts, { state, parent, timeMs: timeMs ?? this.timeMs, env: this.env })
    for (const extrinsic of extrinsics) {
      const outcome = builder.apply(extrinsic)
      if (outcome.kind !== 'applied') broken(`an extrinsic was refused: ${outcome.kind === 'invalid' ? `${outcome.error.kind}.${outcome.error.value.kind}` : 'the block is full'}`)
    }
    const built = builder.finish()
    const again = this.runtime.executeBlock({ state, parent, block: built, env: this.env })
    assert(bytesEqual(again.header.stateRoot, built.header.stateRoot), 'executing the built block gives the same root')
    this.head = { state: built.state, header: built.header }
    this.timeMs = built.timeMs + BLOCK_MS
    this.ctx = this.enter()
    this.tryState()
    return built
  }

  sign(call: RuntimeCall, by: TestAccount, options: { readonly nonce?: number; readonly tip?: bigint; readonly era?: Era; readonly eraHash?: Uint8Array } = {}): Uint8Array {
    return signExtrinsic(this.crypto, {
      runtime: this.runtime, call, by, genesisHash: this.genesisHash,
      nonce: options.nonce ?? account.decode(this.head.state.get(account.key(this.crypto, by.publicKey))).nonce,
      tip: options.tip ?? 0n, era: options.era ?? { kind: 'Immortal' }, eraHash: options.eraHash ?? this.genesisHash,
    })
  }
}

/** Signs an extrinsic with sr25519; deterministic (no randomness beyond the key and message). */
const signExtrinsic = (
  crypto: Crypto,
  parts: {
    readonly runtime: Pick<AssembledRuntime, 'version' | 'parts'>
    readonly call: RuntimeCall
    readonly by: TestAccount
    readonly genesisHash: Uint8Array
    readonly nonce: number
    readonly tip: bigint
    readonly era: Era
    readonly eraHash: Uint8Array
  },
): Uint8Array => {
  const { runtime, by, nonce, tip, era, genesisHash, eraHash } = parts
  const call = runtime.parts.enums.RuntimeCall.encode(parts.call)
  const extra = { era, nonce, tip }
  const { specVersion, transactionVersion } = runtime.version
  const message = signingPayload(crypto, { call, extraBytes: SignedExtra.encode(extra), additional: { specVersion, transactionVersion, genesisHash, eraHash } })
  const signature = crypto.sr25519.sign(by.secret, message, crypto.blake2b256(message))
  return encodeExtrinsic({ signed: { address: { kind: 'Id', value: by.publicKey }, signature: { kind: 'Sr25519', value: signature }, extra }, call })
}

/** Starts a test chain. */
export const createTestChain = (options: TestChainOptions, dependencies: { readonly crypto: Crypto }): TestChain => new Chain(options, dependencies.crypto)
