import { Keyring } from '@polkadot/keyring'
import { cryptoWaitReady } from '@polkadot/util-crypto'
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { decodeExtrinsic, SignedExtra, signingPayload } from '@phalanx/primitives/chain'
import { wrapBytes } from '@phalanx/primitives/contracts'
import { Secret } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { describe, expect, test } from 'vitest'
import { accountOf, type Account, type InjectedSigner } from './account.ts'
import { createSigner } from './signer.ts'
import { constantRandom } from './testing.ts'
import type { SigningContext } from './tx.ts'

const crypto = await loadCrypto()
await cryptoWaitReady()
const message = Uint8Array.of(1, 2, 3)
const context: SigningContext = { genesisHash: new Uint8Array(32).fill(1), specVersion: 4, transactionVersion: 2, birth: { number: 100, hash: new Uint8Array(32).fill(9) } }
const parts = { call: Uint8Array.of(5, 6, 7), nonce: 300, tip: 12n, context, metadata: { extensions: ['CheckMortality', 'CheckNonce', 'ChargeTransactionPayment'] } }

const isSigned = (account: Account, signed: { readonly kind: string; readonly value: Uint8Array }, bytes: Uint8Array): boolean => {
  if (signed.kind === 'Sr25519') return crypto.sr25519.verify(signed.value, bytes, account.accountId)
  if (signed.kind === 'Ed25519') return crypto.ed25519.verify(signed.value, bytes, account.accountId)
  const signer = crypto.secp256k1.recover(signed.value, crypto.blake2b256(bytes))
  return signer !== undefined && toHex(crypto.blake2b256(signer)) === toHex(account.accountId)
}

const additional = { specVersion: 4, transactionVersion: 2, genesisHash: context.genesisHash, eraHash: context.birth?.hash ?? new Uint8Array(32) }

/** Whether the account's extrinsic is signed over what the chain checks. */
const isWellSigned = (account: Account, bytes: Uint8Array): boolean => {
  const { signed, call } = decodeExtrinsic(bytes)
  if (signed === undefined) return false
  const payload = signingPayload(crypto, { call, extraBytes: signed.extraBytes, additional })
  return signed.extra.nonce === 300 && signed.extra.tip === 12n && isSigned(account, signed.signature, payload)
}

describe.each(['sr25519', 'ed25519', 'ecdsa'] as const)('an account of type %s', (type) => {
  const pair = new Keyring({ type }).addFromUri('//Alice')
  const own = accountOf(crypto, createSigner({ suri: new Secret('//Alice'), keyType: type }, { crypto, random: constantRandom(3) }))

  test('is one, from a secret URI or a keyring pair, and signs the same things', async () => {
    const account = accountOf(crypto, pair)
    expect([toHex(account.accountId), account.keyType, account.wrapsBytes]).toEqual([toHex(own.accountId), type, false])
    for (const one of [own, account, accountOf(crypto, own)]) {
      expect(isSigned(one, await one.signMessage(message), message)).toBe(true)
      expect(isWellSigned(one, await one.signExtrinsic(parts))).toBe(true)
    }
  })

  test('is one in a wallet, which wraps messages and signs extrinsics from their JSON', async () => {
    const seen: Readonly<Record<string, unknown>>[] = []
    const extra = SignedExtra.encode({ era: { kind: 'Mortal', period: 64, phase: 36 }, nonce: 300, tip: 12n })
    const signer: InjectedSigner = {
      signRaw: ({ data }) => Promise.resolve({ signature: toHex(pair.sign(wrapBytes(parseHex(data)))) }),
      signPayload(payload) {
        seen.push(payload)
        return Promise.resolve({ signature: toHex(pair.sign(signingPayload(crypto, { call: parts.call, extraBytes: extra, additional }), { withType: true })) })
      },
    }
    const account = accountOf(crypto, { address: pair.address, keyType: type, signer })
    expect(isSigned(account, await account.signMessage(message), wrapBytes(message))).toBe(true)
    expect(isWellSigned(account, await account.signExtrinsic(parts))).toBe(true)
    expect(seen[0]).toMatchObject({ address: pair.address, method: '0x050607', nonce: '0x0000012c', blockNumber: '0x00000064', specVersion: '0x00000004', version: 4, era: toHex(extra.subarray(0, 2)) })
  })
})

test('a wallet that refuses, answers nonsense or cannot sign is named', async () => {
  const address = new Keyring({ type: 'sr25519' }).addFromUri('//Bob').address
  const account = (signer: InjectedSigner): Account => accountOf(crypto, { address, signer })
  expect(await codeOfRejection(account({ signRaw: () => Promise.reject(new Error('Cancelled')) }).signMessage(message))).toBe('SDK_SIGNING_REFUSED')
  expect(await codeOfRejection(account({ signRaw: () => Promise.resolve({ signature: '0x0011' }) }).signMessage(message))).toBe('SDK_SIGNING_REFUSED')
  expect(await codeOfRejection(account({ signRaw: () => Promise.resolve({ signature: 'no hex' }) }).signMessage(message))).toBe('SDK_SIGNING_REFUSED')
  expect(await codeOfRejection(account({}).signMessage(message))).toBe('SDK_SIGNING_REFUSED')
  expect(await codeOfRejection(account({}).signExtrinsic(parts))).toBe('SDK_SIGNING_REFUSED')
  expect(() => accountOf(crypto, { address: 'x', publicKey: new Uint8Array(32), type: 'ethereum', sign: () => message })).toThrow(expect.objectContaining({ code: 'SDK_SIGNER_MALFORMED' }))
})
