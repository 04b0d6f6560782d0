/** Owns what other pallets do with preimages: bind a call (inline or by hash), read it back, give it up. */
import type { Context, RuntimeCall } from '../../frame/context.ts'
import { isAppError } from '@phalanx/primitives/errors'
import { balancesParts } from '../balances/declaration.ts'
import { unreserve } from '../balances/currency.ts'
import { preimageFor, statusFor, type BoundedCall, type RequestStatus } from './storage.ts'

/** Longest call that is kept where it is used. */
const INLINE_BYTES_MAX = 128

type Requested = Extract<RequestStatus, { readonly kind: 'Requested' }>['value']
const requested = (value: Requested): RequestStatus => ({ kind: 'Requested', value })

/** Counts one more need of a preimage, noted or not. */
export const requestPreimage = (ctx: Context, hash: Uint8Array): void => {
  const status = statusFor.get(ctx, hash)
  if (status === undefined) statusFor.set(ctx, hash, requested({ deposit: undefined, count: 1, len: undefined }))
  else if (status.kind === 'Unrequested') statusFor.set(ctx, hash, requested({ ...status.value, count: 1 }))
  else statusFor.set(ctx, hash, requested({ ...status.value, count: status.value.count + 1 }))
}

/** Counts one need less; says whether there was one. Bytes that nobody needs and nobody paid for go. */
export const unrequestPreimage = (ctx: Context, hash: Uint8Array): boolean => {
  const status = statusFor.get(ctx, hash)
  if (status?.kind !== 'Requested') return false
  const { deposit, count, len } = status.value
  if (count > 1) statusFor.set(ctx, hash, requested({ deposit, count: count - 1, len }))
  else if (deposit !== undefined && len !== undefined) statusFor.set(ctx, hash, { kind: 'Unrequested', value: { deposit, len } })
  else {
    if (len !== undefined) preimageFor.remove(ctx, [hash, len])
    statusFor.remove(ctx, hash)
  }
  return true
}

/** Keeps bytes because the chain needs them; whoever paid a deposit for the same bytes gets it back. */
const noteForChain = (ctx: Context, bytes: Uint8Array): BoundedCall => {
  const hash = ctx.crypto.blake2b256(bytes)
  requestPreimage(ctx, hash)
  const status = statusFor.get(ctx, hash)
  if (status?.kind === 'Requested' && status.value.len === undefined) {
    preimageFor.set(ctx, [hash, bytes.length], bytes)
    statusFor.set(ctx, hash, requested({ ...status.value, len: bytes.length }))
  }
  return { kind: 'Lookup', value: { hash, len: bytes.length } }
}

/** Binds a call to be made later. */
export const boundCall = (ctx: Context, call: RuntimeCall): BoundedCall => {
  const bytes = ctx.runtime.RuntimeCall.encode(call)
  return bytes.length <= INLINE_BYTES_MAX ? { kind: 'Inline', value: bytes } : noteForChain(ctx, bytes)
}

/** Hash by which a bound call is known. */
export const boundHash = (ctx: Context, bound: BoundedCall): Uint8Array => (bound.kind === 'Inline' ? ctx.crypto.blake2b256(bound.value) : bound.value.hash)

const bytesOf = (ctx: Context, bound: BoundedCall): Uint8Array | undefined => {
  if (bound.kind === 'Inline') return bound.value
  const status = statusFor.get(ctx, bound.value.hash)
  const length = bound.kind === 'Lookup' ? bound.value.len : status?.value.len
  return length === undefined ? undefined : preimageFor.get(ctx, [bound.value.hash, length])
}

/** The call that is bound; undefined while its preimage is missing or is no call of this runtime. */
export const peekCall = (ctx: Context, bound: BoundedCall): RuntimeCall | undefined => {
  const bytes = bytesOf(ctx, bound)
  if (bytes === undefined) return undefined
  try {
    return ctx.runtime.RuntimeCall.decode(bytes)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** Asks to keep the preimage of a call that someone else bound. */
export const requestCall = (ctx: Context, bound: BoundedCall): void => {
  if (bound.kind !== 'Inline') requestPreimage(ctx, bound.value.hash)
}

/** Gives a bound call up. */
export const dropCall = (ctx: Context, bound: BoundedCall): void => {
  if (bound.kind !== 'Inline') unrequestPreimage(ctx, bound.value.hash)
}

/** Gives a deposit back. */
export const returnDeposit = (ctx: Context, [who, amount]: readonly [Uint8Array, bigint]): void => {
  unreserve(balancesParts.in(ctx), who, amount)
}
