/** Owns Preimage: bytes kept on chain under their hash, against a deposit or because the chain asked for them. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { Hash } from '@phalanx/primitives/chain'
import { bytesUpTo } from '@phalanx/primitives/codec'
import { ensureRoot, ensureSigned, type Origin } from '../../frame/origin.ts'
import { declarePallet, type ContextOf } from '../../frame/pallet.ts'
import { weigh } from '../../frame/weight.ts'
import { reserve } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { requestPreimage, returnDeposit, unrequestPreimage } from './preimages.ts'
import * as storage from './storage.ts'

const CENT = 10_000_000_000n
const BASE_DEPOSIT = 100n * CENT
const BYTE_DEPOSIT = CENT / 100n
const { PREIMAGE_BYTES_MAX, preimageFor, statusFor } = storage

const parts = declarePallet({
  name: 'Preimage',
  crate: 'pallet_preimage',
  doc: 'Bytes that calls refer to by hash.',
  storage,
  events: {
    Noted: { index: 0, doc: 'A preimage is kept.', fields: { hash: Hash } },
    Requested: { index: 1, doc: 'The chain needs a preimage.', fields: { hash: Hash } },
    Cleared: { index: 2, doc: 'A preimage is kept no longer.', fields: { hash: Hash } },
  },
  errors: {
    TooBig: { index: 0, doc: 'The preimage is too long.' },
    AlreadyNoted: { index: 1, doc: 'The preimage is kept already.' },
    NotAuthorized: { index: 2, doc: 'Only who noted the preimage may do this.' },
    NotNoted: { index: 3, doc: 'The preimage is not kept.' },
    Requested: { index: 4, doc: 'The chain needs the preimage.' },
    NotRequested: { index: 5, doc: 'Nobody asked for the preimage.' },
  },
})
type PreimageContext = ContextOf<typeof parts>

const depositOf = (length: number): bigint => BASE_DEPOSIT + BYTE_DEPOSIT * BigInt(length)

/** Keeps bytes; returns whether the chain had asked for them, which makes noting them free. */
const note = (ctx: PreimageContext, bytes: Uint8Array, depositor: Uint8Array | undefined): boolean => {
  if (bytes.length > PREIMAGE_BYTES_MAX) ctx.fail('TooBig')
  const hash = ctx.crypto.blake2b256(bytes)
  const status = statusFor.get(ctx, hash)
  const len = bytes.length
  const isRequested = status?.kind === 'Requested'
  if (isRequested) {
    if (status.value.len !== undefined) ctx.fail('AlreadyNoted')
    statusFor.set(ctx, hash, { kind: 'Requested', value: { ...status.value, len } })
  } else if (status !== undefined) {
    if (depositor !== undefined) ctx.fail('AlreadyNoted')
    requestPreimage(ctx, hash)
    return true
  } else if (depositor === undefined) statusFor.set(ctx, hash, { kind: 'Requested', value: { deposit: undefined, count: 1, len } })
  else {
    const amount = depositOf(len)
    reserve(balancesParts.in(ctx), depositor, amount)
    statusFor.set(ctx, hash, { kind: 'Unrequested', value: { deposit: [depositor, amount], len } })
  }
  preimageFor.set(ctx, [hash, len], bytes)
  ctx.emit('Noted', { hash })
  return isRequested
}

const unnote = (ctx: PreimageContext, hash: Uint8Array, who: Uint8Array | undefined): void => {
  const status = statusFor.get(ctx, hash) ?? ctx.fail('NotNoted')
  const { deposit } = status.value
  if (who !== undefined && (deposit === undefined || !bytesEqual(deposit[0], who))) ctx.fail('NotAuthorized')
  if (status.kind === 'Requested') {
    if (deposit === undefined) return unrequest(ctx, hash)
    returnDeposit(ctx, deposit)
    statusFor.set(ctx, hash, { kind: 'Requested', value: { ...status.value, deposit: undefined } })
    return
  }
  returnDeposit(ctx, status.value.deposit)
  preimageFor.remove(ctx, [hash, status.value.len])
  statusFor.remove(ctx, hash)
  ctx.emit('Cleared', { hash })
}

const unrequest = (ctx: PreimageContext, hash: Uint8Array): void => {
  if (!unrequestPreimage(ctx, hash)) ctx.fail('NotRequested')
  if (!statusFor.has(ctx, hash)) ctx.emit('Cleared', { hash })
}

/** Undefined for root, who pays no deposit. */
const depositorOf = (origin: Origin): Uint8Array | undefined => (origin.kind === 'Root' ? undefined : ensureSigned(origin))

/** Preimage, index 33. */
export const preimage = parts.withCalls({
  notePreimage: {
    index: 0, doc: 'Keep bytes under their hash, against a deposit; free when the chain asked for them.', args: { bytes: bytesUpTo(PREIMAGE_BYTES_MAX + 1) },
    weight: ({ bytes }) => weigh({ reads: 2, writes: 3, micros: 10 + Math.ceil(bytes.length / 512) }),
    dispatch: (ctx, origin, { bytes }) => ({ paysFee: !note(ctx, bytes, depositorOf(origin)) }),
  },
  unnotePreimage: {
    index: 1, doc: 'Take bytes back and their deposit with them; what the chain needs stays.', args: { hash: Hash }, weight: weigh({ reads: 2, writes: 3 }),
    dispatch: (ctx, origin, { hash }) => unnote(ctx, hash, depositorOf(origin)),
  },
  requestPreimage: {
    index: 2, doc: 'Ask for a preimage. Root only.', args: { hash: Hash }, weight: weigh({ reads: 1, writes: 1 }),
    dispatch(ctx, origin, { hash }) {
      ensureRoot(origin)
      requestPreimage(ctx, hash)
      ctx.emit('Requested', { hash })
    },
  },
  unrequestPreimage: {
    index: 3, doc: 'Ask for a preimage no longer. Root only.', args: { hash: Hash }, weight: weigh({ reads: 2, writes: 2 }),
    dispatch(ctx, origin, { hash }) {
      ensureRoot(origin)
      unrequest(ctx, hash)
    },
  },
})
