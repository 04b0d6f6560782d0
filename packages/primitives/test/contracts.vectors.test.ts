/** Accounts of Ethereum keys as the reference's clients publish them. */
import { expect, test } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { accountOfKey, evmAddressOf } from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'

interface Published {
  readonly evmAddressMapping: readonly { readonly publicKeyCompressed: string; readonly accountId: string; readonly evmAddress: string }[]
}

describeVectors('published accounts of Ethereum keys', () => {
  test('come out equal', async () => {
    const crypto = await loadCrypto()
    const { evmAddressMapping } = readVectorJson<Published>('4-crypto/phala-sdk.json')
    for (const { publicKeyCompressed, accountId, evmAddress } of evmAddressMapping) {
      const key = parseHex(publicKeyCompressed)
      expect(toHexPlain(accountOfKey(crypto, 'evm', key) as Uint8Array)).toBe(accountId)
      expect(`0x${toHexPlain(evmAddressOf(crypto, key) as Uint8Array)}`).toBe(evmAddress)
    }
    expect(evmAddressMapping.length).toBeGreaterThan(0)
  })
})
