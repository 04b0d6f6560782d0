/** Owns the packed form in which checks travel to a thread: one buffer, moved and not copied. */
import type { SignatureCheck } from '@phalanx/runtime/frame'

const KINDS = ['sr25519', 'ed25519', 'ecdsa'] as const
const HEADER_BYTES = 13

/** Packs checks: kind, three lengths (u32), then the bytes, each. */
export const packChecks = (checks: readonly SignatureCheck[]): Uint8Array => {
  let length = 0
  for (const check of checks) length += HEADER_BYTES + check.signature.length + check.message.length + check.publicKey.length
  const out = new Uint8Array(length)
  const view = new DataView(out.buffer)
  let at = 0
  for (const { kind, signature, message, publicKey } of checks) {
    out[at] = KINDS.indexOf(kind)
    view.setUint32(at + 1, signature.length)
    view.setUint32(at + 5, message.length)
    view.setUint32(at + 9, publicKey.length)
    at += HEADER_BYTES
    for (const part of [signature, message, publicKey]) {
      out.set(part, at)
      at += part.length
    }
  }
  return out
}

/** Inverse of `packChecks`. The parts are views of the batch. */
export function* unpackChecks(batch: Uint8Array): Generator<SignatureCheck> {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  for (let at = 0; at < batch.length; ) {
    const kind = KINDS[batch[at] as number] ?? 'sr25519'
    const lengths = [view.getUint32(at + 1), view.getUint32(at + 5), view.getUint32(at + 9)] as const
    at += HEADER_BYTES
    const signature = batch.subarray(at, (at += lengths[0]))
    const message = batch.subarray(at, (at += lengths[1]))
    const publicKey = batch.subarray(at, (at += lengths[2]))
    yield { kind, signature, message, publicKey }
  }
}
