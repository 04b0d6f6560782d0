/** Owns the context object of a running block and the contexts of its pallets. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { depositEvent } from '../pallets/system/events.ts'
import type { EventEntry, OuterEnums, PlacedPallet } from './calls.ts'
import type { BlockInfo, Context, Errors, Events, PalletContext, RuntimeServices } from './context.ts'
import { DispatchFailure, moduleError } from './dispatch-error.ts'
import { createOverlay, type BaseState, type Overlay } from './overlay.ts'
import type { RuntimeEnv, SignatureCheck } from './runtime-api.ts'

/** What contexts are made from. */
export interface ContextParts {
  readonly services: RuntimeServices
  readonly enums: OuterEnums
  readonly pallets: readonly PlacedPallet[]
}

/** Checks a signature with our own crypto. */
const verifySignature = (crypto: Crypto, check: SignatureCheck): boolean => {
  const { kind, signature, message, publicKey } = check
  if (kind === 'sr25519') return crypto.sr25519.verify(signature, message, publicKey)
  if (kind === 'ed25519') return crypto.ed25519.verify(signature, message, publicKey)
  const recovered = crypto.secp256k1.recover(signature, crypto.blake2b256(message))
  return recovered !== undefined && bytesEqual(crypto.blake2b256(recovered), publicKey)
}

class BlockContext implements Context {
  readonly storage: Overlay
  readonly crypto: Crypto
  readonly block: BlockInfo
  readonly runtime: RuntimeServices
  private readonly env: RuntimeEnv
  private readonly parts: ContextParts
  private readonly scopes = new Map<string, PalletContext<any, any>>()

  constructor(parts: ContextParts, options: { readonly state: BaseState; readonly block: BlockInfo; readonly env: RuntimeEnv }) {
    this.parts = parts
    this.env = options.env
    this.crypto = options.env.crypto
    this.block = options.block
    this.runtime = parts.services
    this.storage = createOverlay({ state: options.state }, { crypto: options.env.crypto })
  }

  verify(check: SignatureCheck): boolean {
    return this.env.verified?.(check) ?? verifySignature(this.crypto, check)
  }

  scope(name: string): PalletContext<Events, Errors> {
    let found = this.scopes.get(name)
    if (found === undefined) {
      const placed = this.parts.pallets.find(({ pallet }) => pallet.name === name)
      assert(placed !== undefined, `the runtime has the pallet ${name}`)
      this.scopes.set(name, (found = new ScopedContext(this, this.parts.enums, placed)))
    }
    return found
  }
}

class ScopedContext implements PalletContext<any, any> {
  readonly storage: Overlay
  readonly crypto: Crypto
  readonly block: BlockInfo
  readonly runtime: RuntimeServices
  private readonly outer: BlockContext
  private readonly events: ReadonlyMap<string, EventEntry>
  private readonly placed: PlacedPallet

  constructor(outer: BlockContext, enums: OuterEnums, placed: PlacedPallet) {
    this.outer = outer
    this.events = enums.eventsOf(placed.pallet.name)
    this.placed = placed
    this.storage = outer.storage
    this.crypto = outer.crypto
    this.block = outer.block
    this.runtime = outer.runtime
  }

  verify(check: SignatureCheck): boolean {
    return this.outer.verify(check)
  }

  scope(name: string): PalletContext<Events, Errors> {
    return this.outer.scope(name)
  }

  emit(name: string, value?: unknown): void {
    const entry = this.events.get(name)
    assert(entry !== undefined, `${this.placed.pallet.name} declares the event ${name}`)
    depositEvent(this, entry, value)
  }

  fail(name: string): never {
    const { pallet, index } = this.placed
    const spec = (pallet.errors as Errors)[name]
    assert(spec !== undefined, `${pallet.name} declares the error ${name}`)
    throw new DispatchFailure(moduleError(index, spec.index), `${pallet.name}.${name}`)
  }
}

/** Starts the context of a block (or of a call on its state). */
export const createContext = (parts: ContextParts, options: { readonly state: BaseState; readonly block: BlockInfo; readonly env: RuntimeEnv }): Context =>
  new BlockContext(parts, options)
