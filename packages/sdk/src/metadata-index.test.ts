import { beforeAll, expect, test } from 'vitest'
import { toHex, utf8, concatBytes } from '@phalanx/primitives/bytes'
import { decodeExtrinsic } from '@phalanx/primitives/chain'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors, readVectorBytes, readVectorJson } from '../../../tools/vectors.ts'
import { createMetadataIndex } from './metadata-index.ts'
import { createSigner, KEY_TYPES } from './signer.ts'
import { checkExtensions, signExtrinsic } from './tx.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

interface Named { readonly name: string; readonly index: number }
interface Summary {
  readonly metadataVersion: number
  readonly types: number
  readonly extrinsic: { readonly signedExtensions: readonly string[] }
  readonly pallets: readonly (Named & { readonly calls?: readonly Named[]; readonly events?: readonly Named[]; readonly errors?: readonly Named[] })[]
}

describeVectors('metadata of real chains', () => {
  test.each(['pjs-v14-polkadot', 'pjs-v15-substrate', 'phala-standalone-2022-05'])('%s yields every call, event and error by its index', (name) => {
    const summary = readVectorJson<Summary>(`5-wire/metadata/${name}.summary.json`)
    const index = createMetadataIndex(readVectorBytes(`5-wire/metadata/${name}.scale`), crypto)
    expect(index.version).toBe(summary.metadataVersion)
    expect(index.types.length).toBe(summary.types)
    expect(index.extensions).toEqual(summary.extrinsic.signedExtensions)
    for (const pallet of summary.pallets) {
      for (const call of pallet.calls ?? []) expect(index.call(pallet.name, call.name)).toMatchObject({ pallet: pallet.index, call: call.index })
      for (const event of pallet.events ?? []) expect(index.event(pallet.name, event.name)).toEqual({ pallet: pallet.index, event: event.index })
      for (const error of pallet.errors ?? []) expect(index.error(pallet.index, error.index)).toMatchObject({ pallet: pallet.name, name: error.name })
    }
    expect(toHex(index.storagePrefix('System', 'Account'))).toBe(toHex(concatBytes(crypto.twox128(utf8('System')), crypto.twox128(utf8('Account')))))
  })

  test('is refused when cut, extended or of another version', () => {
    const bytes = readVectorBytes('5-wire/metadata/phala-standalone-2022-05.scale')
    const codeOf = (input: Uint8Array): string => {
      try {
        createMetadataIndex(input, crypto)
        return 'none'
      } catch (error) {
        return (error as { code?: string }).code ?? 'other'
      }
    }
    for (const cut of [3, 5, 100, bytes.length >> 1, bytes.length - 1]) expect(codeOf(bytes.slice(0, cut))).toMatch(/^(CODEC|SDK_METADATA)_/)
    expect(codeOf(concatBytes(bytes, Uint8Array.of(0)))).toBe('CODEC_TRAILING_BYTES')
    expect(codeOf(concatBytes(Uint8Array.of(0x6d, 0x65, 0x74, 0x61, 13), bytes.slice(5)))).toBe('SDK_METADATA_UNSUPPORTED')
    expect(codeOf(utf8('something'))).toBe('SDK_METADATA_MALFORMED')
  })
})

test('names that the chain does not have are refused by name', () => {
  const empty = Uint8Array.of(0x6d, 0x65, 0x74, 0x61, 14, 0, 0, 0, 4, 0, 0)
  const index = createMetadataIndex(empty, crypto)
  expect(() => index.call('Nothing', 'at_all')).toThrowError(expect.objectContaining({ code: 'SDK_METADATA_NAME_NOT_FOUND' }) as Error)
  expect(index.error(1, 1)).toBeUndefined()
})

test.each(KEY_TYPES)('a %s signer signs what the chain verifies', (keyType) => {
  const random = { bytes: (length: number) => new Uint8Array(length).fill(3) }
  const signer = createSigner({ suri: new Secret('//Alice'), keyType }, { crypto, random })
  const call = new Uint8Array(300).fill(5)
  const context = { genesisHash: new Uint8Array(32).fill(1), specVersion: 1, transactionVersion: 1, birth: { number: 77, hash: new Uint8Array(32).fill(2) } }
  const { signed, call: decodedCall } = decodeExtrinsic(signExtrinsic(crypto, { call, signer, nonce: 70_000, tip: 5n, context }))
  expect(decodedCall).toEqual(call)
  expect(signed?.extra).toEqual({ era: { kind: 'Mortal', period: 64, phase: 13 }, nonce: 70_000, tip: 5n })
  expect(signed?.address).toEqual({ kind: 'Id', value: signer.accountId })
  const le = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer)
  const payload = crypto.blake2b256(concatBytes(call, signed?.extraBytes ?? new Uint8Array(0), le(1), le(1), context.genesisHash, context.birth.hash))
  const { kind, value } = signed?.signature ?? { kind: 'none', value: new Uint8Array(0) }
  if (kind === 'Sr25519') expect(crypto.sr25519.verify(value, payload, signer.publicKey)).toBe(true)
  else if (kind === 'Ed25519') expect(crypto.ed25519.verify(value, payload, signer.publicKey)).toBe(true)
  else expect(crypto.secp256k1.recover(value, crypto.blake2b256(payload))).toEqual(signer.publicKey)
})

test('extensions that this client cannot fill are refused', () => {
  const known = ['CheckNonZeroSender', 'CheckSpecVersion', 'CheckTxVersion', 'CheckGenesis', 'CheckMortality', 'CheckNonce', 'CheckWeight', 'CheckMqSequence', 'ChargeTransactionPayment']
  expect(() => checkExtensions(known)).not.toThrow()
  const refused = expect.objectContaining({ code: 'SDK_EXTENSIONS_UNSUPPORTED' }) as Error
  expect(() => checkExtensions([...known, 'CheckMetadataHash'])).toThrowError(refused)
  expect(() => checkExtensions(['ChargeTransactionPayment', 'CheckMortality', 'CheckNonce'])).toThrowError(refused)
})
