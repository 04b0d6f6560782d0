/** No byte of anything sealed can change unnoticed: every byte of each, one bit at a time here, and every cut; each refused with a code. */
import { describe, expect, test } from 'vitest'
import { loadCrypto } from '../crypto/node/index.ts'
import { codeOf } from '../testing.ts'
import { openCommand } from './command.ts'
import { openQuery, verifyQuery } from './query.ts'
import { openReceipt } from './receipt.ts'
import { openReferenceQuery, sealReferenceQuery } from './reference.ts'
import { openReply } from './reply.ts'
import { createContractParts } from './testing.ts'

const crypto = await loadCrypto()
const parts = createContractParts(crypto)
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const MASKS = process.env['PHALANX_LONG'] === '1' ? [0x01, 0x10, 0x80, 0xff] : [0x01]
const CODE = /^(CODEC|SEALED|COMMAND|CRYPTO|QUERY|CERTIFICATE|REPLY|RECEIPT)_/

const command = parts.prepareCommand()
const query = parts.prepareQuery()
const reply = parts.refuse(query)
const receipt = parts.acknowledge(command)
const reference = sealReferenceQuery(crypto, {
  own: parts.account, worker: parts.identity.publicKey, iv: fill(3, 12),
  content: { head: { id: parts.contract, nonce: fill(44) }, query: { kind: 'SidevmQuery', value: fill(1, 4) } },
})

const CASES: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
  ['command', command.payload.bytes, (bytes) => openCommand(crypto, parts.commandKeys, bytes)],
  ['query', query.sealed.bytes, (bytes) => verifyQuery(crypto, openQuery(crypto, bytes, parts.queryKeys), parts.standing)],
  ['reply', reply, (bytes) => openReply(crypto, query, bytes)],
  ['receipt', receipt, (bytes) => openReceipt(crypto, bytes, { commandHash: command.commandHash, own: command.own, target: command.target })],
  ['query in the reference\'s form', reference, (bytes) => openReferenceQuery(crypto, parts.identity.secret, bytes)],
]

describe.each(CASES)('a sealed %s', (_name, bytes, open) => {
  test('opens as it is', () => {
    expect(codeOf(() => open(bytes))).toBe('none')
  })
  test('with any byte changed is refused with a code', () => {
    for (let at = 0; at < bytes.length; at++)
      for (const mask of MASKS) {
        const changed = bytes.slice()
        changed[at] = (changed[at] as number) ^ mask
        expect(codeOf(() => open(changed)), `byte ${at} ^ ${mask}`).toMatch(CODE)
      }
  })
  test('cut anywhere, or with something behind it, is refused with a code', () => {
    for (let length = 0; length < bytes.length; length++) expect(codeOf(() => open(bytes.slice(0, length))), `cut to ${length}`).toMatch(CODE)
    expect(codeOf(() => open(new Uint8Array([...bytes, 0])))).toBe('CODEC_TRAILING_BYTES')
  })
})
