/** Owns `phalanx contract build`. */
import { join, relative, resolve } from 'node:path'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { labelOf } from '@phalanx/sdk/contract/abi'
import { buildContract, bundleText, findContract, metadataText, type BuiltContract } from '../contract/build-contract.ts'
import { createStyle, printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'
import { writeTextFile } from '../write-file.ts'

const messagesOf = ({ definition }: BuiltContract, kind: string): string =>
  Object.entries(definition.messages).filter(([, message]) => message.kind === kind).map(([name]) => labelOf(name)).join(', ')

/** Builds a contract and writes its two files. */
export const runBuildContract: Runner = async (io, [target = '.'], options) => {
  const source = findContract(target)
  const built = await buildContract(source, { crypto: await loadCrypto() })
  const { name, version } = built.definition
  const out = typeof options['out'] === 'string' ? resolve(options['out']) : join(source.folder, 'build')
  const [bundle, metadata] = [join(out, `${name}.contract`), join(out, `${name}.json`)]
  writeTextFile(bundle, bundleText(built))
  writeTextFile(metadata, metadataText(built))
  const shown = (path: string): string => relative(process.cwd(), path)
  const next = [`phalanx contract deploy ${shown(bundle)}`]
  if (options['json'] === true) {
    printLine(io.stdout, toJson({ name, version, codeHash: toHex(built.codeHash), codeBytes: built.code.length, bundle, metadata, next }))
    return 0
  }
  const style = createStyle(io.stdout, io.env)
  const rows: readonly (readonly [string, string])[] = [
    ['code', `${built.code.length} bytes, hash ${toHex(built.codeHash)}`], ['commands', messagesOf(built, 'command')], ['queries', messagesOf(built, 'query')],
    ['written', shown(bundle)], ['', shown(metadata)],
  ]
  printLine(io.stdout, `${style.good('built')}  ${style.bold(name)} ${version}`)
  for (const [title, text] of rows) if (text !== '') printLine(io.stdout, `  ${style.dim(title.padEnd(8))}  ${text}`)
  printLine(io.stdout, `\nNext:\n${next.map((line) => `  $ ${line}`).join('\n')}`)
  return 0
}
