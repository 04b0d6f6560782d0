/**
 * Owns the bytes of calls as ink! 5 writes them: four bytes of selector and the arguments on the way in; `Result<T, LangError>` on the way
 * back, where `T` is itself a `Result` for messages with errors. Contracts, tests and clients encode and decode through here.
 */
import { concatBytes, parseHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { result, snakeCase, struct, type Codec, type ResultValue } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { LangError } from '@phalanx/primitives/ink'
import type { AnyEntry, ContractDefinition } from './define.ts'
import './errors.ts'

/** blake2b-256. */
export type Hash256 = (bytes: Uint8Array) => Uint8Array

const SELECTOR_LENGTH = 4

/** Name of an entry in metadata: `closeAuction` is `close_auction`, as clients of ink! expect. */
export const labelOf = (name: string): string => snakeCase(name)

/** The four bytes that name an entry: those it declares, or the first of its label's hash. */
export const selectorOf = (hash: Hash256, name: string, entry: Pick<AnyEntry, 'selector'>): Uint8Array =>
  entry.selector === undefined ? hash(utf8(labelOf(name))).slice(0, SELECTOR_LENGTH) : parseHex(entry.selector)

/** Entry names by selector (plain hex), as dispatch looks them up. */
export interface Selectors {
  readonly constructors: Readonly<Record<string, string>>
  readonly messages: Readonly<Record<string, string>>
}

const table = (hash: Hash256, contract: string, entries: Readonly<Record<string, AnyEntry>>): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {}
  for (const [name, entry] of Object.entries(entries)) {
    const selector = toHexPlain(selectorOf(hash, name, entry))
    const other = found[selector]
    if (other !== undefined) throw new AppError('SDK_CONTRACT_MALFORMED', { contract, reason: `${other} and ${name} have the same selector; rename one` })
    found[selector] = name
  }
  return found
}

/** Selectors of a contract. @throws SDK_CONTRACT_MALFORMED where two are equal */
export const selectorsOf = (hash: Hash256, definition: ContractDefinition): Selectors => ({
  constructors: table(hash, definition.name, definition.constructors), messages: table(hash, definition.name, definition.messages),
})

/** Input of a call. @throws CODEC_ codes where the arguments do not fit */
export const encodeInput = (hash: Hash256, call: { readonly name: string; readonly entry: AnyEntry; readonly args: unknown }): Uint8Array =>
  concatBytes(selectorOf(hash, call.name, call.entry), struct(call.entry.args).encode((call.args ?? {}) as never))

/** What an entry returned or reverted with. */
export type EntryAnswer = ResultValue<ResultValue<unknown, unknown>, LangError>

/** Codec of what an entry gives back: the value is `ok(ok(value))` also where the entry declares no errors and there is one `Result` less. */
export const answerCodec = (entry: AnyEntry): { readonly codec: Codec<unknown>; encode(answer: EntryAnswer): Uint8Array; decode(bytes: Uint8Array): EntryAnswer } => {
  const { errors } = entry
  if (errors !== undefined) {
    const codec = result(result(entry.returns as Codec<unknown>, errors as Codec<unknown>), LangError)
    return { codec: codec as Codec<unknown>, encode: (answer) => codec.encode(answer), decode: (bytes) => codec.decode(bytes) }
  }
  const codec = result(entry.returns as Codec<unknown>, LangError)
  return {
    codec: codec as Codec<unknown>,
    encode: (answer) => codec.encode(answer.ok && answer.value.ok ? answer.value : (answer as ResultValue<unknown, LangError>)),
    decode(bytes) {
      const answer = codec.decode(bytes)
      return answer.ok ? { ok: true, value: answer } : answer
    },
  }
}
