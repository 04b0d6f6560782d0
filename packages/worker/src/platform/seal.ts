/**
 * Owns the form of sealed files: a readable header that says what the file is and for which code, and AES-256-GCM over the content,
 * with the header as associated data. Every way in which a file can be wrong has its own code; no file is ever changed by reading it.
 */
import { bytesEqual, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { ByteReader, bytesUpTo, fixedBytes, struct, textUpTo, u8, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { BlobStore, Random } from '@phalanx/primitives/ports'
import type { Platform } from './platform.ts'

const MAGIC = utf8('PHXS')
const SEAL_VERSION = 1
const SEALED_BYTES_MAX = 64 * 1024 * 1024

const Header = struct({ platform: textUpTo(64), measurement: bytesUpTo(256), name: textUpTo(128), iv: fixedBytes(12) })
const ciphertextCodec = bytesUpTo(SEALED_BYTES_MAX)

type SealCrypto = Pick<Crypto, 'hkdfSha256' | 'aesGcmSeal' | 'aesGcmOpen'>

/** Seals and opens named files for this code on this machine. */
export interface Sealer {
  /** Seals and stores; after it resolves the file survives a crash. @throws SEAL_WRITE_FAILED */
  write(name: string, content: Uint8Array): Promise<void>
  /** Content, or undefined where there is no such file. @throws SEAL_ codes */
  read(name: string): Promise<Uint8Array | undefined>
  remove(name: string): Promise<void>
}

const keyFor = (crypto: SealCrypto, sealingKey: Uint8Array, prefix: Uint8Array): Uint8Array =>
  crypto.hkdfSha256({ ikm: sealingKey, salt: utf8('phalanx/sealed-file/1'), info: prefix, length: 32 })

const prefixOf = (header: TypeOf<typeof Header>): Uint8Array => concatBytes(MAGIC, Uint8Array.of(SEAL_VERSION), Header.encode(header))

interface SealedFile {
  readonly header: TypeOf<typeof Header>
  readonly ciphertext: Uint8Array
}

/** Reads the form of a sealed file. @throws SEAL_MALFORMED, SEAL_VERSION_UNSUPPORTED */
const parseSealed = (name: string, file: Uint8Array): SealedFile => {
  try {
    const input = new ByteReader(file)
    if (!bytesEqual(input.raw(MAGIC.length), MAGIC)) throw new AppError('SEAL_MALFORMED', { name, reason: 'it is not a sealed file' })
    const version = u8.read(input)
    if (version !== SEAL_VERSION) throw new AppError('SEAL_VERSION_UNSUPPORTED', { name, version })
    const header = Header.read(input)
    const ciphertext = ciphertextCodec.read(input)
    input.finish()
    return { header, ciphertext }
  } catch (error) {
    if (!isAppError(error) || error.code.startsWith('SEAL_')) throw error
    throw new AppError('SEAL_MALFORMED', { name, reason: 'it was cut or altered' }, { cause: error })
  }
}

/** Seals content for a name. */
export const sealBytes = (
  crypto: SealCrypto, options: { readonly platform: Pick<Platform, 'name' | 'measurement'>; readonly sealingKey: Uint8Array; readonly name: string; readonly content: Uint8Array; readonly iv: Uint8Array },
): Uint8Array => {
  const { platform, sealingKey, name, content, iv } = options
  const prefix = prefixOf({ platform: platform.name, measurement: platform.measurement, name, iv })
  const key = keyFor(crypto, sealingKey, prefix)
  const ciphertext = crypto.aesGcmSeal({ key, iv, aad: prefix, plaintext: content })
  key.fill(0)
  return concatBytes(prefix, ciphertextCodec.encode(ciphertext))
}

/** Opens a sealed file. @throws SEAL_MALFORMED, SEAL_VERSION_UNSUPPORTED, SEAL_FOREIGN, SEAL_TAMPERED */
export const openBytes = (
  crypto: SealCrypto, options: { readonly platform: Pick<Platform, 'name' | 'measurement'>; readonly sealingKey: Uint8Array; readonly name: string; readonly file: Uint8Array },
): Uint8Array => {
  const { platform, sealingKey, name, file } = options
  const { header, ciphertext } = parseSealed(name, file)
  const foreign = (reason: string): AppError => new AppError('SEAL_FOREIGN', { name, reason })
  if (header.name !== name) throw foreign('it was sealed under another name')
  if (header.platform !== platform.name) throw foreign('it was sealed by another platform')
  if (!bytesEqual(header.measurement, platform.measurement)) throw foreign('it was sealed by other code')
  const prefix = prefixOf(header)
  const key = keyFor(crypto, sealingKey, prefix)
  try {
    return crypto.aesGcmOpen({ key, iv: header.iv, aad: prefix, ciphertext })
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    throw new AppError('SEAL_TAMPERED', { name }, { cause })
  } finally {
    key.fill(0)
  }
}

const reasonOf = (cause: unknown): string => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : 'the store refused it'
}

/** Keeps nothing: without a key of the machine whatever is written could be read, or put back, by its host. */
const forgetfulSealer: Sealer = { write: () => Promise.resolve(), read: () => Promise.resolve(undefined), remove: () => Promise.resolve() }

/** A sealer over a platform and a store; over a platform without a sealing key it forgets everything. */
export const createSealer = (dependencies: { readonly platform: Platform; readonly blobs: BlobStore; readonly random: Random; readonly crypto: SealCrypto }): Sealer => {
  const { platform, blobs, random, crypto } = dependencies
  if (platform.sealingKey === undefined) return forgetfulSealer
  const keyOf = platform.sealingKey.bind(platform)
  const withKey = async <T>(use: (sealingKey: Uint8Array) => T): Promise<T> => {
    const sealingKey = await keyOf()
    try {
      return use(sealingKey)
    } finally {
      sealingKey.fill(0)
    }
  }
  return {
    async write(name, content) {
      const file = await withKey((sealingKey) => sealBytes(crypto, { platform, sealingKey, name, content, iv: random.bytes(12) }))
      try {
        await blobs.write(name, file)
      } catch (cause) {
        throw new AppError('SEAL_WRITE_FAILED', { name, reason: reasonOf(cause) }, { cause })
      }
    },
    async read(name) {
      const file = await blobs.read(name)
      return file === undefined ? undefined : withKey((sealingKey) => openBytes(crypto, { platform, sealingKey, name, file }))
    },
    remove: (name) => blobs.remove(name),
  }
}
