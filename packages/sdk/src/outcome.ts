/** Owns reading how each extrinsic of a block ended, from the block's events by the chain's metadata. */
import { AppError } from '@phalanx/primitives/errors'
import { decodeDynamic, type DynamicValue } from './dynamic.ts'
import type { MetadataIndex } from './metadata-index.ts'

/** How a call ended. `name` is `Pallet.Error` or the kind of a non-module error; `docs` the chain's own explanation. */
export type DispatchOutcome = { readonly ok: true } | { readonly ok: false; readonly name: string; readonly docs: string }

interface Tagged {
  readonly kind: string
  readonly value: DynamicValue
}

const isTagged = (value: DynamicValue): value is { readonly kind: string; readonly value: DynamicValue } =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array) && typeof (value as { kind?: unknown }).kind === 'string'

const member = (value: DynamicValue, name: string): DynamicValue =>
  typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array) ? (value as Readonly<Record<string, DynamicValue>>)[name] : undefined

const tagged = (value: DynamicValue, what: string): Tagged => {
  if (!isTagged(value)) throw new AppError('SDK_METADATA_MALFORMED', { what: `${what} is not a variant` })
  return value
}

/** Name and docs of a decoded `DispatchError`. */
export const describeDispatchError = (metadata: MetadataIndex, error: DynamicValue): { readonly name: string; readonly docs: string } => {
  const { kind, value } = tagged(error, 'a dispatch error')
  if (kind !== 'Module') return { name: isTagged(value) ? `${kind}.${value.kind}` : kind, docs: '' }
  const index = member(value, 'index')
  const bytes = member(value, 'error')
  const found = typeof index === 'number' && bytes instanceof Uint8Array ? metadata.error(index, bytes[0] ?? 0) : undefined
  return found === undefined ? { name: `Module ${String(index)}`, docs: '' } : { name: `${found.pallet}.${found.name}`, docs: found.docs }
}

/** Outcome by extrinsic index, from the value of `System.Events`. @throws SDK_METADATA_MALFORMED, CODEC_ codes */
export const dispatchOutcomes = (metadata: MetadataIndex, events: Uint8Array): ReadonlyMap<number, DispatchOutcome> => {
  const records = decodeDynamic(metadata.types, metadata.storage('System', 'Events').type, events)
  const out = new Map<number, DispatchOutcome>()
  for (const record of Array.isArray(records) ? records : []) {
    const phase = tagged(member(record, 'phase'), 'the phase of an event')
    const event = tagged(member(record, 'event'), 'an event')
    if (phase.kind !== 'ApplyExtrinsic' || typeof phase.value !== 'number' || event.kind !== 'System') continue
    const inner = tagged(event.value, 'an event of System')
    if (inner.kind === 'ExtrinsicSuccess') out.set(phase.value, { ok: true })
    if (inner.kind === 'ExtrinsicFailed') out.set(phase.value, { ok: false, ...describeDispatchError(metadata, member(inner.value, 'dispatch_error')) })
  }
  return out
}
