/** Owns `phalanx keys generate` and `phalanx keys inspect`. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { encodeSs58, entropyToMnemonic, Secret, type Crypto } from '@phalanx/primitives/crypto'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { createSigner, type KeyType, type Signer } from '@phalanx/sdk/signer'
import { createStyle, printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { readSecret, writePrivateFile } from '../secrets.ts'
import { systemRandom } from '../system.ts'

interface KeyOptions {
  readonly type: KeyType
  readonly prefix: number
  readonly json: boolean
}

/** Bits of entropy per word, and the checksum's share: 12 words carry 16 bytes. */
const entropyBytes = (words: number): number => (words * 32) / 24

const publicFields = (crypto: Crypto, signer: Signer, prefix: number) => ({
  type: signer.keyType,
  address: encodeSs58(crypto, { prefix, payload: signer.accountId }),
  publicKey: toHex(signer.publicKey),
  accountId: toHex(signer.accountId),
})

const print = (io: CliIo, fields: Readonly<Record<string, string>>, isJson: boolean): void => {
  if (isJson) {
    printLine(io.stdout, toJson(fields))
    return
  }
  const style = createStyle(io.stdout, io.env)
  const width = Math.max(...Object.keys(fields).map((name) => name.length))
  for (const [name, value] of Object.entries(fields)) printLine(io.stdout, `${style.dim(name.padEnd(width))}  ${value}`)
}

/** Makes a key from fresh entropy. */
export const runGenerate: Runner = async (io, _positional, options) => {
  const { type, words, prefix, out, json } = options as unknown as KeyOptions & { readonly words: string; readonly out?: string }
  const crypto = await loadCrypto()
  const phrase = new Secret(entropyToMnemonic(systemRandom.bytes(entropyBytes(Number(words)))))
  const signer = createSigner({ suri: phrase, keyType: type }, { crypto, random: systemRandom })
  if (out !== undefined) writePrivateFile(out, `${phrase.reveal()}\n`)
  print(io, { ...(out === undefined ? { phrase: phrase.reveal() } : { file: out }), ...publicFields(crypto, signer, prefix) }, json)
  if (!json && out === undefined) printLine(io.stderr, 'Write the phrase down and keep it offline; whoever has it has the key.')
  return 0
}

/** Shows what a secret URI stands for. */
export const runInspect: Runner = async (io, [suri], options) => {
  const { type, prefix, file, json } = options as unknown as KeyOptions & { readonly file?: string }
  if (suri === undefined && file === undefined) throw new AppError('CLI_SECRET_MISSING', { what: 'secret URI' })
  const secret = file === undefined ? new Secret(suri ?? '') : await readSecret(io, file, 'secret URI')
  const crypto = await loadCrypto()
  print(io, publicFields(crypto, createSigner({ suri: secret, keyType: type }, { crypto, random: systemRandom }), prefix), json)
  return 0
}
