/**
 * Owns keys of sent commands on disk: a folder with one file for each, readable by its owner alone. With it the sender, and nobody else, can read command and receipt
 * later. Whoever keeps none loses nothing but that.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseHex, toHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { PreparedCommand } from '@phalanx/primitives/contracts'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'
import { readSmallFile, writePrivateFile } from '../secrets.ts'

/** What opens a command and its receipt. */
export type CommandKey = Pick<PreparedCommand, 'own' | 'target' | 'commandHash'>

const FORMAT = 1
const FIELDS = ['commandHash', 'secret', 'publicKey', 'genesis', 'anchor', 'channelKey'] as const
const DECIMAL = /^[0-9]{1,20}$/

/** The folder for keys beside a contract's metadata: where a development network keeps what belongs to its example. */
export const folderBeside = (metadata: string): string => join(dirname(metadata), 'commands')

const fileOf = (folder: string, commandHash: Uint8Array): string => join(folder, `${toHexPlain(commandHash)}.json`)

/** Keeps the key of a command; gives the file. @throws CLI_FILE_EXISTS, CLI_FILE_UNWRITABLE */
export const keepCommandKey = (folder: string, { own, target, commandHash }: CommandKey): string => {
  const path = fileOf(folder, commandHash)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new AppError('CLI_FILE_UNWRITABLE', { path: folder, reason: (cause as { readonly code?: string }).code ?? 'unwritable' }, { cause })
  }
  const content = {
    format: FORMAT, commandHash: toHex(commandHash), epoch: target.epoch.toString(), secret: toHex(own.secret), publicKey: toHex(own.publicKey),
    genesis: toHex(target.genesis), anchor: toHex(target.anchor), channelKey: toHex(target.publicKey),
  }
  writePrivateFile(path, `${JSON.stringify(content, undefined, 2)}\n`)
  return path
}

/** The key of a command; undefined where the folder has none. @throws CLI_COMMAND_KEY_MALFORMED, CLI_FILE_UNREADABLE */
export const findCommandKey = (folder: string, commandHash: Uint8Array): CommandKey | undefined => {
  const path = fileOf(folder, commandHash)
  if (!existsSync(path)) return undefined
  const malformed = (reason: string): AppError => new AppError('CLI_COMMAND_KEY_MALFORMED', { path, reason })
  let file: Readonly<Record<string, unknown>>
  try {
    file = JSON.parse(Buffer.from(readSmallFile(path)).toString('utf8')) as typeof file
  } catch (cause) {
    throw cause instanceof AppError ? cause : malformed('it is no JSON')
  }
  const { format, epoch } = file
  if (format !== FORMAT || typeof epoch !== 'string' || !DECIMAL.test(epoch)) throw malformed('it is of another format')
  const bytes = Object.fromEntries(FIELDS.map((name) => {
    const text = file[name]
    if (typeof text !== 'string' || !/^0x([0-9a-f]{2})+$/.test(text)) throw malformed(`${name} is no hex`)
    return [name, parseHex(text)]
  })) as Record<(typeof FIELDS)[number], Uint8Array>
  if (toHex(bytes.commandHash) !== toHex(commandHash)) throw malformed('it is of another command')
  return {
    commandHash, own: { secret: bytes.secret, publicKey: bytes.publicKey },
    target: { epoch: BigInt(epoch), genesis: bytes.genesis, anchor: bytes.anchor, publicKey: bytes.channelKey },
  }
}
