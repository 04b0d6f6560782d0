/** Owns PEM (RFC 7468, strict form): blocks of one label, LF or CRLF lines, nothing between them. Does not order chains. */
import { attestationError } from '../errors.ts'
import { parseBase64, toBase64 } from '../base64.ts'

/** Most blocks of one chain. */
const BLOCKS_MAX = 8
/** Longest PEM text: 256 KiB. A chain takes 5 KiB; a revocation list may take much of it. */
const PEM_MAX = 256 * 1024

const LINE = /^[A-Za-z0-9+/=]{1,76}$/

const bad = (detail: string): never => {
  throw attestationError('ATTESTATION_PEM_MALFORMED', detail)
}

/**
 * DER of each block in the order given. Blank lines and NULs may follow the last block, as quoting libraries leave them.
 * @throws ATTESTATION_PEM_MALFORMED, ATTESTATION_BASE64_MALFORMED, ATTESTATION_INPUT_TOO_LARGE
 */
export const parsePem = (text: string, label = 'CERTIFICATE'): readonly Uint8Array[] => {
  if (text.length > PEM_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `PEM of ${text.length} characters, at most ${PEM_MAX}`)
  const lines = text.replace(/\0+$/, '').split('\n')
  const blocks: Uint8Array[] = []
  let body: string | undefined
  for (let i = 0; i < lines.length; i++) {
    const raw = lines[i] as string
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    if (body === undefined) {
      if (line === '') continue
      if (line !== `-----BEGIN ${label}-----`) return bad(`line ${i + 1} is not -----BEGIN ${label}-----`)
      if (blocks.length === BLOCKS_MAX) return bad(`more than ${BLOCKS_MAX} blocks`)
      body = ''
    } else if (line === `-----END ${label}-----`) {
      blocks.push(parseBase64(body))
      body = undefined
    } else {
      if (!LINE.test(line)) return bad(`line ${i + 1} is not base64`)
      body += line
    }
  }
  if (body !== undefined) return bad('the last block does not end')
  if (blocks.length === 0) return bad('no block')
  return blocks
}

/** PEM text of DER blocks, 64 characters to the line, ending in a newline. */
export const formatPem = (blocks: readonly Uint8Array[], label = 'CERTIFICATE'): string =>
  blocks
    .map((block) => `-----BEGIN ${label}-----\n${toBase64(block).replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`)
    .join('')
