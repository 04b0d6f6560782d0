/** Owns how a command names a contract and a message of it: id, the file that describes it, arguments. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { findEntry, interfaceOfMetadata, parseInkMetadata, type EntryInterface } from '@phalanx/sdk/client'
import '../errors.ts'
import { readSmallFile } from '../secrets.ts'
import { hexBytes } from '../verify/hex.ts'
import { parseArguments } from './values.ts'

/** Largest description that is read: code of 2 MiB in hex, and metadata. */
const METADATA_BYTES_MAX = 16 * 1024 * 1024
const HASH = { min: 32, max: 32 }

/** Text of a contract's description. @throws CLI_FILE_UNREADABLE */
export const readMetadataText = (path: string): string => Buffer.from(readSmallFile(path, METADATA_BYTES_MAX)).toString('utf8')

/** Id of a contract. @throws CLI_OPTION_INVALID */
export const parseId = (what: string, text: string | undefined): Uint8Array => hexBytes(what, HASH)(text ?? '')

/** A message with everything that was typed for it. */
export interface TypedMessage {
  readonly id: Uint8Array
  /** Text of the description. */
  readonly metadata: string
  readonly message: EntryInterface
  readonly args: Readonly<Record<string, unknown>>
}

/**
 * Reads what was typed for a message, so that whatever is wrong there is said before anything is connected.
 * @throws CLI_OPTION_INVALID, CLI_FILE_UNREADABLE, SDK_INK_METADATA_MALFORMED, SDK_ENTRY_NOT_FOUND, CLI_ARGUMENTS_MALFORMED, and CLI_USAGE for a query that is to be sent
 */
export const readMessage = async (positional: readonly (string | undefined)[], options: { readonly metadata: string; readonly kind: 'command' | 'query' }): Promise<TypedMessage> => {
  const [id, name = '', args] = positional
  const contract = parseId('<contract>', id)
  const metadata = readMetadataText(options.metadata)
  const { name: title, messages } = interfaceOfMetadata(parseInkMetadata(metadata))
  const message = findEntry(title, messages, name)
  // The other way round is fine: a command that is asked for is tried, and what it would do is dropped.
  if (options.kind === 'command' && message.kind === 'query')
    throw new AppError('CLI_USAGE', { problem: `${message.name} changes nothing: ask it with phalanx contract query`, command: 'phalanx contract call' })
  return { id: contract, metadata, message, args: parseArguments(await loadCrypto(), message, args) }
}
