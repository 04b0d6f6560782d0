/** Owns reading what `phalanx verify` is given: files up to a bound, and standard input. Everything is untrusted. */
import { parsePolicy, type AttestationPolicy } from '@phalanx/attestation'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import type { CliIo } from '../output.ts'
import { readSmallFile } from '../secrets.ts'

/** Largest evidence or collateral file. */
const FILE_BYTES_MAX = 4 * 1024 * 1024

/** A file's bytes; `-` is standard input. @throws CLI_FILE_UNREADABLE */
export const readInput = async (io: CliIo, path: string): Promise<Uint8Array> => {
  if (path !== '-') return readSmallFile(path, FILE_BYTES_MAX)
  const parts: Buffer[] = []
  let size = 0
  for await (const part of io.stdin) {
    const bytes = Buffer.from(part as Uint8Array)
    size += bytes.length
    if (size > FILE_BYTES_MAX) throw new AppError('CLI_FILE_UNREADABLE', { path, reason: `it is longer than ${FILE_BYTES_MAX} bytes` })
    parts.push(bytes)
  }
  return new Uint8Array(Buffer.concat(parts, size))
}

/** A policy file. @throws CLI_FILE_UNREADABLE, ATTESTATION_POLICY_MALFORMED and other ATTESTATION_ codes */
export const readPolicy = async (io: CliIo, path: string): Promise<AttestationPolicy> => parsePolicy(await readInput(io, path))
