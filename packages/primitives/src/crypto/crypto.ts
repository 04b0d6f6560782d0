/**
 * Owns the `Crypto` interface that all pure code receives. Synchronous, deterministic, never draws randomness itself.
 * Backends: node/ and browser/ (chosen by the conditional export `@phalanx/primitives/crypto/backend`), one compliance suite.
 * Key, signature and point arguments come from outside: a wrong length or an invalid point makes `verify` false, and makes
 * `agree`, `sign` and derivations throw `CRYPTO_INVALID_KEY`. No call ever traps.
 */

/** sr25519 key pair: 64-byte secret (canonical scalar 32 ‖ nonce 32, worker_api.md §6) and 32-byte public key. */
export interface Sr25519Pair {
  readonly secret: Uint8Array
  readonly publicKey: Uint8Array
}

/** Schnorrkel over Ristretto255 (merlin transcripts). */
export interface Sr25519 {
  /** MiniSecretKey expansion, mode Ed25519. `seed` is 32 bytes. */
  pairFromSeed(seed: Uint8Array): Sr25519Pair
  pairFromSecret(secret: Uint8Array): Sr25519Pair
  /** `random` is 32 bytes of fresh randomness; context `substrate`. Result 64 bytes. */
  sign(secret: Uint8Array, message: Uint8Array, random: Uint8Array): Uint8Array
  /** Context `substrate`. False for any malformed input. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** Derivation by a 32-byte chain code. */
  deriveHard(secret: Uint8Array, chainCode: Uint8Array): Sr25519Pair
  deriveSoft(secret: Uint8Array, chainCode: Uint8Array): Sr25519Pair
  derivePublicSoft(publicKey: Uint8Array, chainCode: Uint8Array): Uint8Array
  /** Compressed shared point, 32 bytes; equals polkadot-js `sr25519Agreement`. Refuses the identity and invalid points. */
  agree(secret: Uint8Array, theirPublicKey: Uint8Array): Uint8Array
  /** VRF (Kusama variant): output 32 ‖ proof 64 = 96 bytes. */
  vrfSign(secret: Uint8Array, message: Uint8Array, context: Uint8Array, random: Uint8Array): Uint8Array
  vrfVerify(outputAndProof: Uint8Array, message: Uint8Array, publicKey: Uint8Array, context: Uint8Array): boolean
  isValidPoint(publicKey: Uint8Array): boolean
}

/** ed25519; `verify` follows ZIP-215 as Substrate does. */
export interface Ed25519 {
  publicKey(seed: Uint8Array): Uint8Array
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

/** secp256k1 ECDSA with recovery; signatures are r ‖ s ‖ v (65 bytes), public keys compressed (33). Hash 32 bytes is the caller's. */
export interface Secp256k1 {
  publicKey(secret: Uint8Array): Uint8Array
  sign(secret: Uint8Array, hash: Uint8Array): Uint8Array
  recover(signature: Uint8Array, hash: Uint8Array): Uint8Array | undefined
}

/** NIST curves for attestation. `signature` is raw r ‖ s, `publicKey` raw x ‖ y (64 or 96 bytes). Hash named by the call. */
export interface NistEcdsa {
  publicKey(secret: Uint8Array): Uint8Array
  /** Deterministic (RFC 6979) signature, for the software TEE and tests. */
  sign(secret: Uint8Array, message: Uint8Array): Uint8Array
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

/** RSA verification; modulus and exponent are unsigned big-endian bytes. Refuses moduli under 2048 or over 8192 bits. */
export interface RsaVerify {
  verifyPkcs1(options: { hash: 'sha256' | 'sha384' | 'sha512'; modulus: Uint8Array; exponent: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean
  verifyPss(options: { hash: 'sha256' | 'sha384' | 'sha512'; saltLength: number; modulus: Uint8Array; exponent: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean
}

/** Every cryptographic operation of the project. */
export interface Crypto {
  readonly sr25519: Sr25519
  readonly ed25519: Ed25519
  readonly secp256k1: Secp256k1
  /** P-256 with SHA-256. */
  readonly p256: NistEcdsa
  /** P-384 with SHA-384. */
  readonly p384: NistEcdsa
  readonly rsa: RsaVerify
  blake2b(message: Uint8Array, length: number, key?: Uint8Array): Uint8Array
  blake2b256(message: Uint8Array): Uint8Array
  blake2b128(message: Uint8Array): Uint8Array
  twox64(message: Uint8Array): Uint8Array
  twox128(message: Uint8Array): Uint8Array
  twox256(message: Uint8Array): Uint8Array
  keccak256(message: Uint8Array): Uint8Array
  sha256(message: Uint8Array): Uint8Array
  sha384(message: Uint8Array): Uint8Array
  sha512(message: Uint8Array): Uint8Array
  hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array
  hkdfSha256(options: { ikm: Uint8Array; salt: Uint8Array; info: Uint8Array; length: number }): Uint8Array
  /** AES-256-GCM, 12-byte IV, 16-byte tag appended to the ciphertext. */
  aesGcmSeal(options: { key: Uint8Array; iv: Uint8Array; aad: Uint8Array; plaintext: Uint8Array }): Uint8Array
  /** @throws CRYPTO_DECRYPTION_FAILED when key, IV, AAD or ciphertext do not belong together. */
  aesGcmOpen(options: { key: Uint8Array; iv: Uint8Array; aad: Uint8Array; ciphertext: Uint8Array }): Uint8Array
  /** Constant-time equality for secrets and tags. */
  equal(a: Uint8Array, b: Uint8Array): boolean
  pbkdf2Sha512(options: { password: Uint8Array; salt: Uint8Array; iterations: number; length: number }): Uint8Array
}
