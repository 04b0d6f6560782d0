/**
 * Random well-formed calls of every pallet, from accounts, root and nobody: each succeeds or fails as a dispatch error, none throws
 * anything else, a failed one leaves no trace, and every pallet's invariants hold afterwards.
 */
import { toHex } from '@phalanx/primitives/bytes'
import { ByteWriter, writeCompact, type TypeInfo } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDevChainSpec } from '../src/dev-spec.ts'
import { eventsSoFar } from '../src/pallets/system/events.ts'
import { NONE, ROOT, signed, type Origin } from '../src/frame/origin.ts'
import { devAccount } from '../src/frame/testing.ts'
import { createPhalanxRuntime } from '../src/runtime.ts'

const crypto = await loadCrypto()
const env = { crypto }
const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
const { parts } = runtime
const { RuntimeCall } = parts.services
const genesis = runtime.genesis(runtime.parseChainSpec(createDevChainSpec({}, { crypto }), { crypto }), env)
const first = runtime.buildBlock({ state: genesis.state, parent: genesis.header, timeMs: 1_700_000_000_000n, env }).finish()
const accounts = ['Alice', 'Bob', 'Charlie', 'Nobody'].map((name) => devAccount(crypto, name).publicKey)
const AMOUNTS = [0n, 1n, 10n ** 10n, 3n * 10n ** 10n, 10n ** 13n, 10n ** 19n, (1n << 64n) - 1n, (1n << 128n) - 1n]
const SIZES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, u128: 16, u256: 32, i8: 1, i16: 2, i32: 4, i64: 8, i128: 16 }
const DEPTH_MAX = 5

/** Reads choices from a list of numbers, so that fast-check can shrink a call. */
type Choose = (below: number) => number

const writeNumber = (out: ByteWriter, size: number, choose: Choose): void => {
  const value = size >= 8 ? (AMOUNTS[choose(AMOUNTS.length)] as bigint) : BigInt(choose(6))
  for (let i = 0; i < size; i++) out.u8(Number((value >> BigInt(8 * i)) & 0xffn))
}

/** Writes random bytes that a type accepts, with accounts and amounts that mean something. */
const writeRandom = (out: ByteWriter, info: TypeInfo, choose: Choose, depth: number): void => {
  const { def } = info
  switch (def.kind) {
    case 'primitive':
      if (def.name === 'bool') return out.u8(choose(2))
      if (def.name === 'str') return writeCompact(out, 0n)
      return writeNumber(out, SIZES[def.name] ?? 4, choose)
    case 'compact': {
      const inner = def.inner().def
      const wide = inner.kind === 'primitive' && (inner.name === 'u64' || inner.name === 'u128')
      const amount = wide ? (AMOUNTS[choose(AMOUNTS.length)] as bigint) : BigInt(choose(6))
      return writeCompact(out, inner.kind === 'primitive' && inner.name === 'u64' ? BigInt.asUintN(64, amount) : amount)
    }
    case 'composite': return def.fields.forEach((field) => writeRandom(out, field.type(), choose, depth))
    case 'tuple': return def.elements.forEach((element) => writeRandom(out, element(), choose, depth))
    case 'array': {
      if (def.length === 32) return out.raw(accounts[choose(accounts.length)] as Uint8Array)
      for (let i = 0; i < def.length; i++) writeRandom(out, def.element(), choose, depth)
      return
    }
    case 'sequence': {
      const count = depth > DEPTH_MAX ? 0 : choose(4)
      writeCompact(out, BigInt(count))
      for (let i = 0; i < count; i++) writeRandom(out, def.element(), choose, depth + 1)
      return
    }
    case 'variant': {
      const variants = depth > DEPTH_MAX ? def.variants.slice(0, 1) : def.variants
      const variant = variants[choose(variants.length)]
      if (variant === undefined) return
      out.u8(variant.index)
      return variant.fields.forEach((field) => writeRandom(out, field.type(), choose, depth + 1))
    }
    default: return
  }
}

const randomCall = (choices: readonly number[]): Uint8Array => {
  let at = 0
  const out = new ByteWriter()
  writeRandom(out, RuntimeCall.info(), (below) => (choices[at++] ?? 0) % below, 0)
  return out.finish()
}

/** Doors that set state at will: invariants mean nothing after them. */
const BREAKS_INVARIANTS = new Set(['setStorage', 'killStorage', 'killPrefix', 'forceAdjustTotalIssuance'])
const mentions = (value: unknown, names: ReadonlySet<string>): boolean => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false
  if ('name' in value && typeof value.name === 'string' && names.has(value.name)) return true
  return Object.values(value).some((inner) => mentions(inner, names))
}

/** `RANDOM_CALLS=10000` looks longer. */
const RUNS = Number(process.env['RANDOM_CALLS'] ?? 300)

test('every call ends well or fails cleanly', { timeout: 60_000 + 20 * RUNS }, () => {
  const reached = new Set<string>()
  let [succeeded, failed] = [0, 0]
  const origins: readonly Origin[] = [ROOT, NONE, ...accounts.map(signed)]
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(origins.length - 1), fc.array(fc.nat(255), { minLength: 4, maxLength: 60 })), { minLength: 1, maxLength: 12 }), (calls) => {
      const ctx = runtime.contextAt({ state: first.state, at: first.header, env })
      for (const [origin, choices] of calls) {
        let call
        try {
          call = RuntimeCall.decode(randomCall(choices))
        } catch (error) {
          expect((error as { readonly code?: string }).code).toMatch(/^CODEC_/)
          continue
        }
        if (mentions(call, BREAKS_INVARIANTS)) continue
        reached.add(`${call.pallet}.${call.name}`)
        const before = { events: eventsSoFar(ctx).length, root: toHex(first.state.apply(ctx.storage.changes()).root) }
        const outcome = parts.services.dispatch(ctx, call, origins[origin] as Origin)
        expect(ctx.storage.depth).toBe(0)
        if (outcome.ok) succeeded++
        else {
          failed++
          expect({ events: eventsSoFar(ctx).length, root: toHex(first.state.apply(ctx.storage.changes()).root) }).toEqual(before)
        }
        for (const { pallet } of parts.pallets) pallet.tryState?.(pallet.in(ctx))
      }
    }),
    { numRuns: RUNS },
  )
  expect(succeeded).toBeGreaterThan(100)
  expect(failed).toBeGreaterThan(100)
  expect(reached.size).toBeGreaterThan(30)
})
