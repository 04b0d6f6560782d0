/** Owns the code of the system contract: governance replaces it, it counts from the next block on, and workers are told. */
import { TOPICS } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import * as storage from './storage.ts'

const VERSIONS = 2 ** 16

/** Puts a code in force; its version is one more than the last. */
export const writeSystemCode = (ctx: PhatContext, code: Uint8Array): { readonly version: number; readonly hash: Uint8Array } => {
  const version = (storage.pinkSystemCode.get(ctx)[0] + 1) % VERSIONS
  const hash = ctx.crypto.blake2b256(code)
  storage.pinkSystemCode.set(ctx, [version, code])
  storage.pinkSystemCodeHash.set(ctx, hash)
  return { version, hash }
}

/** Puts the code in force that was set in the block before; whether there was one. */
export const applyNextSystemCode = (ctx: PhatContext): boolean => {
  const code = storage.nextPinkSystemCode.take(ctx)
  if (code === undefined) return false
  const { version, hash } = writeSystemCode(ctx, code)
  ctx.emit('PinkSystemCodeChanged', { version, hash })
  pushPalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'SystemCode', value: { version, code } })
  return true
}
