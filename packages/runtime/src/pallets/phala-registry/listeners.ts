/** Owns who else learns that a worker's evidence was accepted or counts no longer. A list in code, not state; add a line to take part. */
import type { EvictionReason } from '@phalanx/primitives/messages'
import type { Context } from '../../frame/context.ts'
import { onWorkerEvicted } from '../phala-computation/sessions.ts'
import { registryParts } from './declaration.ts'
import { dismissGatekeeper } from './gatekeepers.ts'

/** What other parts of the chain do when a worker's standing changes. Must not fail. */
export interface RegistryListener {
  /** The worker lost its confidence: end its duties. */
  onEvicted?(ctx: Context, worker: { readonly pubkey: Uint8Array; readonly reason: EvictionReason }): void
  /** The worker's evidence was accepted, for the first time or again, at this confidence level. */
  onAttested?(ctx: Context, worker: { readonly pubkey: Uint8Array; readonly confidenceLevel: number }): void
}

/** The listeners, in the order in which they are called. A function, since listeners import the registry. */
export const registryListeners = (): readonly RegistryListener[] => [
  { onEvicted: (ctx, { pubkey }) => onWorkerEvicted(ctx, pubkey) },
  { onEvicted: (ctx, { pubkey }) => dismissGatekeeper(registryParts.in(ctx), pubkey) },
]
