import { describe, expect, test } from 'vitest'
import { concatBytes } from '../bytes.ts'
import { loadCrypto } from '../crypto/node/index.ts'
import { AdditionalSigned, decodeExtrinsic, encodeExtrinsic, SignedExtra, signingPayload } from './extrinsic.ts'

const crypto = await loadCrypto()
const extra: SignedExtra = { era: { kind: 'Immortal' }, nonce: 3, tip: 0n }
const signed = {
  address: { kind: 'Id', value: new Uint8Array(32).fill(7) },
  signature: { kind: 'Sr25519', value: new Uint8Array(64).fill(9) },
  extra,
} as const
const additional: AdditionalSigned = { specVersion: 1, transactionVersion: 2, genesisHash: new Uint8Array(32), eraHash: new Uint8Array(32) }

describe('extrinsic', () => {
  test('bare and signed extrinsics survive a round trip with their original extra bytes', () => {
    const bare = encodeExtrinsic({ call: Uint8Array.of(4, 0, 1) })
    expect(decodeExtrinsic(bare)).toEqual({ call: Uint8Array.of(4, 0, 1) })
    const bytes = encodeExtrinsic({ signed, call: Uint8Array.of(7, 0) })
    expect(decodeExtrinsic(bytes)).toEqual({ signed: { ...signed, extraBytes: SignedExtra.encode(extra) }, call: Uint8Array.of(7, 0) })
  })

  test('every truncation and every added byte is refused with a code', () => {
    const bytes = encodeExtrinsic({ signed, call: Uint8Array.of(7, 0) })
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeExtrinsic(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'CODEC_UNEXPECTED_END' }))
    expect(() => decodeExtrinsic(concatBytes(bytes, Uint8Array.of(0)))).toThrow(expect.objectContaining({ code: 'CODEC_TRAILING_BYTES' }))
  })

  test('a payload over 256 bytes is hashed, one of 256 is not', () => {
    const extraBytes = SignedExtra.encode(extra)
    const room = 256 - extraBytes.length - AdditionalSigned.encode(additional).length
    expect(signingPayload(crypto, { call: new Uint8Array(room), extraBytes, additional })).toHaveLength(256)
    expect(signingPayload(crypto, { call: new Uint8Array(room + 1), extraBytes, additional })).toHaveLength(32)
  })
})
