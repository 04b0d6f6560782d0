/**
 * Owns the way of a signed transaction: decoding, signature over the original bytes, judgement by the extensions, its call,
 * settlement and final event. Does not own the block around it (executive.ts).
 */
import { decodeExtrinsic, eraBirth, signingPayload, type Extrinsic } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { blockHash } from '../pallets/system/storage.ts'
import { BLOCK_HASH_COUNT } from '../pallets/system/limits.ts'
import { takeBlockSpace } from '../pallets/system/weights.ts'
import type { Context, DispatchOutcome, RuntimeCall, RuntimeServices } from './context.ts'
import type { SignedTransaction, TransactionExtension } from './extension.ts'
import { NONE, signed } from './origin.ts'
import type { SignatureCheck } from './runtime-api.ts'
import { combineValid, invalid, VALID_DEFAULT, type TransactionValidity, type TransactionValidityError } from './validity.ts'
import { dispatchInfo, minWeight, type CallInfo } from './weight.ts'

/** An extrinsic ready to run, or why it never will. */
export type Checked =
  | { readonly kind: 'signed'; readonly transaction: SignedTransaction }
  | { readonly kind: 'unsigned'; readonly call: RuntimeCall; readonly info: CallInfo; readonly length: number }
  | { readonly kind: 'refused'; readonly error: TransactionValidityError }

/** What became of an extrinsic. */
export type Applied =
  | { readonly kind: 'applied'; readonly outcome: DispatchOutcome }
  | { readonly kind: 'refused'; readonly error: TransactionValidityError }

const refused = (error: TransactionValidityError): { readonly kind: 'refused'; readonly error: TransactionValidityError } => ({ kind: 'refused', error })

/** Runs a strict decoder; undefined where the bytes are not what they should be. */
const tryDecode = <T>(decode: () => T): T | undefined => {
  try {
    return decode()
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** Rebuilds the signature check of an extrinsic; undefined for unsigned ones and for eras whose first block is unknown. */
export const extrinsicSignatureCheck = (
  extrinsic: Extrinsic,
  at: {
    readonly crypto: Pick<Crypto, 'blake2b256'>
    readonly versions: { readonly specVersion: number; readonly transactionVersion: number }
    readonly genesisHash: Uint8Array
    readonly number: number
    readonly blockHash: (number: number) => Uint8Array | undefined
  },
): SignatureCheck | undefined => {
  const { signed: outer, call } = extrinsic
  if (outer === undefined || outer.address.kind !== 'Id') return undefined
  const eraHash = outer.extra.era.kind === 'Immortal' ? at.genesisHash : at.blockHash(eraBirth(outer.extra.era, at.number))
  if (eraHash === undefined) return undefined
  const { specVersion, transactionVersion } = at.versions
  const additional = { specVersion, transactionVersion, genesisHash: at.genesisHash, eraHash }
  const message = signingPayload(at.crypto, { call, extraBytes: outer.extraBytes, additional })
  const kind = outer.signature.kind === 'Sr25519' ? 'sr25519' : outer.signature.kind === 'Ed25519' ? 'ed25519' : 'ecdsa'
  return { kind, signature: outer.signature.value, message, publicKey: outer.address.value }
}

/** Hash of an ancestor that the state still knows. */
const knownBlockHash = (ctx: Context, number: number): Uint8Array | undefined =>
  number < ctx.block.number && number + BLOCK_HASH_COUNT >= ctx.block.number - 1 && blockHash.has(ctx, number) ? blockHash.get(ctx, number) : undefined

/** Decodes an extrinsic and checks its signature. */
export const checkExtrinsic = (ctx: Context, services: RuntimeServices, bytes: Uint8Array): Checked => {
  const extrinsic = tryDecode(() => decodeExtrinsic(bytes))
  if (extrinsic === undefined) return refused(invalid('Call'))
  const call = tryDecode(() => services.RuntimeCall.decode(extrinsic.call))
  if (call === undefined) return refused(invalid('Call'))
  const info = services.callInfo(call)
  if (extrinsic.signed === undefined) return { kind: 'unsigned', call, info, length: bytes.length }
  if (info.class === 'Mandatory') return refused(invalid('MandatoryValidation'))
  const { address, extra } = extrinsic.signed
  if (address.kind !== 'Id') return refused({ kind: 'Unknown', value: { kind: 'CannotLookup' } })
  const genesisHash = blockHash.get(ctx, 0)
  const check = extrinsicSignatureCheck(extrinsic, {
    crypto: ctx.crypto, versions: services.version, genesisHash, number: ctx.block.number, blockHash: (number) => knownBlockHash(ctx, number),
  })
  if (check === undefined) return refused(invalid('AncientBirthBlock'))
  if (!ctx.verify(check)) return refused(invalid('BadProof'))
  return { kind: 'signed', transaction: { signer: address.value, extra, call, info, length: bytes.length } }
}

/** Judges a checked transaction for the pool. */
export const judge = (ctx: Context, extensions: readonly TransactionExtension[], transaction: SignedTransaction): TransactionValidity => {
  let valid = VALID_DEFAULT
  for (const extension of extensions) {
    const verdict = extension.validate?.(ctx, transaction)
    if (verdict === undefined) continue
    if (!verdict.ok) return { ok: false, error: verdict.error }
    valid = combineValid(valid, { ...VALID_DEFAULT, ...verdict.value })
  }
  return { ok: true, value: valid }
}

const emitResult = (ctx: Context, info: CallInfo, outcome: DispatchOutcome): void => {
  const weight = outcome.post.weight === undefined ? info.weight : minWeight(outcome.post.weight, info.weight)
  const spent = dispatchInfo({ ...info, weight, paysFee: info.paysFee && outcome.post.paysFee !== false })
  const system = ctx.scope('System') as { emit(name: string, value: unknown): void }
  if (outcome.ok) system.emit('ExtrinsicSuccess', { dispatchInfo: spent })
  else system.emit('ExtrinsicFailed', { dispatchError: outcome.error, dispatchInfo: spent })
}

/** Runs a signed transaction; a refused one leaves nothing behind. */
export const applySigned = (ctx: Context, extensions: readonly TransactionExtension[], transaction: SignedTransaction): Applied => {
  ctx.storage.begin()
  for (const extension of extensions) {
    const error = extension.prepare?.(ctx, transaction)
    if (error !== undefined) {
      ctx.storage.rollback()
      return refused(error)
    }
  }
  const { call, info, signer } = transaction
  const outcome = ctx.runtime.dispatch(ctx, call, signed(signer))
  for (const extension of extensions) extension.settle?.(ctx, transaction, outcome)
  emitResult(ctx, info, outcome)
  ctx.storage.commit()
  return { kind: 'applied', outcome }
}

/** Runs an inherent: it must succeed. */
export const applyInherent = (ctx: Context, inherent: { readonly call: RuntimeCall; readonly info: CallInfo; readonly length: number }): Applied => {
  ctx.storage.begin()
  if (inherent.info.class !== 'Mandatory' || !takeBlockSpace(ctx, inherent.info, inherent.length)) {
    ctx.storage.rollback()
    return refused(inherent.info.class === 'Mandatory' ? invalid('ExhaustsResources') : { kind: 'Unknown', value: { kind: 'NoUnsignedValidator' } })
  }
  const outcome = ctx.runtime.dispatch(ctx, inherent.call, NONE)
  if (!outcome.ok) {
    ctx.storage.rollback()
    return refused(invalid('BadMandatory'))
  }
  emitResult(ctx, inherent.info, outcome)
  ctx.storage.commit()
  return { kind: 'applied', outcome }
}
