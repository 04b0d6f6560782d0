import { beforeAll, describe, expect, test } from 'vitest'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { createEntropy } from './entropy.ts'
import { createKey, eraseKey, identityToSealed, openIdentity } from './keys.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

describe('keys', () => {
  test('are independent of each other and determined by the entropy alone', () => {
    const make = (fill: number): readonly Uint8Array[] => {
      const entropy = createEntropy(crypto, new Uint8Array(32).fill(fill))
      return [createKey(crypto, entropy, 'identity').publicKey, createKey(crypto, entropy, 'ecdh').publicKey, createKey(crypto, entropy, 'ecdh').publicKey]
    }
    expect(make(1)).toEqual(make(1))
    const all = [...make(1), ...make(2)].map(String)
    expect(new Set(all).size).toBe(all.length)
  })

  test('come back from their sealed form', () => {
    const identity = createKey(crypto, createEntropy(crypto, new Uint8Array(32)), 'identity')
    const genesisHash = new Uint8Array(32).fill(9)
    const opened = openIdentity(crypto, identityToSealed(identity, genesisHash))
    expect(opened.genesisHash).toEqual(genesisHash)
    expect(bytesEqual(opened.identity.secret.reveal(), identity.secret.reveal())).toBe(true)
  })

  test('are refused when their halves do not belong together', () => {
    const entropy = createEntropy(crypto, new Uint8Array(32))
    const [one, two] = [createKey(crypto, entropy, 'identity'), createKey(crypto, entropy, 'identity')]
    const mixed = identityToSealed({ publicKey: one.publicKey, secret: two.secret }, new Uint8Array(32))
    expect(() => openIdentity(crypto, mixed)).toThrow(expect.toSatisfy((error: unknown) => isAppError(error, 'SEAL_MALFORMED')))
    expect(() => openIdentity(crypto, mixed.slice(1))).toThrow(expect.toSatisfy((error: unknown) => isAppError(error, 'SEAL_MALFORMED')))
  })

  test('are gone once erased', () => {
    const key = createKey(crypto, createEntropy(crypto, new Uint8Array(32)), 'ecdh')
    eraseKey(key)
    expect(key.secret.reveal()).toEqual(new Uint8Array(64))
  })
})
