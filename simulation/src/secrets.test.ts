import { toHexPlain } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { createSecretHunt } from './secrets.ts'

const crypto = await loadCrypto()

describe('createSecretHunt', () => {
  const secretOf = (hunt: ReturnType<typeof createSecretHunt>): Uint8Array => hunt.crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(7)).secret.subarray(0, 32)

  test('finds a secret at every offset, as bytes and in hex', () => {
    for (let before = 0; before < 70; before++) {
      const raw = createSecretHunt(crypto)
      raw.watch(Uint8Array.from([...new Uint8Array(before).fill(1), ...secretOf(raw), 2, 3]))
      expect(raw.found(), `raw at ${before}`).toBeDefined()
      const hex = createSecretHunt(crypto)
      hex.watch(`${'x'.repeat(before)}${toHexPlain(secretOf(hex))}`)
      expect(hex.found(), `hex at ${before}`).toBeDefined()
    }
  })

  test('is silent about part of a secret and about other bytes', () => {
    const hunt = createSecretHunt(crypto)
    hunt.watch(secretOf(hunt).subarray(0, 31))
    hunt.watch(toHexPlain(secretOf(hunt).subarray(1)))
    hunt.watch('')
    hunt.watch(new Uint8Array(100))
    expect(hunt.found()).toBeUndefined()
  })
})
