import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, parseHex, toHexPlain, utf8 } from '../bytes.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { loadCrypto } from '../crypto/node/index.ts'
import { codeOf } from '../testing.ts'
import { accountOfKey, evmAddressOf } from './accounts.ts'
import { certificateSigningPayload, IssuedCertificates, SignerChain, verifySignerChain, type CertificateBody } from './certificate.ts'
import { typedDataHash, typedDataSalt, type SignedSubject } from './eip712.ts'
import { SignatureType, verifyTypedSignature, wrapBytes, type SignatureTypeName } from './signature.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const GOLDEN_KEY = parseHex('029df1e69b8b7c2da2efe0069dc141c2cec0317bf3fd135abaeb69ee33801f5970')
const GOLDEN_CERTIFICATE = '885074f9b49de7bb73d23a801a69fb160f7cfef50cbf710c7aaff70c5581d7ab63bb7a80e4d8b3983498a9ffb10130fdcb98d5d5c49b7f84e3f99f194c26dcdf1b'
const GOLDEN_QUERY = 'b0ba4176ef624a71837c1a63e9c502c02314414883413913c126e05bfb3fda60474e0758b49c91647cd735c11d2a9575647509bdd2aef4eb5c5eba0019463a681c'
const SEED = new Uint8Array(32).fill(7)
const NONCE = new Uint8Array(32)
const QUERY: SignedSubject = { kind: 'query' }
const TYPES: readonly SignatureTypeName[] = ['Ed25519', 'Sr25519', 'Ecdsa', 'Ed25519WrapBytes', 'Sr25519WrapBytes', 'EcdsaWrapBytes', 'Eip712', 'EvmEcdsa', 'EvmEcdsaWrapBytes']

const publicKeyOf = (type: SignatureTypeName): Uint8Array =>
  type.startsWith('Ed25519') ? crypto.ed25519.publicKey(SEED) : type.startsWith('Sr25519') ? crypto.sr25519.pairFromSeed(SEED).publicKey : crypto.secp256k1.publicKey(SEED)

const sign = (type: SignatureTypeName, message: Uint8Array, subject: SignedSubject): Uint8Array => {
  const shown = type.endsWith('WrapBytes') ? wrapBytes(message) : message
  if (type.startsWith('Ed25519')) return crypto.ed25519.sign(SEED, shown)
  if (type.startsWith('Sr25519')) return crypto.sr25519.sign(crypto.sr25519.pairFromSeed(SEED).secret, shown, NONCE)
  return crypto.secp256k1.sign(SEED, type === 'Eip712' ? typedDataHash(crypto, subject, message) : crypto.blake2b256(shown))
}

describe('typed data', () => {
  test('has the salt of the reference', () => {
    expect(toHexPlain(typedDataSalt(crypto))).toBe('0ea813d1592526d672ea2576d7a07914cef2ca301b35c5eed941f7c897512a00')
  })
  test.each([
    ['certificate', GOLDEN_CERTIFICATE, { kind: 'certificate', ttl: 42 }],
    ['query', GOLDEN_QUERY, { kind: 'query' }],
  ] as const)('the published signature of a %s verifies, and no other subject or message does', (_name, signature, subject) => {
    const check = (change: { subject?: SignedSubject; message?: Uint8Array }): boolean =>
      verifyTypedSignature(crypto, { type: 'Eip712', signature: parseHex(signature), publicKey: GOLDEN_KEY, message: utf8('Hello'), subject, ...change })
    expect(check({})).toBe(true)
    expect(check({ message: utf8('hello') })).toBe(false)
    expect(check({ subject: { kind: 'certificate', ttl: 43 } })).toBe(false)
    expect(check({ subject: subject.kind === 'query' ? { kind: 'certificate', ttl: 42 } : QUERY })).toBe(false)
  })
})

describe('accounts of keys', () => {
  test('the published address of a key', () => {
    expect(toHexPlain(accountOfKey(crypto, 'evm', GOLDEN_KEY) as Uint8Array)).toBe(`77bb3d64ea13e4f0beafdd5d92508d4643bb09cb${toHexPlain(utf8('@evm_address'))}`)
  })
  test('an ECDSA key stands for its hash, other keys for themselves', () => {
    expect(accountOfKey(crypto, 'hashed', GOLDEN_KEY)).toEqual(crypto.blake2b256(GOLDEN_KEY))
    expect(accountOfKey(crypto, 'key', SEED)).toEqual(SEED)
  })
  test.each([
    ['a short key', new Uint8Array(32)], ['an uncompressed sign', concatBytes(Uint8Array.of(4), new Uint8Array(32))],
    ['a coordinate beyond the field', concatBytes(Uint8Array.of(2), new Uint8Array(32).fill(255))], ['no point of the curve', concatBytes(Uint8Array.of(2), new Uint8Array(31), Uint8Array.of(5))],
  ])('%s has no address', (_name, key) => {
    expect(evmAddressOf(crypto, key)).toBeUndefined()
  })
})

describe('the nine kinds of signature', () => {
  const message = utf8('a message')

  test('have the numbers of the reference', () => {
    expect(TYPES.map((kind) => SignatureType.encode({ kind })[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })
  test.each(TYPES)('%s: its own signature verifies, a changed byte, message or length does not', (type) => {
    const signature = sign(type, message, QUERY)
    const check = (change: { signature?: Uint8Array; message?: Uint8Array; publicKey?: Uint8Array; type?: SignatureTypeName }): boolean =>
      verifyTypedSignature(crypto, { type, signature, publicKey: publicKeyOf(type), message, subject: QUERY, ...change })
    expect(check({})).toBe(true)
    expect(check({ message: utf8('another') })).toBe(false)
    expect(check({ signature: signature.slice(1) })).toBe(false)
    expect(check({ publicKey: publicKeyOf(type).slice(1) })).toBe(false)
    for (const at of [0, 20, 40]) {
      const changed = signature.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(check({ signature: changed })).toBe(false)
    }
    const sameScheme = (other: SignatureTypeName): boolean => other.replace('Evm', '') === type.replace('Evm', '')
    for (const other of TYPES) if (!sameScheme(other)) expect(check({ type: other })).toBe(false)
  })
  test('a signature of another length is no ECDSA signature', () => {
    const publicKey = publicKeyOf('Ecdsa')
    expect(verifyTypedSignature(crypto, { type: 'Ecdsa', signature: new Uint8Array(64), publicKey, message, subject: QUERY })).toBe(false)
  })
})

describe('certificates', () => {
  const message = utf8('a query')
  const leafSeed = new Uint8Array(32).fill(9)
  const leafPair = (): ReturnType<Crypto['sr25519']['pairFromSeed']> => crypto.sr25519.pairFromSeed(leafSeed)

  const chainFor = (type: SignatureTypeName, ttls: { leaf: number; root: number } = { leaf: 100, root: 100 }): SignerChain => {
    const leaf: CertificateBody = { pubkey: leafPair().publicKey, ttl: ttls.leaf, configBits: 0 }
    const signature = sign(type, certificateSigningPayload(leaf), { kind: 'certificate', ttl: leaf.ttl })
    return {
      leaf,
      signature: { type: { kind: 'Sr25519' }, signature: crypto.sr25519.sign(leafPair().secret, message, NONCE) },
      issuer: { signature: { type: { kind: type }, signature }, root: { pubkey: publicKeyOf(type), ttl: ttls.root, configBits: 0 } },
    }
  }
  const verify = (chain: SignerChain, blockNumber = 50): Uint8Array => verifySignerChain(crypto, SignerChain.decode(SignerChain.encode(chain)), { message, blockNumber })

  test.each(TYPES)('an account that signs by %s lets a key sign for it', (type) => {
    const mapping = type.startsWith('E') && type !== 'Ed25519' && type !== 'Ed25519WrapBytes' ? (type === 'Ecdsa' || type === 'EcdsaWrapBytes' ? 'hashed' : 'evm') : 'key'
    expect(verify(chainFor(type))).toEqual(accountOfKey(crypto, mapping, publicKeyOf(type)))
  })
  test('a leaf without an issuer speaks for itself', () => {
    expect(verify({ ...chainFor('Sr25519'), issuer: undefined })).toEqual(leafPair().publicKey)
  })
  test('lasts up to its block and no longer, root and leaf alike', () => {
    expect(codeOf(() => verify(chainFor('Sr25519'), 100))).toBe('none')
    expect(codeOf(() => verify(chainFor('Sr25519'), 101))).toBe('CERTIFICATE_EXPIRED')
    expect(codeOf(() => verify(chainFor('Sr25519', { leaf: 200, root: 100 }), 101))).toBe('CERTIFICATE_EXPIRED')
    expect(codeOf(() => verify(chainFor('Sr25519', { leaf: 100, root: 200 }), 101))).toBe('CERTIFICATE_EXPIRED')
  })
  test('a longer life than was signed for is refused', () => {
    const chain = chainFor('Sr25519')
    expect(codeOf(() => verify({ ...chain, leaf: { ...chain.leaf, ttl: 1000 } }))).toBe('CERTIFICATE_SIGNATURE_INVALID')
  })
  test('a root that did not sign is refused', () => {
    const chain = chainFor('Sr25519')
    const issuer = chain.issuer as NonNullable<SignerChain['issuer']>
    const stranger = crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(3)).publicKey
    expect(codeOf(() => verify({ ...chain, issuer: { ...issuer, root: { ...issuer.root, pubkey: stranger } } }))).toBe('CERTIFICATE_SIGNATURE_INVALID')
  })
  test('another message is refused', () => {
    expect(codeOf(() => verifySignerChain(crypto, chainFor('Sr25519'), { message: utf8('another'), blockNumber: 1 }))).toBe('CERTIFICATE_SIGNATURE_INVALID')
  })

  describe('that are remembered', () => {
    const withCount = (): { readonly counting: Crypto; readonly verified: () => number } => {
      let count = 0
      const sr25519 = { ...crypto.sr25519, verify: (...args: Parameters<Crypto['sr25519']['verify']>) => (count++, crypto.sr25519.verify(...args)) }
      return { counting: { ...crypto, sr25519 }, verified: () => count }
    }
    const refusal = (chain: SignerChain, issued: IssuedCertificates, options: { readonly message?: Uint8Array; readonly blockNumber?: number } = {}): string =>
      codeOf(() => verifySignerChain(crypto, chain, { message, blockNumber: 50, ...options, issued }))

    test('are verified once, the message each time', () => {
      const { counting, verified } = withCount()
      const issued = new IssuedCertificates()
      const accounts = [1, 2, 3].map(() => verifySignerChain(counting, chainFor('Sr25519'), { message, blockNumber: 50, issued }))
      expect(accounts).toEqual(new Array(3).fill(publicKeyOf('Sr25519')))
      expect(verified()).toBe(4)
      expect(refusal(chainFor('Sr25519'), issued, { message: utf8('another') })).toBe('CERTIFICATE_SIGNATURE_INVALID')
    })
    test('end when they say', () => {
      const issued = new IssuedCertificates()
      expect(refusal(chainFor('Sr25519'), issued)).toBe('none')
      expect(refusal(chainFor('Sr25519'), issued, { blockNumber: 101 })).toBe('CERTIFICATE_EXPIRED')
    })
    test('let nothing else pass: another leaf, root, signature or kind of it', () => {
      const issued = new IssuedCertificates()
      const chain = chainFor('Sr25519')
      const issuer = chain.issuer as NonNullable<SignerChain['issuer']>
      expect(refusal(chain, issued)).toBe('none')
      const changed: readonly SignerChain[] = [
        { ...chain, leaf: { ...chain.leaf, ttl: 101 } },
        { ...chain, issuer: { ...issuer, root: { ...issuer.root, pubkey: leafPair().publicKey } } },
        { ...chain, issuer: { ...issuer, signature: { ...issuer.signature, signature: issuer.signature.signature.with(0, (issuer.signature.signature[0] as number) ^ 1) } } },
        { ...chain, issuer: { ...issuer, signature: { ...issuer.signature, type: { kind: 'Sr25519WrapBytes' } } } },
      ]
      for (const each of changed) expect([refusal(each, issued), refusal(each, issued)]).toEqual(['CERTIFICATE_SIGNATURE_INVALID', 'CERTIFICATE_SIGNATURE_INVALID'])
      expect(issued.size).toBe(1)
    })
    test('are refused for a signature that is too long, as without memory', () => {
      const chain = chainFor('Sr25519')
      const issuer = chain.issuer as NonNullable<SignerChain['issuer']>
      const long = { ...chain, issuer: { ...issuer, signature: { ...issuer.signature, signature: new Uint8Array(66) } } }
      expect(refusal(long, new IssuedCertificates())).toBe('CERTIFICATE_SIGNATURE_INVALID')
    })
    test('are as many as there is room for', () => {
      const issued = new IssuedCertificates(2)
      for (const leaf of [100, 101, 102]) expect(refusal(chainFor('Sr25519', { leaf, root: 100 }), issued)).toBe('none')
      expect(issued.size).toBe(2)
    })
  })
})
