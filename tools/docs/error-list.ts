/** Owns the text of docs/errors.md: every stable code of the project with cause and remedy, read from the packages' error tables. */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { allErrors } from '@phalanx/primitives/errors'

const root = resolve(import.meta.dirname, '../..')

/** What the first word of a code stands for. */
const AREAS: Readonly<Record<string, string>> = {
  ATTESTATION: 'evidence of a trusted execution environment, certificates and collateral',
  BLOCK: 'blocks that a node makes or imports',
  CERTIFICATE: 'certificates of those who sign queries',
  CHAIN: 'chain specifications',
  CLI: 'the command line',
  CODEC: 'values as bytes (SCALE)',
  COMMAND: 'commands to contracts',
  CRYPTO: 'keys, signatures, encryption, addresses',
  ENGINE: 'the block author',
  EXTRINSIC: 'extrinsics',
  HEADER: 'block headers',
  HEX: 'hexadecimal text',
  INVOCATION: 'what a sealed command holds',
  JUSTIFICATION: 'proofs of finality',
  LIGHT: 'a worker\'s light client',
  OPTIONS: 'options of the node',
  QUERY: 'queries of contracts',
  RECEIPT: 'receipts of commands',
  RELAY: 'the relay',
  REPLY: 'replies to queries',
  RPC: 'JSON-RPC of the node',
  RUNTIME: 'the chain\'s rules',
  SDK: 'the client library',
  SEAL: 'sealed files of a worker',
  SEALED: 'sealed commands, queries, replies and receipts',
  STATE: 'state of a block',
  STORAGE: 'the node\'s database',
  TRIE: 'state tries and their proofs',
  TXPOOL: 'the transaction pool',
  VERIFY: 'checking by a client',
  WIRE: 'the worker API\'s encodings',
  WORKER: 'the worker',
}

const errorModules = (): readonly string[] => {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name, 'src/errors.ts'))
  return [...packages, join(root, 'apps/cli/src/errors.ts')].filter((path) => existsSync(path))
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\{(\w+)\}/g, '‹$1›').replaceAll('\n', ' ')

/** The whole document. */
export const renderErrorList = async (): Promise<string> => {
  for (const path of errorModules()) await import(pathToFileURL(path).href)
  const errors = allErrors()
  const areas = [...new Set(errors.map(({ code }) => code.split('_')[0] as string))]
  const lines = [
    '# Error codes',
    '',
    'Every refusal carries a stable code, a sentence with the cause, and what to do about it; where a value was decoded, also the path',
    'of the field (`CODEC_OUT_OF_RANGE at registration.features[3]: …`). Words in ‹angle brackets› are filled in. This file is written by',
    '`npm run docs` from the packages\' own tables and checked in the test run. Errors of calls on the chain (module',
    'errors) are not here: they are in the metadata, with their documentation.',
    '',
  ]
  for (const area of areas) {
    lines.push(`## ${area}${AREAS[area] === undefined ? '' : ` – ${AREAS[area]}`}`, '', '| code | cause | remedy |', '| --- | --- | --- |')
    for (const { code, text, fix } of errors.filter((error) => error.code.startsWith(`${area}_`))) lines.push(`| \`${code}\` | ${cell(text)} | ${cell(fix)} |`)
    lines.push('')
  }
  return lines.join('\n')
}
