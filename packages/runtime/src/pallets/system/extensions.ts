/** Owns the transaction extensions that belong to System: identity of chain and version, mortality, nonce, block space. */
import { compactU32, u32 } from '@phalanx/primitives/codec'
import { Era, eraDeath, Hash } from '@phalanx/primitives/chain'
import { NO_OPINION, type TransactionExtension } from '../../frame/extension.ts'
import { invalid } from '../../frame/validity.ts'
import { minWeight } from '../../frame/weight.ts'
import { account } from './storage.ts'
import { fitsAnyBlock, refundWeight, takeBlockSpace } from './weights.ts'

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** Tag that a transaction of an account with a nonce provides. */
const nonceTag = (signer: Uint8Array, nonce: number): Uint8Array => {
  const tag = new Uint8Array(36)
  tag.set(signer)
  tag.set(u32.encode(nonce), 32)
  return tag
}

const checkNonZeroSender: TransactionExtension = {
  name: 'CheckNonZeroSender',
  validate: (_ctx, { signer }) => (isZero(signer) ? { ok: false, error: invalid('BadSigner') } : NO_OPINION),
  prepare: (_ctx, { signer }) => (isZero(signer) ? invalid('BadSigner') : undefined),
}

// What these three add was compared when the signature was checked: the payload was rebuilt with this chain's values.
const checkSpecVersion: TransactionExtension = { name: 'CheckSpecVersion', additional: u32 }
const checkTxVersion: TransactionExtension = { name: 'CheckTxVersion', additional: u32 }
const checkGenesis: TransactionExtension = { name: 'CheckGenesis', additional: Hash }

const checkMortality: TransactionExtension = {
  name: 'CheckMortality',
  extra: Era,
  additional: Hash,
  validate(ctx, { extra }) {
    const death = eraDeath(extra.era, ctx.block.number)
    return death === undefined ? NO_OPINION : { ok: true, value: { longevity: BigInt(Math.max(0, death - ctx.block.number)) } }
  },
}

const checkNonce: TransactionExtension = {
  name: 'CheckNonce',
  extra: compactU32,
  validate(ctx, { signer, extra }) {
    const { nonce, providers, sufficients } = account.get(ctx, signer)
    if (providers + sufficients === 0) return { ok: false, error: invalid('Payment') }
    if (extra.nonce < nonce) return { ok: false, error: invalid('Stale') }
    return {
      ok: true,
      value: { provides: [nonceTag(signer, extra.nonce)], requires: extra.nonce > nonce ? [nonceTag(signer, extra.nonce - 1)] : [] },
    }
  },
  prepare(ctx, { signer, extra }) {
    const info = account.get(ctx, signer)
    // An account that does not exist may not come to be by a nonce: nothing would pay for it.
    if (info.providers + info.sufficients === 0) return invalid('Payment')
    if (extra.nonce < info.nonce) return invalid('Stale')
    if (extra.nonce > info.nonce) return invalid('Future')
    account.set(ctx, signer, { ...info, nonce: info.nonce + 1 })
    return undefined
  },
}

const checkWeight: TransactionExtension = {
  name: 'CheckWeight',
  validate: (_ctx, { info, length }) => (fitsAnyBlock(info, length) ? NO_OPINION : { ok: false, error: invalid('ExhaustsResources') }),
  prepare(ctx, { info, length }) {
    return fitsAnyBlock(info, length) && takeBlockSpace(ctx, info, length) ? undefined : invalid('ExhaustsResources')
  },
  settle(ctx, { info }, { post }) {
    if (post.weight === undefined) return
    const spent = minWeight(post.weight, info.weight)
    refundWeight(ctx, { refTime: info.weight.refTime - spent.refTime, proofSize: info.weight.proofSize - spent.proofSize }, info.class)
  },
}

/** In the reference chain's order. */
export const systemExtensions: readonly TransactionExtension[] = [
  checkNonZeroSender, checkSpecVersion, checkTxVersion, checkGenesis, checkMortality, checkNonce, checkWeight,
]
