/** Owns BIP39 phrases the way Substrate reads them: the seed comes from the entropy, not from the text (substrate-bip39). English only. */
import { entropyToMnemonic as encodeEntropy, mnemonicToEntropy as decodeMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'

import { utf8 } from '../bytes.ts'
import { AppError } from '../errors.ts'
import type { Crypto } from './crypto.ts'

/** Sixteen times the longest phrase of 24 words: more text cannot be one. */
const TEXT_MAX = 4096

/** The entropy behind a phrase: 16, 20, 24, 28 or 32 bytes. Runs of blanks count as one. @throws CRYPTO_INVALID_MNEMONIC */
export const mnemonicToEntropy = (phrase: string): Uint8Array => {
  if (phrase.length > TEXT_MAX) throw new AppError('CRYPTO_INVALID_MNEMONIC', { why: 'it is too long' })
  const words = phrase.trim().split(/\s+/)
  if (![12, 15, 18, 21, 24].includes(words.length)) throw new AppError('CRYPTO_INVALID_MNEMONIC', { why: `it has ${words.length} words` })
  try {
    return decodeMnemonic(words.join(' '), wordlist)
  } catch {
    // No cause: the library's message may quote words of a secret.
    throw new AppError('CRYPTO_INVALID_MNEMONIC', { why: 'a word is not in the list or the checksum is wrong' })
  }
}

/** The phrase for entropy of 16, 20, 24, 28 or 32 random bytes. @throws CRYPTO_INVALID_LENGTH */
export const entropyToMnemonic = (entropy: Uint8Array): string => {
  if (![16, 20, 24, 28, 32].includes(entropy.length)) {
    throw new AppError('CRYPTO_INVALID_LENGTH', { what: 'BIP39 entropy', expected: '16, 20, 24, 28 or 32', got: entropy.length })
  }
  return encodeEntropy(entropy, wordlist)
}

/** The 64-byte Substrate seed of a phrase; its first 32 bytes are the mini secret of every key type. @throws CRYPTO_INVALID_MNEMONIC */
export const mnemonicToSeed = (crypto: Pick<Crypto, 'pbkdf2Sha512'>, { phrase, password }: { phrase: string; password: string }): Uint8Array =>
  crypto.pbkdf2Sha512({ password: mnemonicToEntropy(phrase), salt: utf8(`mnemonic${password}`), iterations: 2048, length: 64 })
