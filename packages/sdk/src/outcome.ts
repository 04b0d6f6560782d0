/** Owns reading how each extrinsic of a block ended, from the block's events by the chain's metadata. */
import { AppError } from '@phalanx/primitives/errors'
import { decodeDynamic, type DynamicValue } from './dynamic.ts'
import type { MetadataIndex } from './metadata-index.ts'

/** How one call ended. `name` is `Pallet.Error` or the kind of a non-module error; `docs` the chain's own explanation. */
export type CallOutcome = { readonly ok: true } | { readonly ok: false; readonly name: string; readonly docs: string }

/** How an extrinsic ended: its call, what it cost in the chain's smallest unit where it cost anything, and each call of a batch that ran, in order. */
export type DispatchOutcome = CallOutcome & { readonly fee?: bigint; readonly items?: readonly CallOutcome[] }

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

interface Found {
  outcome: CallOutcome | undefined
  fee: bigint | undefined
  readonly items: CallOutcome[]
}

/** What one event says about its extrinsic. */
const note = (metadata: MetadataIndex, found: Found, event: Tagged): void => {
  if (event.kind !== 'System' && event.kind !== 'Utility' && event.kind !== 'TransactionPayment') return
  const { kind, value } = tagged(event.value, `an event of ${event.kind}`)
  switch (`${event.kind}.${kind}`) {
    case 'System.ExtrinsicSuccess': found.outcome = { ok: true }; break
    case 'System.ExtrinsicFailed': found.outcome = { ok: false, ...describeDispatchError(metadata, member(value, 'dispatch_error')) }; break
    case 'Utility.ItemCompleted': found.items.push({ ok: true }); break
    case 'Utility.ItemFailed': found.items.push({ ok: false, ...describeDispatchError(metadata, member(value, 'error')) }); break
    case 'TransactionPayment.TransactionFeePaid': {
      const fee = member(value, 'actual_fee')
      if (typeof fee === 'bigint') found.fee = fee
    }
  }
}

/** Outcome by extrinsic index, from the value of `System.Events`. @throws SDK_METADATA_MALFORMED, CODEC_ codes */
export const dispatchOutcomes = (metadata: MetadataIndex, events: Uint8Array): ReadonlyMap<number, DispatchOutcome> => {
  const records = decodeDynamic(metadata.types, metadata.storage('System', 'Events').type, events)
  const byIndex = new Map<number, Found>()
  for (const record of Array.isArray(records) ? records : []) {
    const phase = tagged(member(record, 'phase'), 'the phase of an event')
    if (phase.kind !== 'ApplyExtrinsic' || typeof phase.value !== 'number') continue
    const found = byIndex.get(phase.value) ?? { outcome: undefined, fee: undefined, items: [] }
    byIndex.set(phase.value, found)
    note(metadata, found, tagged(member(record, 'event'), 'an event'))
  }
  const out = new Map<number, DispatchOutcome>()
  for (const [index, { outcome, fee, items }] of byIndex)
    if (outcome !== undefined) out.set(index, { ...outcome, ...(fee === undefined ? {} : { fee }), ...(items.length === 0 ? {} : { items }) })
  return out
}
