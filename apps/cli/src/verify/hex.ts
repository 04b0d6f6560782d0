/** Owns options that are bytes in hex. */
import { parseHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'

/** Bytes in hex within bounds. @throws CLI_OPTION_INVALID */
export const hexBytes = (option: string, bounds: { readonly min: number; readonly max: number }) => (value: string): Uint8Array => {
  const bytes = /^(0x)?([0-9a-fA-F]{2})+$/.test(value) ? parseHex(value) : undefined
  if (bytes === undefined || bytes.length < bounds.min || bytes.length > bounds.max) {
    const expected = bounds.min === bounds.max ? `${bounds.min} bytes in hex` : `${bounds.min} to ${bounds.max} bytes in hex`
    throw new AppError('CLI_OPTION_INVALID', { option, value, expected })
  }
  return bytes
}
