/**
 * Owns the format of encrypted backups: scrypt over a passphrase, AES-256-GCM over a SCALE list of files.
 * Reading is strict and bounded; where files come from and go to is commands/keys-backup.ts.
 */
import { randomBytes, scryptSync } from 'node:crypto'
import { parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { bytesUpTo, option, struct, textUpTo, u16, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto, Secret } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'

/** Largest backup. */
export const BACKUP_BYTES_MAX = 64 * 1024 * 1024
const FORMAT = 'phalanx-backup'
const VERSION = 1
/** 128 MiB and about half a second: guesses cost an attacker the same. */
const COST = { N: 2 ** 17, r: 8, p: 1 }
const COST_LIMITS = { N: 2 ** 20, r: 16, p: 4 }
const SALT_BYTES = 32
const IV_BYTES = 12

const BackedUpFile = struct({ path: textUpTo(4096), mode: u16, content: bytesUpTo(BACKUP_BYTES_MAX) })

/** What a backup holds: a key file's content, a worker's folder, or both. */
export const BackupContent = struct({ key: option(bytesUpTo(16 * 1024)), files: vecUpTo(BackedUpFile, 10_000) })
export type BackupContent = TypeOf<typeof BackupContent>

interface Envelope {
  readonly format: string
  readonly version: number
  readonly kdf: { readonly N: number; readonly r: number; readonly p: number; readonly salt: string }
  readonly iv: string
  readonly data: string
}

const keyOf = (passphrase: Secret<string>, kdf: Envelope['kdf']): Uint8Array =>
  new Uint8Array(scryptSync(passphrase.reveal().normalize('NFKC'), Buffer.from(kdf.salt, 'base64'), 32, { N: kdf.N, r: kdf.r, p: kdf.p, maxmem: 256 * kdf.N * kdf.r }))

/** Everything outside the ciphertext is bound to it. */
const aadOf = ({ format, version, kdf }: Pick<Envelope, 'format' | 'version' | 'kdf'>): Uint8Array =>
  utf8([format, version, kdf.N, kdf.r, kdf.p, kdf.salt].join('/'))

/** Encrypts a backup. */
export const sealBackup = (crypto: Pick<Crypto, 'aesGcmSeal'>, content: BackupContent, passphrase: Secret<string>): string => {
  const kdf = { ...COST, salt: randomBytes(SALT_BYTES).toString('base64') }
  const iv = new Uint8Array(randomBytes(IV_BYTES))
  const head = { format: FORMAT, version: VERSION, kdf }
  const sealed = crypto.aesGcmSeal({ key: keyOf(passphrase, kdf), iv, aad: aadOf(head), plaintext: BackupContent.encode(content) })
  const envelope: Envelope = { ...head, iv: Buffer.from(iv).toString('base64'), data: Buffer.from(sealed).toString('base64') }
  return `${JSON.stringify(envelope, undefined, 2)}\n`
}

const parseEnvelope = (bytes: Uint8Array, path: string): Envelope => {
  const refuse = (reason: string, cause?: unknown): AppError => new AppError('CLI_BACKUP_MALFORMED', { path, reason }, cause === undefined ? {} : { cause })
  let found: Partial<Envelope>
  try {
    found = JSON.parse(parseUtf8(bytes)) as Partial<Envelope>
  } catch (cause) {
    throw refuse('it is not JSON', cause)
  }
  const { format, version, kdf, iv, data } = found
  if (format !== FORMAT) throw refuse('it is something else')
  if (version !== VERSION) throw refuse(`it has version ${String(version)}, this program reads ${VERSION}`)
  if (typeof kdf?.salt !== 'string' || typeof iv !== 'string' || typeof data !== 'string') throw refuse('a field is missing')
  const isPowerOfTwo = Number.isInteger(kdf.N) && kdf.N > 1 && (kdf.N & (kdf.N - 1)) === 0
  const isWithin = isPowerOfTwo && kdf.N <= COST_LIMITS.N && kdf.r >= 1 && kdf.r <= COST_LIMITS.r && kdf.p >= 1 && kdf.p <= COST_LIMITS.p
  if (!isWithin || !Number.isInteger(kdf.r) || !Number.isInteger(kdf.p)) throw refuse('its cost parameters are out of bounds')
  if (Buffer.from(iv, 'base64').length !== IV_BYTES) throw refuse('its IV has the wrong length')
  return { format, version, kdf, iv, data }
}

/** Decrypts a backup. @throws CLI_BACKUP_MALFORMED, CLI_BACKUP_WRONG_PASSPHRASE */
export const openBackup = (
  crypto: Pick<Crypto, 'aesGcmOpen'>,
  file: { readonly bytes: Uint8Array; readonly path: string },
  passphrase: Secret<string>,
): BackupContent => {
  const envelope = parseEnvelope(file.bytes, file.path)
  const ciphertext = new Uint8Array(Buffer.from(envelope.data, 'base64'))
  let plaintext: Uint8Array
  try {
    plaintext = crypto.aesGcmOpen({ key: keyOf(passphrase, envelope.kdf), iv: new Uint8Array(Buffer.from(envelope.iv, 'base64')), aad: aadOf(envelope), ciphertext })
  } catch (cause) {
    throw new AppError('CLI_BACKUP_WRONG_PASSPHRASE', { path: file.path }, { cause })
  }
  try {
    return BackupContent.decode(plaintext)
  } catch (cause) {
    throw new AppError('CLI_BACKUP_MALFORMED', { path: file.path, reason: 'its content cannot be read' }, { cause })
  }
}
