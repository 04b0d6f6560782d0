/**
 * Owns schnorrkel (sr25519) of the Node backend: merlin transcripts of our own over libsodium's constant-time ristretto255. Unlike the
 * Wasm build of schnorrkel it takes randomness from its caller, never traps, and verifies at nearly twice the speed. Does not own the group.
 */
import { createHash, hash } from 'node:crypto'

import { bytesEqual, concatBytes, EMPTY, utf8 } from '../../bytes.ts'
import { AppError } from '../../errors.ts'
import type { Sr25519, Sr25519Pair } from '../crypto.ts'
import { requireKeyLength, requireLength } from '../shared/guards.ts'
import { isCanonicalScalar, requireSr25519Secret, secretFromEd25519Form } from '../shared/sr25519-secret.ts'
import { Transcript } from '../shared/transcript.ts'
import { subtractMultiple } from './public-ristretto.ts'
import type { Sodium } from './sodium.ts'

/** Set in the last byte of every signature of schnorrkel 0.1 and later. */
const SIGNATURE_MARK = 0x80

const labels = {
  signingContext: utf8('SigningContext'),
  context: EMPTY,
  signBytes: utf8('sign-bytes'),
  protocol: utf8('proto-name'),
  schnorrSig: utf8('Schnorr-sig'),
  signKey: utf8('sign:pk'),
  signR: utf8('sign:R'),
  signChallenge: utf8('sign:c'),
  signing: utf8('signing'),
  derivation: utf8('SchnorrRistrettoHDKD'),
  chainCode: utf8('chain-code'),
  publicKey: utf8('public-key'),
  secretKey: utf8('secret-key'),
  derivedScalar: utf8('HDKD-scalar'),
  derivedChainCode: utf8('HDKD-chaincode'),
  derivedHard: utf8('HDKD-hard'),
  derivedNonce: utf8('HDKD-nonce'),
  vrf: utf8('VRF'),
  vrfKey: utf8('vrf-nm-pk'),
  vrfHash: utf8('VRFHash'),
  dleq: utf8('DLEQProof'),
  dleqInput: utf8('vrf:h'),
  dleqProving: utf8('proving\u00000'),
  dleqR: utf8('vrf:R=g^r'),
  dleqHr: utf8('vrf:h^r'),
  dleqKey: utf8('vrf:pk'),
  dleqOutput: utf8('vrf:h^sk'),
  dleqChallenge: utf8('prove'),
} as const

const CONTEXT = utf8('substrate')
/** Signers whose public keys are remembered. */
const KNOWN_KEYS_MAX = 64
const ZERO_RANDOM: Uint8Array = new Uint8Array(32)
const IDENTITY: Uint8Array = new Uint8Array(32)

const invalidPoint = (): AppError => new AppError('CRYPTO_INVALID_KEY', { what: 'sr25519 public key' })

const createKeys = (sodium: Sodium): Pick<Sr25519, 'pairFromSeed' | 'pairFromSecret' | 'agree' | 'isValidPoint'> => {
  const pairFromSecret = (secret: Uint8Array): Sr25519Pair => {
    requireSr25519Secret(secret)
    return { secret: new Uint8Array(secret), publicKey: sodium.multiplyBase(secret.subarray(0, 32)) }
  }
  return {
    pairFromSecret,
    pairFromSeed(seed) {
      requireKeyLength('sr25519 seed', seed, 32)
      const expanded = new Uint8Array(createHash('sha512').update(seed).digest())
      expanded[0] = (expanded[0] as number) & 248
      expanded[31] = ((expanded[31] as number) & 63) | 64
      const pair = pairFromSecret(secretFromEd25519Form(expanded))
      expanded.fill(0)
      return pair
    },
    agree(secret, theirPublicKey) {
      requireSr25519Secret(secret)
      requireKeyLength('sr25519 public key', theirPublicKey, 32)
      const shared = sodium.multiply(secret.subarray(0, 32), theirPublicKey)
      if (shared === undefined) throw invalidPoint()
      return shared
    },
    isValidPoint: (publicKey) => publicKey.length === 32 && sodium.isRistrettoPoint(publicKey) && !bytesEqual(publicKey, IDENTITY),
  }
}

/**
 * Public keys of secrets, by the secret's SHA-256: whoever signs does so again, and a public key costs as much as the commitment. Nothing in it tells more of a secret than
 * its public key does. The key used longest ago goes first.
 */
const createKnownKeys = (publicKeyOf: (secret: Uint8Array) => Uint8Array): ((secret: Uint8Array) => Uint8Array) => {
  const known = new Map<string, Uint8Array>()
  return (secret) => {
    const id = hash('sha256', secret, 'base64')
    const found = known.get(id) ?? publicKeyOf(secret)
    known.delete(id)
    known.set(id, found)
    if (known.size > KNOWN_KEYS_MAX) known.delete(known.keys().next().value as string)
    return found
  }
}

/** Schnorr signatures with the context `substrate`. */
const createSignatures = (sodium: Sodium): Pick<Sr25519, 'sign' | 'verify'> => {
  const newTranscript = (): Transcript => new Transcript(sodium.keccak, labels.signingContext)
  const prefix = newTranscript().append(labels.context, CONTEXT)
  // One transcript is enough for verification: it is synchronous and sees nothing secret.
  const verifying = newTranscript()
  const publicKeyOf = createKnownKeys((secret) => sodium.multiplyBase(secret.subarray(0, 32)))
  return {
    sign(secret, message, random) {
      requireSr25519Secret(secret)
      requireLength('sr25519 signing randomness', random, 32)
      const scalar = secret.subarray(0, 32)
      const transcript = prefix.copy().append(labels.signBytes, message).append(labels.protocol, labels.schnorrSig)
      transcript.append(labels.signKey, publicKeyOf(secret))
      const witness = sodium.reduce(transcript.witness(labels.signing, 64, { seeds: [secret.subarray(32)], random }))
      const commitment = sodium.multiplyBase(witness)
      const challenge = sodium.reduce(transcript.append(labels.signR, commitment).challenge(labels.signChallenge, 64))
      const response = sodium.addScalars(sodium.multiplyScalars(challenge, scalar), witness)
      witness.fill(0)
      const signature = concatBytes(commitment, response)
      signature[63] = (signature[63] as number) | SIGNATURE_MARK
      return signature
    },
    verify(signature, message, publicKey) {
      if (signature.length !== 64 || publicKey.length !== 32 || ((signature[63] as number) & SIGNATURE_MARK) === 0) return false
      // A copy, also of a Buffer, whose slice would be the caller's memory.
      const response = new Uint8Array(signature.subarray(32))
      response[31] = (response[31] as number) & ~SIGNATURE_MARK
      // Under the identity as public key anyone could sign.
      if (!isCanonicalScalar(response) || bytesEqual(publicKey, IDENTITY)) return false
      const commitment = signature.subarray(0, 32)
      verifying.resetTo(prefix).append(labels.signBytes, message).append(labels.protocol, labels.schnorrSig)
      verifying.append(labels.signKey, publicKey).append(labels.signR, commitment)
      const challenge = sodium.reduce(verifying.challenge(labels.signChallenge, 64))
      const expected = subtractMultiple(sodium, response, challenge, publicKey)
      return expected !== undefined && bytesEqual(expected, commitment)
    },
  }
}

/** Derivation by chain codes (schnorrkel's HDKD). */
const createDerivation = (
  sodium: Sodium,
  { pairFromSeed, pairFromSecret, isValidPoint }: ReturnType<typeof createKeys>,
): Pick<Sr25519, 'deriveHard' | 'deriveSoft' | 'derivePublicSoft'> => {
  const newTranscript = (chainCode: Uint8Array): Transcript => {
    requireLength('sr25519 chain code', chainCode, 32)
    return new Transcript(sodium.keccak, labels.derivation).append(labels.signBytes, EMPTY).append(labels.chainCode, chainCode)
  }
  return {
    deriveHard(secret, chainCode) {
      requireSr25519Secret(secret)
      const transcript = newTranscript(chainCode).append(labels.secretKey, secret.subarray(0, 32))
      const seed = transcript.challenge(labels.derivedHard, 32)
      transcript.wipe()
      const pair = pairFromSeed(seed)
      seed.fill(0)
      return pair
    },
    deriveSoft(secret, chainCode) {
      const transcript = newTranscript(chainCode).append(labels.publicKey, pairFromSecret(secret).publicKey)
      const scalar = sodium.reduce(transcript.challenge(labels.derivedScalar, 64))
      transcript.challenge(labels.derivedChainCode, 32)
      // The nonce half is free to choose; from the secret alone it is the same on every call.
      const nonce = transcript.witness(labels.derivedNonce, 32, { seeds: [secret.subarray(32), secret], random: ZERO_RANDOM })
      return pairFromSecret(concatBytes(sodium.addScalars(secret.subarray(0, 32), scalar), nonce))
    },
    derivePublicSoft(publicKey, chainCode) {
      if (!isValidPoint(publicKey)) throw invalidPoint()
      const transcript = newTranscript(chainCode).append(labels.publicKey, publicKey)
      const scalar = sodium.reduce(transcript.challenge(labels.derivedScalar, 64))
      return sodium.add(publicKey, sodium.multiplyBase(scalar)) as Uint8Array
    },
  }
}

/** VRF of schnorrkel with the Kusama transcript: output 32 ‖ challenge 32 ‖ response 32. */
const createVrf = (sodium: Sodium, isValidPoint: (point: Uint8Array) => boolean): Pick<Sr25519, 'vrfSign' | 'vrfVerify'> => {
  const newTranscript = (label: Uint8Array): Transcript => new Transcript(sodium.keccak, label)
  const inputPoint = (message: Uint8Array, context: Uint8Array, publicKey: Uint8Array): Uint8Array => {
    const transcript = newTranscript(labels.signingContext).append(labels.context, context).append(labels.signBytes, message)
    return sodium.pointFromHash(transcript.append(labels.vrfKey, publicKey).challenge(labels.vrfHash, 64))
  }
  const proofTranscript = (input: Uint8Array): Transcript =>
    newTranscript(labels.vrf).append(labels.protocol, labels.dleq).append(labels.dleqInput, input)
  const challengeOf = (transcript: Transcript, points: { r: Uint8Array; hr: Uint8Array; publicKey: Uint8Array; output: Uint8Array }): Uint8Array => {
    transcript.append(labels.dleqR, points.r).append(labels.dleqHr, points.hr)
    transcript.append(labels.dleqKey, points.publicKey).append(labels.dleqOutput, points.output)
    return sodium.reduce(transcript.challenge(labels.dleqChallenge, 64))
  }

  const vrfSign = (secret: Uint8Array, message: Uint8Array, context: Uint8Array, random: Uint8Array): Uint8Array => {
    requireSr25519Secret(secret)
    requireLength('sr25519 signing randomness', random, 32)
    const scalar = secret.subarray(0, 32)
    const publicKey = sodium.multiplyBase(scalar)
    const input = inputPoint(message, context, publicKey)
    const output = sodium.multiply(scalar, input)
    const transcript = proofTranscript(input)
    const witness = sodium.reduce(transcript.witness(labels.dleqProving, 64, { seeds: [secret.subarray(32)], random }))
    const hr = sodium.multiply(witness, input)
    // Both are the identity with probability 2^-252 only.
    if (output === undefined || hr === undefined) throw invalidPoint()
    const challenge = challengeOf(transcript, { r: sodium.multiplyBase(witness), hr, publicKey, output })
    const response = sodium.subtractScalars(witness, sodium.multiplyScalars(challenge, scalar))
    witness.fill(0)
    return concatBytes(output, challenge, response)
  }

  const vrfVerify = (outputAndProof: Uint8Array, message: Uint8Array, publicKey: Uint8Array, context: Uint8Array): boolean => {
    if (outputAndProof.length !== 96 || !isValidPoint(publicKey)) return false
    const output = outputAndProof.subarray(0, 32)
    const challenge = outputAndProof.subarray(32, 64)
    const response = outputAndProof.subarray(64)
    if (!isCanonicalScalar(challenge) || !isCanonicalScalar(response) || !isValidPoint(output)) return false
    const input = inputPoint(message, context, publicKey)
    // A product is undefined only for scalar 0 here: the points were checked.
    const times = (scalar: Uint8Array, point: Uint8Array): Uint8Array => sodium.multiply(scalar, point) ?? IDENTITY
    const r = sodium.add(times(challenge, publicKey), sodium.multiplyBase(response))
    const hr = sodium.add(times(challenge, output), times(response, input))
    if (r === undefined || hr === undefined) return false
    return bytesEqual(challengeOf(proofTranscript(input), { r, hr, publicKey, output }), challenge)
  }

  return { vrfSign, vrfVerify }
}

/** The Node implementation of sr25519. */
export const createSr25519 = (sodium: Sodium): Sr25519 => {
  const keys = createKeys(sodium)
  return { ...keys, ...createSignatures(sodium), ...createDerivation(sodium, keys), ...createVrf(sodium, keys.isValidPoint) }
}
