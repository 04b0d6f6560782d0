/**
 * Owns running blocks: initialise, extrinsics, finalise, the roots and digest of the header; building and checking alike.
 * Does not own transactions (transactions.ts) or what pallets do in their hooks.
 */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, toHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { Digest, encodeExtrinsic, headerHash, type DigestItem, type Header } from '@phalanx/primitives/chain'
import { AppError } from '@phalanx/primitives/errors'
import { MessageOrigin } from '@phalanx/primitives/messages'
import { orderedRoot, type State } from '@phalanx/primitives/trie'
import '../errors.ts'
import { depositLog, storeEvents } from '../pallets/system/events.ts'
import { BLOCK_HASH_COUNT, BLOCK_WEIGHTS } from '../pallets/system/limits.ts'
import { blockHash, blockWeight, digest, lastRuntimeUpgrade, number, parentHash } from '../pallets/system/storage.ts'
import { registerWeight, weightSoFar } from '../pallets/system/weights.ts'
import { now } from '../pallets/timestamp/storage.ts'
import { createContext, type ContextParts } from './block-context.ts'
import type { Context } from './context.ts'
import type { TransactionExtension } from './extension.ts'
import { acceptedSequences, dispatchedMessages, mergeAcks } from './outputs.ts'
import { toKey } from './overlay.ts'
import type { AnyPallet } from './pallet.ts'
import type { ApplyOutcome, Block, BlockBuilder, BlockOutcome, ExtrinsicResult, RuntimeEnv } from './runtime-api.ts'
import { applyInherent, applySigned, checkExtrinsic, judge, type Applied } from './transactions.ts'
import type { TransactionValidity, TransactionValidityError } from './validity.ts'

/** What the executive runs with. */
export interface ExecutiveParts extends ContextParts {
  readonly extensions: readonly TransactionExtension[]
}

/** Well-known key under which clients look for the runtime's code; holds a name and version, since there is no Wasm. */
export const CODE_KEY: Uint8Array = utf8(':code')

/** Extrinsics roots are always of version 0, as for the reference chain's system version. */
const EXTRINSICS_ROOT_VERSION = 0

/** Contents of `:code`: changes with every version, so that clients notice upgrades. */
export const codeOf = (parts: ExecutiveParts): Uint8Array => {
  const { specName, specVersion } = parts.services.version
  return utf8(`${specName}-${specVersion}`)
}

/** Reason of a refusal for people. */
const refusalText = (error: TransactionValidityError): string => `${error.kind}.${error.value.kind}`

/** Marks this runtime as the one that runs, when an older one ran last. */
const noteUpgrade = (ctx: Context, parts: ExecutiveParts): void => {
  const { specName, specVersion } = parts.services.version
  const last = lastRuntimeUpgrade.get(ctx)
  if (last !== undefined && last.specVersion === specVersion && last.specName === specName) return
  lastRuntimeUpgrade.set(ctx, { specName, specVersion })
  ctx.storage.set(toKey(CODE_KEY), codeOf(parts))
  if (last !== undefined) depositLog(ctx, { kind: 'RuntimeEnvironmentUpdated' })
}

/** Enters a block: what every extrinsic and every validation may rely on. Runs no hooks. */
export const enterBlock = (
  parts: ExecutiveParts,
  options: { readonly state: State; readonly parent: Header; readonly env: RuntimeEnv; readonly digest: readonly DigestItem[] },
): Context => {
  const { parent, env } = options
  const parentHashNow = headerHash(env.crypto, parent)
  const ctx = createContext(parts, {
    state: options.state, env, block: { number: parent.number + 1, parentHash: parentHashNow, phase: { kind: 'Initialization' } },
  })
  number.set(ctx, parent.number + 1)
  parentHash.set(ctx, parentHashNow)
  blockHash.set(ctx, parent.number, parentHashNow)
  const outdated = parent.number - BLOCK_HASH_COUNT
  if (outdated > 0) blockHash.remove(ctx, outdated)
  digest.set(ctx, { logs: [...options.digest] })
  return ctx
}

const startBlock = (parts: ExecutiveParts, options: Parameters<typeof enterBlock>[1]): Context => {
  const ctx = enterBlock(parts, options)
  registerWeight(ctx, BLOCK_WEIGHTS.baseBlock, 'Mandatory')
  noteUpgrade(ctx, parts)
  for (const { pallet } of parts.pallets) {
    const weight = pallet.hooks?.onInitialize?.(pallet.in(ctx))
    if (weight !== undefined) registerWeight(ctx, weight, 'Mandatory')
  }
  return ctx
}

/** Items that block ends seal into the digest. */
export const blockEndItems = (ctx: Context, parts: ExecutiveParts): readonly DigestItem[] =>
  parts.pallets.flatMap(({ pallet }) => {
    const item = (pallet as AnyPallet).hooks?.onBlockEnd?.(pallet.in(ctx))
    return item === undefined ? [] : [item]
  })

interface Run {
  readonly parts: ExecutiveParts
  readonly ctx: Context
  readonly state: State
  readonly extrinsics: Uint8Array[]
  readonly results: ExtrinsicResult[]
}

const finishBlock = ({ parts, ctx, state, extrinsics, results }: Run): BlockOutcome => {
  ctx.block.phase = { kind: 'Finalization' }
  for (const { pallet } of parts.pallets.toReversed()) pallet.hooks?.onFinalize?.(pallet.in(ctx))
  blockWeight.set(ctx, weightSoFar(ctx))
  const events = storeEvents(ctx)
  const logs = [...digest.get(ctx).logs, ...blockEndItems(ctx, parts)]
  const changes = ctx.storage.changes()
  const after = state.apply(changes)
  const header: Header = {
    parentHash: ctx.block.parentHash,
    number: ctx.block.number,
    stateRoot: after.root,
    extrinsicsRoot: orderedRoot({ crypto: ctx.crypto, version: EXTRINSICS_ROOT_VERSION, items: extrinsics }),
    digest: { logs },
  }
  return {
    state: after, header, extrinsics, changes, events, results,
    messages: dispatchedMessages.all(ctx),
    acks: mergeAcks(acceptedSequences.all(ctx), (sender) => toHexPlain(MessageOrigin.encode(sender))),
    timeMs: now.get(ctx),
  }
}

const noteApplied = (run: Run, bytes: Uint8Array, applied: Applied & { kind: 'applied' }): ExtrinsicResult => {
  const { outcome } = applied
  const result: ExtrinsicResult = outcome.ok ? { ok: true } : { ok: false, dispatchError: outcome.error }
  run.extrinsics.push(bytes)
  run.results.push(result)
  return result
}

const enterExtrinsic = (run: Run): void => {
  run.ctx.block.phase = { kind: 'ApplyExtrinsic', value: run.extrinsics.length }
}

/** Inherent calls that a block must begin with, in pallet order. */
const inherentCalls = (parts: ExecutiveParts): readonly { readonly pallet: AnyPallet; readonly call: string }[] =>
  parts.pallets.flatMap(({ pallet }) => (pallet.inherent === undefined ? [] : [{ pallet, call: pallet.inherent.call }]))

/** The inherents of a block at a time, encoded. */
export const createInherents = (ctx: Context, parts: ExecutiveParts, timeMs: bigint): readonly Uint8Array[] =>
  inherentCalls(parts).map(({ pallet, call }) =>
    encodeExtrinsic({ call: parts.services.RuntimeCall.encode({ pallet: pallet.name, name: call, args: pallet.inherent?.create(pallet.in(ctx), { timeMs }) }) }))

/** Applies one extrinsic to an entered block, for builders and runtime APIs. */
const applyExtrinsic = (ctx: Context, parts: ExecutiveParts, bytes: Uint8Array, allowInherent: boolean): Applied => {
  const checked = checkExtrinsic(ctx, parts.services, bytes)
  if (checked.kind === 'refused') return checked
  if (checked.kind === 'signed') return applySigned(ctx, parts.extensions, checked.transaction)
  const isInherent = parts.pallets.some(({ pallet }) => pallet.name === checked.call.pallet && pallet.inherent?.call === checked.call.name)
  if (!isInherent || !allowInherent) return { kind: 'refused', error: { kind: 'Unknown', value: { kind: 'NoUnsignedValidator' } } }
  return applyInherent(ctx, checked)
}

const isExhausted = (error: TransactionValidityError): boolean => error.kind === 'Invalid' && error.value.kind === 'ExhaustsResources'

/** Starts building a block; its inherents are in already. */
export const buildBlock = (
  parts: ExecutiveParts,
  args: { readonly state: State; readonly parent: Header; readonly timeMs: bigint; readonly env: RuntimeEnv; readonly digest?: Header['digest'] | undefined },
): BlockBuilder => {
  const ctx = startBlock(parts, { ...args, digest: args.digest?.logs ?? [] })
  const run: Run = { parts, ctx, state: args.state, extrinsics: [], results: [] }
  let usable = true
  const attempt = (bytes: Uint8Array, allowInherent: boolean): ApplyOutcome => {
    assert(usable, 'the block builder is still usable')
    enterExtrinsic(run)
    usable = false
    const applied = applyExtrinsic(ctx, parts, bytes, allowInherent)
    usable = true
    if (applied.kind === 'refused') return isExhausted(applied.error) && run.extrinsics.length > inherentCalls(parts).length ? { kind: 'full' } : { kind: 'invalid', error: applied.error }
    const result = noteApplied(run, bytes, applied)
    return result.dispatchError === undefined ? { kind: 'applied', ok: true } : { kind: 'applied', ok: false, dispatchError: result.dispatchError }
  }
  for (const inherent of createInherents(ctx, parts, args.timeMs)) {
    const outcome = attempt(inherent, true)
    if (outcome.kind !== 'applied')
      throw new AppError('BLOCK_INHERENT_INVALID', { number: ctx.block.number, reason: outcome.kind === 'invalid' ? refusalText(outcome.error) : 'no space' })
  }
  return {
    apply: (extrinsic) => attempt(extrinsic, false),
    finish() {
      assert(usable, 'the block builder is still usable')
      usable = false
      return finishBlock(run)
    },
  }
}

const checkInherents = (run: Run, parts: ExecutiveParts, block: Block): void => {
  const expected = inherentCalls(parts)
  const wrong = (reason: string): AppError => new AppError('BLOCK_INHERENT_INVALID', { number: block.header.number, reason })
  if (block.extrinsics.length < expected.length) throw wrong('one is missing')
  for (const [i, { pallet, call }] of expected.entries()) {
    const checked = checkExtrinsic(run.ctx, parts.services, block.extrinsics[i] as Uint8Array)
    if (checked.kind !== 'unsigned' || checked.call.pallet !== pallet.name || checked.call.name !== call) throw wrong(`extrinsic ${i} is not ${pallet.name}.${call}`)
  }
}

const assertSame = (what: string, header: Header, values: { readonly expected: Uint8Array; readonly got: Uint8Array }): void => {
  if (bytesEqual(values.expected, values.got)) return
  throw new AppError('BLOCK_MISMATCH', { what, number: header.number, expected: toHex(values.expected), got: toHex(values.got) })
}

/** Runs a foreign block and compares everything it claims. */
export const executeBlock = (
  parts: ExecutiveParts,
  args: { readonly state: State; readonly parent: Header; readonly block: Block; readonly env: RuntimeEnv },
): BlockOutcome => {
  const { state, parent, block, env } = args
  const { header } = block
  if (header.number !== parent.number + 1) throw new AppError('BLOCK_PARENT_MISMATCH', { number: header.number, reason: `the parent is number ${parent.number}` })
  if (!bytesEqual(header.parentHash, headerHash(env.crypto, parent))) throw new AppError('BLOCK_PARENT_MISMATCH', { number: header.number, reason: 'the parent hash differs' })
  const preRuntime = header.digest.logs.filter((item) => item.kind === 'PreRuntime')
  const ctx = startBlock(parts, { state, parent, env, digest: preRuntime })
  const run: Run = { parts, ctx, state, extrinsics: [], results: [] }
  checkInherents(run, parts, block)
  const inherents = inherentCalls(parts).length
  for (const [index, bytes] of block.extrinsics.entries()) {
    enterExtrinsic(run)
    const applied = applyExtrinsic(ctx, parts, bytes, index < inherents)
    if (applied.kind === 'refused') throw new AppError('BLOCK_EXTRINSIC_INVALID', { number: header.number, index, reason: refusalText(applied.error) })
    noteApplied(run, bytes, applied)
  }
  const outcome = finishBlock(run)
  assertSame('extrinsics root', header, { expected: outcome.header.extrinsicsRoot, got: header.extrinsicsRoot })
  assertSame('digest', header, { expected: Digest.encode(outcome.header.digest), got: Digest.encode(header.digest) })
  assertSame('state root', header, { expected: outcome.header.stateRoot, got: header.stateRoot })
  return outcome
}

/** Judges a transaction as if it entered the block after `parent`. */
export const validateTransaction = (
  parts: ExecutiveParts,
  args: { readonly state: State; readonly parent: Header; readonly extrinsic: Uint8Array; readonly env: RuntimeEnv },
): TransactionValidity => {
  const ctx = enterBlock(parts, { ...args, digest: [] })
  const checked = checkExtrinsic(ctx, parts.services, args.extrinsic)
  if (checked.kind === 'refused') return { ok: false, error: checked.error }
  if (checked.kind === 'unsigned') return { ok: false, error: { kind: 'Unknown', value: { kind: 'NoUnsignedValidator' } } }
  return judge(ctx, parts.extensions, checked.transaction)
}
