/** Owns the outer enums of an assembled runtime: calls and events of all pallets behind one index byte each. */
import { AppError, atPath } from '@phalanx/primitives/errors'
import { createCodec, snakeCase, struct, tuple, unit, type ByteReader, type Codec, type FieldInfo, type Shape, type TypeInfo, type VariantInfo } from '@phalanx/primitives/codec'
import type { EventSpec, Events, RuntimeCall, RuntimeEvent } from './context.ts'
import { resolveArgs, type AnyCall, type AnyPallet, type RuntimeTypes } from './pallet.ts'

/** Crate name under which the runtime's own types appear; clients look for paths that end like this. */
export const RUNTIME_CRATE = 'phalanx_runtime'

/** A pallet at its place. */
export interface PlacedPallet {
  readonly index: number
  readonly pallet: AnyPallet
}

const sortedByIndex = <T extends { readonly index: number }>(specs: Readonly<Record<string, T>>): readonly (readonly [string, T])[] =>
  Object.entries(specs).sort(([, a], [, b]) => a.index - b.index)

const fieldsOf = (shape: Shape): readonly FieldInfo[] => Object.entries(shape).map(([name, codec]) => ({ name: snakeCase(name), type: codec.info }))

const outerInfo = (name: string, pallets: readonly PlacedPallet[], inner: (pallet: AnyPallet) => TypeInfo | undefined): TypeInfo => ({
  path: [RUNTIME_CRATE, name],
  params: [],
  docs: [],
  def: {
    kind: 'variant',
    variants: pallets.flatMap(({ index, pallet }): readonly VariantInfo[] => {
      const type = inner(pallet)
      return type === undefined ? [] : [{ name: pallet.name, index, fields: [{ type: () => type }] }]
    }),
  },
})

const palletEnum = (pallet: AnyPallet, name: string, docs: string, variants: readonly VariantInfo[]): TypeInfo | undefined =>
  variants.length === 0 ? undefined : { path: [...pallet.crate.split('::'), 'pallet', name], params: [], docs: [docs], def: { kind: 'variant', variants } }

/** Type infos of one pallet's calls, events and errors; undefined where it has none. */
export interface PalletTypeInfos {
  readonly calls: TypeInfo | undefined
  readonly events: TypeInfo | undefined
  readonly errors: TypeInfo | undefined
}

/** One call ready to be read, written and run. */
export interface CallEntry {
  readonly pallet: string
  readonly name: string
  readonly palletIndex: number
  readonly spec: AnyCall
  readonly args: Codec<any>
}

/** One event ready to be read and written. */
export interface EventEntry {
  readonly pallet: string
  readonly name: string
  readonly palletIndex: number
  readonly eventIndex: number
  readonly content: Codec<any>
  readonly hasContent: boolean
}

/** Codecs and tables of an assembled runtime. */
export interface OuterEnums {
  readonly RuntimeCall: Codec<RuntimeCall>
  readonly RuntimeEvent: Codec<RuntimeEvent>
  readonly errorInfo: TypeInfo
  readonly typeInfos: ReadonlyMap<string, PalletTypeInfos>
  call(pallet: string, name: string): CallEntry | undefined
  /** Events of a pallet by name. */
  eventsOf(pallet: string): ReadonlyMap<string, EventEntry>
}

const eventContent = (spec: EventSpec): Codec<any> => (spec.fields !== undefined ? struct(spec.fields) : spec.tuple !== undefined ? tuple(...spec.tuple) : unit)

const eventFields = (spec: EventSpec): readonly FieldInfo[] =>
  spec.fields !== undefined ? fieldsOf(spec.fields) : (spec.tuple ?? []).map((codec) => ({ type: codec.info }))

type ByName<T> = ReadonlyMap<string, ReadonlyMap<string, T>>
type Table<T> = readonly ((readonly (T | undefined)[]) | undefined)[]

const readEntry = <T>(input: ByteReader, table: Table<T>, type: string): T => {
  const palletIndex = input.u8()
  const entries = table[palletIndex]
  if (entries === undefined) throw new AppError('CODEC_INVALID_VARIANT', { index: palletIndex, type })
  const index = input.u8()
  const entry = entries[index]
  if (entry === undefined) throw new AppError('CODEC_INVALID_VARIANT', { index, type })
  return entry
}

const createCallCodec = (table: Table<CallEntry>, byName: ByName<CallEntry>, info: () => TypeInfo): Codec<RuntimeCall> =>
  createCodec<RuntimeCall>({
    info,
    minSize: 2,
    write(out, call) {
      const entry = byName.get(call.pallet)?.get(call.name)
      if (entry === undefined) throw new AppError('CODEC_UNKNOWN_VARIANT', { kind: `${call.pallet}.${call.name}`, type: 'RuntimeCall' })
      out.u8(entry.palletIndex)
      out.u8(entry.spec.index)
      entry.args.write(out, call.args)
    },
    read(input) {
      input.enter()
      const entry = readEntry(input, table, 'RuntimeCall')
      try {
        const args: unknown = entry.args.read(input)
        input.leave()
        return { pallet: entry.pallet, name: entry.name, args }
      } catch (error) {
        throw atPath(error, `${entry.pallet}.${entry.name}`)
      }
    },
  })

const createEventCodec = (table: Table<EventEntry>, byName: ByName<EventEntry>, info: () => TypeInfo): Codec<RuntimeEvent> =>
  createCodec<RuntimeEvent>({
    info,
    minSize: 2,
    write(out, event) {
      const entry = byName.get(event.pallet)?.get(event.name)
      if (entry === undefined) throw new AppError('CODEC_UNKNOWN_VARIANT', { kind: `${event.pallet}.${event.name}`, type: 'RuntimeEvent' })
      out.u8(entry.palletIndex)
      out.u8(entry.eventIndex)
      if (entry.hasContent) entry.content.write(out, event.value)
    },
    read(input) {
      const entry = readEntry(input, table, 'RuntimeEvent')
      return { pallet: entry.pallet, name: entry.name, value: entry.hasContent ? entry.content.read(input) : undefined }
    },
  })

const callVariants = (pallet: AnyPallet, types: RuntimeTypes): readonly VariantInfo[] =>
  sortedByIndex<AnyCall>(pallet.calls).map(([name, spec]) => ({
    name: snakeCase(name), index: spec.index, fields: fieldsOf(resolveArgs(spec.args, types)), docs: [spec.doc],
  }))

const eventVariants = (pallet: AnyPallet): readonly VariantInfo[] =>
  sortedByIndex<EventSpec>(pallet.events as Events).map(([name, spec]) => ({ name, index: spec.index, fields: eventFields(spec), docs: [spec.doc] }))

const errorVariants = (pallet: AnyPallet): readonly VariantInfo[] =>
  sortedByIndex<{ readonly index: number; readonly doc: string }>(pallet.errors).map(([name, spec]) => ({ name, index: spec.index, fields: [], docs: [spec.doc] }))

const callEntries = (palletIndex: number, pallet: AnyPallet, types: RuntimeTypes): ReadonlyMap<string, CallEntry> =>
  new Map(Object.entries(pallet.calls).map(([name, spec]) => [name, { pallet: pallet.name, name, palletIndex, spec, args: struct(resolveArgs(spec.args, types)) }]))

const eventEntries = (palletIndex: number, pallet: AnyPallet): ReadonlyMap<string, EventEntry> =>
  new Map(Object.entries(pallet.events as Events).map(([name, spec]) => {
    const hasContent = spec.fields !== undefined || spec.tuple !== undefined
    return [name, { pallet: pallet.name, name, palletIndex, eventIndex: spec.index, content: eventContent(spec), hasContent }]
  }))

/** Builds the outer enums of a list of pallets. */
export const createOuterEnums = (pallets: readonly PlacedPallet[]): OuterEnums => {
  const calls = new Map<string, ReadonlyMap<string, CallEntry>>()
  const events = new Map<string, ReadonlyMap<string, EventEntry>>()
  const callTable: (CallEntry | undefined)[][] = []
  const eventTable: (EventEntry | undefined)[][] = []
  const typeInfos = new Map<string, PalletTypeInfos>()
  let callInfo: TypeInfo | undefined
  let eventInfo: TypeInfo | undefined
  const RuntimeCall = createCallCodec(callTable, calls, () => (callInfo ??= outerInfo('RuntimeCall', pallets, (pallet) => typeInfos.get(pallet.name)?.calls)))
  const RuntimeEvent = createEventCodec(eventTable, events, () => (eventInfo ??= outerInfo('RuntimeEvent', pallets, (pallet) => typeInfos.get(pallet.name)?.events)))
  const types: RuntimeTypes = { RuntimeCall }
  for (const { index: palletIndex, pallet } of pallets) {
    const ownCalls = callEntries(palletIndex, pallet, types)
    const ownEvents = eventEntries(palletIndex, pallet)
    calls.set(pallet.name, ownCalls)
    events.set(pallet.name, ownEvents)
    callTable[palletIndex] = []
    for (const entry of ownCalls.values()) callTable[palletIndex][entry.spec.index] = entry
    eventTable[palletIndex] = []
    for (const entry of ownEvents.values()) eventTable[palletIndex][entry.eventIndex] = entry
    typeInfos.set(pallet.name, {
      calls: palletEnum(pallet, 'Call', `Calls of ${pallet.name}.`, callVariants(pallet, types)),
      events: palletEnum(pallet, 'Event', `Events of ${pallet.name}.`, eventVariants(pallet)),
      errors: palletEnum(pallet, 'Error', `Errors of ${pallet.name}.`, errorVariants(pallet)),
    })
  }
  return {
    RuntimeCall,
    RuntimeEvent,
    errorInfo: outerInfo('RuntimeError', pallets, (pallet) => typeInfos.get(pallet.name)?.errors),
    typeInfos,
    call: (pallet, name) => calls.get(pallet)?.get(name),
    eventsOf: (pallet) => events.get(pallet) ?? new Map(),
  }
}
