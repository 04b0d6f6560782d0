import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import { concatBytes, EMPTY, parseHex, toHexPlain, utf8 } from '../bytes.ts'
import { AppError } from '../errors.ts'
import type { ChannelContext } from './channel.ts'
import { createChannel, deriveChannelKeys, syntheticIv } from './channel.ts'
import { deriveKeyPair } from './key-tree.ts'
import { entropyToMnemonic, mnemonicToEntropy } from './mnemonic.ts'
import { loadCrypto } from './node/index.ts'
import { Secret } from './secret.ts'
import { encodeSs58, parseAccountAddress, parseSs58 } from './ss58.ts'
import { DEV_PHRASE, parseJunctions, parseSuri, suriToEd25519Seed, suriToSecp256k1Secret, suriToSr25519 } from './suri.ts'

const crypto = await loadCrypto()
const alice = suriToSr25519(crypto, '//Alice')
const bob = suriToSr25519(crypto, '//Bob')
const hex = toHexPlain

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run()
    return undefined
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

describe('addresses', () => {
  const address = encodeSs58(crypto, { prefix: 42, payload: alice.publicKey })

  test('writes the well-known address of Alice and reads it back', () => {
    expect(address).toBe('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY')
    expect(parseAccountAddress(crypto, address)).toEqual(alice.publicKey)
    expect(parseAccountAddress(crypto, address, 42)).toEqual(alice.publicKey)
  })

  test('round trips every prefix', () => {
    for (let prefix = 0; prefix <= 16383; prefix++) {
      if (prefix === 46 || prefix === 47) continue
      expect(parseSs58(crypto, encodeSs58(crypto, { prefix, payload: alice.publicKey })).prefix).toBe(prefix)
    }
  })

  test.each([
    ['empty text', ''],
    ['one character', '5'],
    ['a missing character', address.slice(1)],
    ['an extra leading one', `1${address}`],
    ['a character base58 lacks', `0${address.slice(1)}`],
    ['white space', ` ${address}`],
    ['a changed character', address.replace('G', 'H')],
    ['endless text', '5'.repeat(10_000)],
  ])('refuses %s', (_what, text) => {
    expect(codeOf(() => parseSs58(crypto, text))).toBe('CRYPTO_INVALID_ADDRESS')
  })

  test('refuses a small prefix written in two bytes', () => {
    // 42 in the two-byte form, with a right checksum: another spelling of an address we already have.
    const body = concatBytes(Uint8Array.of(0x40 | (42 >> 2), (42 & 3) << 6), alice.publicKey)
    const checksum = crypto.blake2b(concatBytes(utf8('SS58PRE'), body), 64).subarray(0, 2)
    const base58 = (bytes: Uint8Array): string => {
      const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
      let value = BigInt(`0x${hex(bytes)}`)
      let text = ''
      for (; value > 0n; value /= 58n) text = alphabet.charAt(Number(value % 58n)) + text
      return text
    }
    expect(codeOf(() => parseSs58(crypto, base58(concatBytes(body, checksum))))).toBe('CRYPTO_INVALID_ADDRESS')
  })

  test('refuses accounts of another network and payloads that are no account', () => {
    expect(codeOf(() => parseAccountAddress(crypto, address, 0))).toBe('CRYPTO_INVALID_ADDRESS')
    expect(codeOf(() => parseAccountAddress(crypto, encodeSs58(crypto, { prefix: 42, payload: Uint8Array.of(1) })))).toBe('CRYPTO_INVALID_ADDRESS')
    for (const length of [0, 3, 31, 34]) expect(codeOf(() => encodeSs58(crypto, { prefix: 42, payload: new Uint8Array(length) }))).toBe('CRYPTO_INVALID_ADDRESS')
    for (const prefix of [-1, 1.5, 16384, 46, 47]) expect(codeOf(() => encodeSs58(crypto, { prefix, payload: alice.publicKey }))).toBe('CRYPTO_INVALID_ADDRESS')
  })
})

describe('secret URIs', () => {
  test('an absent phrase is the development phrase', () => {
    expect(parseSuri(crypto, '//Alice').phrase).toBe(DEV_PHRASE)
    expect(suriToSr25519(crypto, `${DEV_PHRASE}//Alice`)).toEqual(alice)
    expect(suriToSr25519(crypto, '//Alice/soft').publicKey).toEqual(crypto.sr25519.derivePublicSoft(alice.publicKey, (parseJunctions(crypto, '/soft')[0] as { chainCode: Uint8Array }).chainCode))
  })

  test('ed25519 and secp256k1 keys of the development accounts are the known ones', () => {
    expect(hex(crypto.ed25519.publicKey(suriToEd25519Seed(crypto, '//Alice')))).toBe('88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee')
    expect(hex(crypto.secp256k1.publicKey(suriToSecp256k1Secret(crypto, '//Alice')))).toBe('020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1')
    expect(codeOf(() => suriToEd25519Seed(crypto, '//Alice/soft'))).toBe('CRYPTO_INVALID_SURI')
  })

  test('reads hex seeds and hex secrets', () => {
    const seed = crypto.blake2b256(utf8('seed'))
    const root = crypto.sr25519.pairFromSeed(seed)
    expect(suriToSr25519(crypto, `0x${hex(seed)}`)).toEqual(root)
    expect(suriToSr25519(crypto, `0x${hex(root.secret)}//a`)).toEqual(suriToSr25519(crypto, `0x${hex(seed)}//a`))
  })

  test('a password changes the key and may hold slashes', () => {
    expect(parseSuri(crypto, '//Alice///a//b').password).toBe('a//b')
    expect(suriToSr25519(crypto, '//Alice///x')).not.toEqual(alice)
    expect(suriToSr25519(crypto, '//Alice///')).toEqual(alice)
  })

  test('junctions: numbers up to u64, texts, and texts too long for 32 bytes', () => {
    const chainCode = (path: string): string => hex((parseJunctions(crypto, path)[0] as { chainCode: Uint8Array }).chainCode)
    expect(chainCode('//007')).toBe(chainCode('//7'))
    expect(chainCode('//18446744073709551615')).toBe('f'.repeat(16) + '0'.repeat(48))
    expect(chainCode('//18446744073709551616')).toBe(hex(utf8('P18446744073709551616')).padEnd(64, '0'))
    expect(chainCode(`//${'x'.repeat(31)}`)).toBe(hex(utf8(`|${'x'.repeat(31)}`)))
    expect(chainCode(`//${'x'.repeat(32)}`)).toBe(hex(crypto.blake2b256(concatBytes(Uint8Array.of(0x80), utf8('x'.repeat(32))))))
  })

  test.each([
    ['an unknown phrase', 'hello', 'CRYPTO_INVALID_MNEMONIC'],
    ['a wrong checksum', DEV_PHRASE.replace('bottom', 'drive'), 'CRYPTO_INVALID_MNEMONIC'],
    ['a short hex seed', '0x00', 'CRYPTO_INVALID_SURI'],
    ['a hex seed with a password', `0x${'11'.repeat(32)}///p`, 'CRYPTO_INVALID_SURI'],
    ['a hex secret above the group order', `0x${'ff'.repeat(64)}`, 'CRYPTO_INVALID_KEY'],
    ['an empty junction', '//Alice/', 'CRYPTO_INVALID_SURI'],
    ['strange characters', 'bottom-drive//Alice', 'CRYPTO_INVALID_SURI'],
    ['endless text', '/x'.repeat(10_000), 'CRYPTO_INVALID_SURI'],
  ])('refuses %s', (_what, suri, code) => {
    expect(codeOf(() => suriToSr25519(crypto, suri))).toBe(code)
  })

  test('a refused mnemonic does not appear in the error', () => {
    const phrase = DEV_PHRASE.replace('bottom', 'botttom')
    try {
      mnemonicToEntropy(phrase)
      expect.unreachable()
    } catch (error) {
      expect(inspect(error, { depth: 10 })).not.toMatch(/botttom|drive/)
    }
  })

  test('phrases round trip and only five lengths exist', () => {
    for (const length of [16, 20, 24, 28, 32]) {
      const entropy = crypto.blake2b(utf8('entropy'), length)
      expect(mnemonicToEntropy(entropyToMnemonic(entropy))).toEqual(entropy)
    }
    expect(codeOf(() => entropyToMnemonic(new Uint8Array(17)))).toBe('CRYPTO_INVALID_LENGTH')
  })
})

describe('key tree', () => {
  test('joins parts without separators, as the reference does', () => {
    const whole = deriveKeyPair(crypto, alice.secret, [utf8('cluster_keyabc')])
    expect(deriveKeyPair(crypto, alice.secret, [utf8('cluster_key'), utf8('abc')])).toEqual(whole)
    expect(deriveKeyPair(crypto, bob.secret, [utf8('cluster_keyabc')])).not.toEqual(whole)
    expect(deriveKeyPair(crypto, alice.secret, [utf8('cluster_keyabd')])).not.toEqual(whole)
  })

  test('is HKDF-SHA256 with the reference salt, written out', () => {
    const pseudoRandomKey = crypto.hmacSha256(parseHex('18e876adfa74cc743b4b7d7f92c96e03de559a3c15270581fce445963d90f85e'), alice.secret)
    const seed = crypto.hmacSha256(pseudoRandomKey, concatBytes(utf8('PhalaI2PKey'), Uint8Array.of(1)))
    expect(deriveKeyPair(crypto, alice.secret, [utf8('PhalaI2PKey')])).toEqual(crypto.sr25519.pairFromSeed(seed))
  })

  test('refuses a malformed secret', () => {
    expect(codeOf(() => deriveKeyPair(crypto, EMPTY, []))).toBe('CRYPTO_INVALID_KEY')
  })
})

describe('channels', () => {
  const context: ChannelContext = { purpose: 'test', epoch: 1n, genesis: new Uint8Array(32).fill(1), anchor: new Uint8Array(32).fill(2) }
  const ofAlice = { own: alice, theirPublicKey: bob.publicKey }
  const ofBob = { own: bob, theirPublicKey: alice.publicKey }
  const sealed = { iv: new Uint8Array(12), header: utf8('header') }
  const plaintext = utf8('for Bob')
  const ciphertext = createChannel(ofAlice, context, crypto).seal({ ...sealed, plaintext })

  test('both ends derive the same two keys, one per direction', () => {
    const a = deriveChannelKeys(crypto, ofAlice, context)
    const b = deriveChannelKeys(crypto, ofBob, context)
    expect(a.toThem).toEqual(b.fromThem)
    expect(a.fromThem).toEqual(b.toThem)
    expect(a.toThem).not.toEqual(a.fromThem)
  })

  test('the other end opens what was sealed for it', () => {
    expect(createChannel(ofBob, context, crypto).open({ ...sealed, ciphertext })).toEqual(plaintext)
  })

  test.each<[string, Partial<ChannelContext>]>([
    ['purpose', { purpose: 'tes' }],
    ['epoch', { epoch: 2n }],
    ['genesis', { genesis: new Uint8Array(32) }],
    ['anchor', { anchor: new Uint8Array(32) }],
  ])('does not open under another %s', (_what, changed) => {
    expect(codeOf(() => createChannel(ofBob, { ...context, ...changed }, crypto).open({ ...sealed, ciphertext }))).toBe('CRYPTO_DECRYPTION_FAILED')
  })

  test('does not open with another header, or reflected to its sender', () => {
    expect(codeOf(() => createChannel(ofBob, context, crypto).open({ ...sealed, header: EMPTY, ciphertext }))).toBe('CRYPTO_DECRYPTION_FAILED')
    expect(codeOf(() => createChannel(ofAlice, context, crypto).open({ ...sealed, ciphertext }))).toBe('CRYPTO_DECRYPTION_FAILED')
  })

  test('is of no use once wiped', () => {
    const channel = createChannel(ofBob, context, crypto)
    channel.wipe()
    expect(() => channel.open({ ...sealed, ciphertext })).toThrow('wiped')
    expect(() => channel.seal({ ...sealed, plaintext })).toThrow('wiped')
  })

  test('synthetic IVs repeat only for equal input', () => {
    const base = { key: new Uint8Array(32).fill(1), context: utf8('ab'), plaintext: utf8('c') }
    const iv = syntheticIv(crypto, base)
    expect(iv).toHaveLength(12)
    expect(syntheticIv(crypto, base)).toEqual(iv)
    for (const other of [{ key: new Uint8Array(32) }, { context: utf8('a'), plaintext: utf8('bc') }, { plaintext: utf8('d') }]) {
      expect(syntheticIv(crypto, { ...base, ...other })).not.toEqual(iv)
    }
  })
})

describe('Secret', () => {
  test('prints as [secret] by every way of printing', () => {
    const secret = new Secret('hush')
    const ways = [String(secret), `${secret as unknown as string}`, JSON.stringify({ secret }), inspect(secret), inspect({ deep: [secret] }), Object.prototype.toString.call(secret), secret.toString()]
    for (const text of ways) {
      expect(text).toContain('[secret]')
      expect(text).not.toContain('hush')
    }
    expect(JSON.stringify(Object.entries(secret))).toBe('[]')
    expect(secret.reveal()).toBe('hush')
  })
})
