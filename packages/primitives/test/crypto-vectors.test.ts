import { keccakP } from '@noble/hashes/sha3.js'
import { expect, test } from 'vitest'

import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { compareBytes, concatBytes, EMPTY, parseHex, toHexPlain, utf8 } from '../src/bytes.ts'
import type { Crypto } from '../src/crypto/crypto.ts'
import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeed } from '../src/crypto/mnemonic.ts'
import { secretFromEd25519Form, secretToEd25519Form } from '../src/crypto/shared/sr25519-secret.ts'
import { Strobe128 } from '../src/crypto/shared/transcript.ts'
import { encodeSs58, parseAccountAddress, parseSs58 } from '../src/crypto/ss58.ts'
import { parseJunctions, suriToSr25519 } from '../src/crypto/suri.ts'
import { AppError } from '../src/errors.ts'
import { backends, report } from './crypto-support.ts'

/** An implementation that the backends do not use. */
const keccak = (state: Uint8Array): void => keccakP(new Uint32Array(state.buffer))

const load = <T>(name: string): T => readVectorJson<T>(`4-crypto/${name}.json`)
const hex = toHexPlain
const codeOf = (run: () => unknown): string | undefined => {
  try {
    run()
    return undefined
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}
const each = <T>(name: string, cases: readonly T[], check: (crypto: Crypto, one: T, backend: string) => void): void => {
  for (const [backend, crypto] of backends) for (const one of cases) check(crypto, one, backend)
  report(name, cases.length)
}

describeVectors('hashes', () => {
  test('hash.json', () => {
    const names: Record<string, (crypto: Crypto) => (message: Uint8Array) => Uint8Array> = {
      'blake2b-256': (crypto) => crypto.blake2b256, 'blake2b-128': (crypto) => crypto.blake2b128,
      'twox-64': (crypto) => crypto.twox64, 'twox-128': (crypto) => crypto.twox128, 'twox-256': (crypto) => crypto.twox256,
      'keccak-256': (crypto) => crypto.keccak256, 'sha-256': (crypto) => crypto.sha256, 'sha-512': (crypto) => crypto.sha512,
    }
    each('hash', load<{ tests: { algorithm: string; input: string; output: string }[] }>('hash').tests, (crypto, one) => {
      expect(hex(names[one.algorithm]?.(crypto)(parseHex(one.input)) ?? EMPTY)).toBe(one.output)
    })
  })

  test('blake2b-512-kat.json', () => {
    each('blake2b-512-kat', load<{ tests: { in: string; key: string; out: string }[] }>('blake2b-512-kat').tests, (crypto, one) => {
      expect(hex(crypto.blake2b(parseHex(one.in), 64, parseHex(one.key)))).toBe(one.out)
    })
  })
})

describeVectors('sr25519', () => {
  interface Vectors {
    keypairFromSeed: { seed: string; secret: string; public: string; note?: string }[]
    secretForms: { ed25519Form: string; converted: string; public: string }[]
    signDeterministic: { seed: string; message: string; witnessRandomness: string; signature: string }[]
    verify: { public: string; message: string; signature: string; valid: boolean }[]
    preauditDeprecated: { public: string; message: string; signature: string; validWithCurrentScheme: boolean }[]
    derive: { kind: string; keypair?: string; parentPublic?: string; chainCode: string; public: string; secret?: string }[]
    agree: { seedA: string; seedB: string; shared: string }[]
    vrf: { extra?: string; public: string; transcript: { signingContext: string; message: string }; output: string; proof: string; valid: boolean }[]
    devAccounts: { suri: string; public: string; secret: string }[]
  }
  const vectors = load<Vectors>('sr25519')

  test('keys from seeds, in both forms of the secret', () => {
    each('sr25519 keypairFromSeed', vectors.keypairFromSeed, ({ sr25519 }, one) => {
      const { secret, publicKey } = sr25519.pairFromSeed(parseHex(one.seed))
      expect(hex(publicKey)).toBe(one.public)
      expect([hex(secret), hex(secretToEd25519Form(secret))]).toContain(one.secret)
      expect(secretFromEd25519Form(secretToEd25519Form(secret))).toEqual(secret)
    })
    for (const one of vectors.secretForms) {
      // The source converts the canonical form once more; ours must do the same arithmetic.
      expect(hex(secretToEd25519Form(parseHex(one.ed25519Form)))).toBe(one.converted)
      for (const [, { sr25519 }] of backends) expect(hex(sr25519.pairFromSecret(secretFromEd25519Form(parseHex(one.ed25519Form))).publicKey)).toBe(one.public)
    }
    report('sr25519 secretForms', vectors.secretForms.length)
  })

  test('signatures for given randomness', () => {
    each('sr25519 signDeterministic', vectors.signDeterministic, ({ sr25519 }, one) => {
      const { secret } = sr25519.pairFromSeed(parseHex(one.seed))
      expect(hex(sr25519.sign(secret, parseHex(one.message), parseHex(one.witnessRandomness)))).toBe(one.signature)
    })
  })

  test('verification, also of the scheme before the audit', () => {
    each('sr25519 verify', vectors.verify, ({ sr25519 }, one) => {
      expect(sr25519.verify(parseHex(one.signature), parseHex(one.message), parseHex(one.public))).toBe(one.valid)
    })
    each('sr25519 preauditDeprecated', vectors.preauditDeprecated, ({ sr25519 }, one) => {
      expect(sr25519.verify(parseHex(one.signature), parseHex(one.message), parseHex(one.public))).toBe(one.validWithCurrentScheme)
    })
  })

  test('derivation', () => {
    each('sr25519 derive', vectors.derive, ({ sr25519 }, one) => {
      const chainCode = parseHex(one.chainCode)
      if (one.kind === 'soft-public') return expect(hex(sr25519.derivePublicSoft(parseHex(one.parentPublic ?? ''), chainCode))).toBe(one.public)
      const secret = secretFromEd25519Form(parseHex(one.keypair ?? '').subarray(0, 64))
      const pair = one.kind === 'hard' ? sr25519.deriveHard(secret, chainCode) : sr25519.deriveSoft(secret, chainCode)
      expect(hex(pair.publicKey)).toBe(one.public)
      if (one.secret !== undefined) expect(hex(secretToEd25519Form(pair.secret))).toBe(one.secret)
    })
    each('sr25519 devAccounts', vectors.devAccounts, (crypto, one) => {
      const pair = suriToSr25519(crypto, one.suri)
      expect(hex(pair.publicKey)).toBe(one.public)
      expect(hex(secretToEd25519Form(pair.secret))).toBe(one.secret)
    })
  })

  test('agreement', () => {
    each('sr25519 agree', vectors.agree, ({ sr25519 }, one) => {
      const a = sr25519.pairFromSeed(parseHex(one.seedA))
      const b = sr25519.pairFromSeed(parseHex(one.seedB))
      expect(hex(sr25519.agree(a.secret, b.publicKey))).toBe(one.shared)
      expect(hex(sr25519.agree(b.secret, a.publicKey))).toBe(one.shared)
    })
  })

  test('VRF proofs', () => {
    const covered = vectors.vrf.filter(({ extra }) => extra === undefined)
    for (const [, { sr25519 }] of backends) {
      for (const one of covered) {
        const proof = parseHex(one.output + one.proof)
        expect(sr25519.vrfVerify(proof, parseHex(one.transcript.message), parseHex(one.public), utf8(one.transcript.signingContext))).toBe(one.valid)
      }
    }
    expect(covered).not.toHaveLength(0)
    report('sr25519 vrf', covered.length, { 'extra transcript bytes, which the interface does not have': vectors.vrf.length - covered.length })
  })

  test('merlin-strobe.json: STROBE-128 conformance', () => {
    const { strobe128Conformance: expected } = load<{ strobe128Conformance: { protocol: string; prf1: string; prf2: string } }>('merlin-strobe')
    const strobe = new Strobe128(keccak, utf8(expected.protocol))
    strobe.metaAd(utf8('ms'), false)
    strobe.metaAd(utf8('g'), true)
    strobe.ad(new Uint8Array(1024).fill(0x63), false)
    const first = new Uint8Array(32)
    strobe.metaAd(utf8('prf'), false)
    strobe.prf(first)
    expect(hex(first)).toBe(expected.prf1)
    strobe.metaAd(utf8('key'), false)
    strobe.key(first)
    const second = new Uint8Array(32)
    strobe.metaAd(utf8('prf'), false)
    strobe.prf(second)
    expect(hex(second)).toBe(expected.prf2)
  })
})

describeVectors('secp256k1', () => {
  test('secp256k1.json', () => {
    const vectors = load<{
      compress: unknown[]
      fromSeed: { secret: string; public: string }[]
      recover: { messageHash: string; signature: string; recoveryId: number; public: string }[]
    }>('secp256k1')
    each('secp256k1 fromSeed', vectors.fromSeed, ({ secp256k1 }, one) => expect(hex(secp256k1.publicKey(parseHex(one.secret)))).toBe(one.public))
    each('secp256k1 recover', vectors.recover, ({ secp256k1 }, one) => {
      const signature = concatBytes(parseHex(one.signature), Uint8Array.of(one.recoveryId))
      expect(hex(secp256k1.recover(signature, parseHex(one.messageHash)) ?? EMPTY)).toBe(one.public)
    })
    report('secp256k1 compress', 0, { 'the interface has compressed keys only': vectors.compress.length })
  })
})

describeVectors('AES-256-GCM', () => {
  interface GcmCase { key: string; iv: string; pt?: string; ct: string; aad: string; tag: string; result?: 'ok' | 'fail' }
  const inputs = (one: GcmCase) => ({ key: parseHex(one.key), iv: parseHex(one.iv), aad: parseHex(one.aad), ciphertext: parseHex(one.ct + one.tag) })

  test('NIST encryption', () => {
    each('aes-256-gcm-nist-encrypt', load<{ tests: GcmCase[] }>('aes-256-gcm-nist-encrypt').tests, (crypto, one) => {
      expect(hex(crypto.aesGcmSeal({ ...inputs(one), plaintext: parseHex(one.pt ?? '') }))).toBe(one.ct + one.tag)
    })
  })

  test('NIST decryption', () => {
    const { tests } = load<{ tests: GcmCase[] }>('aes-256-gcm-nist-decrypt')
    expect(tests.some(({ result }) => result === 'fail')).toBe(true)
    each('aes-256-gcm-nist-decrypt', tests, (crypto, one) => {
      if (one.result === 'fail') return expect(codeOf(() => crypto.aesGcmOpen(inputs(one)))).toBe('CRYPTO_DECRYPTION_FAILED')
      expect(hex(crypto.aesGcmOpen(inputs(one)))).toBe(one.pt)
    })
  })
})

describeVectors('mnemonics and secret URIs', () => {
  test('bip39-trezor-english.json', () => {
    const { english } = load<{ english: [string, string, string, string][] }>('bip39-trezor-english')
    each('bip39-trezor-english', english, (crypto, [entropy, phrase, seed]) => {
      expect(entropyToMnemonic(parseHex(entropy))).toBe(phrase)
      expect(hex(mnemonicToEntropy(phrase))).toBe(entropy)
      expect(hex(crypto.pbkdf2Sha512({ password: utf8(phrase), salt: utf8('mnemonicTREZOR'), iterations: 2048, length: 64 }))).toBe(seed)
    })
    report('bip39-trezor-english xprv and bip32', 0, { 'BIP32 is not used: HKDF and substrate junctions derive keys': english.length + 3 })
  })

  test('substrate-bip39.json', () => {
    const { password, tests } = load<{ password: string; tests: { mnemonic: string; entropy: string; seed64: string; miniSecret: string; sr25519Secret: string }[] }>('substrate-bip39')
    each('substrate-bip39', tests, (crypto, one) => {
      const seed = mnemonicToSeed(crypto, { phrase: one.mnemonic, password })
      expect(hex(mnemonicToEntropy(one.mnemonic))).toBe(one.entropy)
      expect(hex(seed)).toBe(one.seed64)
      expect(hex(seed.subarray(0, 32))).toBe(one.miniSecret)
      const pair = suriToSr25519(crypto, `${one.mnemonic}///${password}`)
      expect(hex(secretToEd25519Form(pair.secret))).toBe(one.sr25519Secret)
    })
  })

  test('suri-paths.json', () => {
    const vectors = load<{
      paths: { path: string; junctions: { hard: boolean; chainCode: string }[] }[]
      invalid: string[]
      mnemonicToMiniSecret: { mnemonic: string; miniSecret: string }[]
    }>('suri-paths')
    each('suri-paths', vectors.paths, (crypto, one) => {
      const junctions = parseJunctions(crypto, one.path).map(({ kind, chainCode }) => ({ hard: kind === 'hard', chainCode: hex(chainCode) }))
      expect(junctions).toEqual(one.junctions)
    })
    each('suri-paths invalid', vectors.invalid, (crypto, path) => expect(codeOf(() => parseJunctions(crypto, path))).toBe('CRYPTO_INVALID_SURI'))
    each('suri-paths mnemonicToMiniSecret', vectors.mnemonicToMiniSecret, (crypto, one) => {
      expect(hex(mnemonicToSeed(crypto, { phrase: one.mnemonic, password: '' }).subarray(0, 32))).toBe(one.miniSecret)
    })
  })
})

describeVectors('addresses', () => {
  interface Vectors {
    valid: { address: string; payload: string; prefix: number }[]
    invalid: { address: string; why: string }[]
    reservedPrefixes: number[]
    multisig: { signatories: string[]; threshold: number; address: string }
    derivedSubAccount: { parent: string; index: number; address: string }
    softDerivedAddress: { parent: string; path: string; address: string }
  }
  const vectors = load<Vectors>('ss58')

  test('ss58.json', () => {
    each('ss58 valid', vectors.valid, (crypto, one) => {
      expect(parseSs58(crypto, one.address)).toEqual({ prefix: one.prefix, payload: parseHex(one.payload) })
      expect(encodeSs58(crypto, { prefix: one.prefix, payload: parseHex(one.payload) })).toBe(one.address)
    })
    each('ss58 invalid', vectors.invalid, (crypto, one) => expect(codeOf(() => parseSs58(crypto, one.address))).toBe('CRYPTO_INVALID_ADDRESS'))
    each('ss58 reserved', vectors.reservedPrefixes, (crypto, prefix) => {
      expect(codeOf(() => encodeSs58(crypto, { prefix, payload: new Uint8Array(32) }))).toBe('CRYPTO_INVALID_ADDRESS')
    })
  })

  test('derived accounts', () => {
    each('ss58 derived accounts', [vectors], (crypto, { multisig, derivedSubAccount, softDerivedAddress }) => {
      const account = (address: string): Uint8Array => parseAccountAddress(crypto, address, 42)
      const address = (payload: Uint8Array): string => encodeSs58(crypto, { prefix: 42, payload })
      const signatories = multisig.signatories.map(account).sort(compareBytes)
      const many = concatBytes(utf8('modlpy/utilisuba'), Uint8Array.of(signatories.length << 2), ...signatories, Uint8Array.of(multisig.threshold, 0))
      expect(address(crypto.blake2b256(many))).toBe(multisig.address)
      const sub = concatBytes(utf8('modlpy/utilisuba'), account(derivedSubAccount.parent), Uint8Array.of(derivedSubAccount.index, 0))
      expect(address(crypto.blake2b256(sub))).toBe(derivedSubAccount.address)
      const soft = parseJunctions(crypto, softDerivedAddress.path)
        .reduce((key, { chainCode }) => crypto.sr25519.derivePublicSoft(key, chainCode), account(softDerivedAddress.parent))
      expect(address(soft)).toBe(softDerivedAddress.address)
    })
  })

  test('ss58registry.json: every network of the registry, and no reserved or impossible prefix', () => {
    const payload = parseHex(vectors.valid[0]?.payload ?? '')
    each('ss58registry', load<{ prefix: number; network: string }[]>('ss58registry'), (crypto, { prefix, network }) => {
      if (network.startsWith('reserved') || prefix > 16383) {
        return expect(codeOf(() => encodeSs58(crypto, { prefix, payload }))).toBe('CRYPTO_INVALID_ADDRESS')
      }
      expect(parseSs58(crypto, encodeSs58(crypto, { prefix, payload }))).toEqual({ prefix, payload })
    })
  })
})

describeVectors('phala-sdk.json', () => {
  test('AES and EVM account mapping', () => {
    const vectors = load<{
      aes256gcm: { key: string; iv: string; plaintext: string; ciphertextWithTag: string }[]
      evmAddressMapping: { publicKeyUncompressed: string; accountId: string; evmAddress: string; ss58_42: string; ss58_30: string }[]
    }>('phala-sdk')
    each('phala-sdk aes256gcm', vectors.aes256gcm, (crypto, one) => {
      const options = { key: parseHex(one.key), iv: parseHex(one.iv), aad: EMPTY }
      expect(hex(crypto.aesGcmSeal({ ...options, plaintext: parseHex(one.plaintext) }))).toBe(one.ciphertextWithTag)
      expect(hex(crypto.aesGcmOpen({ ...options, ciphertext: parseHex(one.ciphertextWithTag) }))).toBe(one.plaintext)
    })
    each('phala-sdk evmAddressMapping', vectors.evmAddressMapping, (crypto, one) => {
      const evmAddress = crypto.keccak256(parseHex(one.publicKeyUncompressed).subarray(1)).subarray(12)
      const account = concatBytes(evmAddress, utf8('@evm_address'))
      expect(`0x${hex(evmAddress)}`).toBe(one.evmAddress)
      expect(hex(account)).toBe(one.accountId)
      expect(encodeSs58(crypto, { prefix: 42, payload: account })).toBe(one.ss58_42)
      expect(encodeSs58(crypto, { prefix: 30, payload: account })).toBe(one.ss58_30)
    })
  })
})
