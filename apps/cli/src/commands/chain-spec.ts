/** Owns `phalanx chain-spec dev`, `build` and `check`. */
import { toHex } from '@phalanx/primitives/bytes'
import { headerHash } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createPhalanxRuntime } from '@phalanx/runtime'
import { ALL_FAMILIES, developmentSpec, parseSpec, readJsonFile } from '../chain-specs.ts'
import { printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'
import { writePrivateFile } from '../secrets.ts'

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Objects are joined field by field, everything else is replaced; null removes. */
const overlay = (base: Json, changes: Json): Json => {
  const out: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(changes)) {
    const old = out[name]
    if (value === null) delete out[name]
    else out[name] = isObject(old) && isObject(value) ? overlay(old, value) : value
  }
  return out
}

const summarize = (json: unknown, crypto: Crypto): Json => {
  const spec = parseSpec(json, crypto)
  const { header, state } = createPhalanxRuntime({ stateVersion: spec.stateVersion }, { crypto }).genesis(spec, { crypto })
  return { name: spec.name, id: spec.id, chainType: spec.chainType, simulated: spec.simulated, genesis: toHex(headerHash(crypto, header)), stateRoot: toHex(state.root) }
}

/** Prints the development chain's specification. */
export const runDevSpec: Runner = async (io) => {
  printLine(io.stdout, JSON.stringify(developmentSpec(await loadCrypto(), undefined, ALL_FAMILIES), undefined, 2))
  return 0
}

/** Builds a specification from changes, checked before it is written. */
export const runBuildSpec: Runner = async (io, _positional, options) => {
  const { from, out } = options as unknown as { readonly from: string; readonly out?: string }
  const crypto = await loadCrypto()
  const changes = readJsonFile(from)
  if (!isObject(changes)) throw new AppError('CLI_CONFIG_MALFORMED', { path: from, reason: 'it must be an object' })
  const spec = overlay(developmentSpec(crypto, undefined, ALL_FAMILIES), changes)
  summarize(spec, crypto)
  const text = JSON.stringify(spec, undefined, 2)
  if (out === undefined) printLine(io.stdout, text)
  else writePrivateFile(out, `${text}\n`)
  return 0
}

/** Checks a specification and shows its genesis. */
export const runCheckSpec: Runner = async (io, [file = ''], options) => {
  const summary = summarize(readJsonFile(file), await loadCrypto())
  if (options['json'] === true) printLine(io.stdout, toJson(summary))
  else for (const [name, value] of Object.entries(summary)) printLine(io.stdout, `${name.padEnd(10)} ${String(value)}`)
  return 0
}
