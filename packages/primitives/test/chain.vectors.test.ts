/** Headers, extrinsics, identifiers and RPC samples of real chains (shared/vectors/5-wire). */
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { parseHex, toHex, toHexPlain, utf8 } from '../src/bytes.ts'
import { compactU128 } from '../src/codec/numbers.ts'
import { decodeExtrinsic, encodeExtrinsic } from '../src/chain/extrinsic.ts'
import { Header, headerHash } from '../src/chain/header.ts'
import { loadCrypto } from '../src/crypto/node/index.ts'
import { Message, messageSigningPayload } from '../src/messages/message.ts'
import { orderedRoot } from '../src/trie/ordered.ts'

interface RpcBlock {
  readonly name: string
  readonly header: { parentHash: string; number: number; stateRoot: string; extrinsicsRoot: string }
  readonly extrinsics: readonly string[]
  readonly expected: { encodedHeader: string; blockHash: string; extrinsicsRootTrieVersion: 'V0' | 'V1' | null }
}
interface WestendBlock { readonly number: number; readonly hash: string; readonly encodedHeader: string; readonly extrinsicsRoot: string; readonly extrinsics: readonly string[]; readonly extrinsicsRootTrieVersion: 'V0' | 'V1' }

const crypto = await loadCrypto()

describeVectors('headers and bodies of real blocks', () => {
  const { blocks } = readVectorJson<{ blocks: readonly RpcBlock[] }>('5-wire/blocks.json')
  test.each(blocks.map((block) => [block.name, block] as const))('%s decodes to its published fields, re-encodes and hashes to its published hash', (_name, block) => {
    const bytes = parseHex(block.expected.encodedHeader)
    const header = Header.decode(bytes)
    expect(header.number).toBe(block.header.number)
    for (const field of ['parentHash', 'stateRoot', 'extrinsicsRoot'] as const) expect(toHex(header[field])).toBe(block.header[field])
    expect(Header.encode(header)).toEqual(bytes)
    expect(toHex(headerHash(crypto, header))).toBe(block.expected.blockHash)
    const { extrinsicsRootTrieVersion } = block.expected
    if (extrinsicsRootTrieVersion !== null) {
      const version = extrinsicsRootTrieVersion === 'V1' ? 1 : 0
      const root = orderedRoot({ crypto, version, items: block.extrinsics.map(parseHex) })
      expect(toHexPlain(root)).toBe(toHexPlain(header.extrinsicsRoot))
    }
  })

  const westend = readVectorJson<{ blocks: readonly WestendBlock[] }>('5-wire/blocks-westend.json').blocks
  test(`${westend.length} Westend headers decode, re-encode and hash as published`, () => {
    expect(westend.length).toBeGreaterThan(0)
    for (const block of westend) {
      const bytes = parseHex(block.encodedHeader)
      const header = Header.decode(bytes)
      expect(header.number).toBe(block.number)
      expect(Header.encode(header)).toEqual(bytes)
      expect(toHexPlain(headerHash(crypto, header))).toBe(block.hash)
      const version = block.extrinsicsRootTrieVersion === 'V1' ? 1 : 0
      expect(toHexPlain(orderedRoot({ crypto, version, items: block.extrinsics.map(parseHex) }))).toBe(block.extrinsicsRoot)
    }
  })
})

describeVectors('extrinsics of real chains', () => {
  interface ExtrinsicCase { readonly name: string; readonly signed?: string; readonly extrinsic?: string; readonly decoded?: { nonce: number; tip: string; signer: string } }
  const { tests } = readVectorJson<{ tests: readonly ExtrinsicCase[] }>('5-wire/extrinsics.json')
  const named = (name: string): ExtrinsicCase => {
    const found = tests.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no vector named ${name}`)
    return found
  }

  test('a signed Kusama transfer comes apart into its published parts and back into its bytes', () => {
    const { signed, decoded } = named('pjs-v4-actual-kusama-transaction')
    const bytes = parseHex(signed ?? '')
    const extrinsic = decodeExtrinsic(bytes)
    expect(extrinsic.signed?.signature.kind).toBe('Ed25519')
    expect(extrinsic.signed?.address).toEqual({ kind: 'Id', value: parseHex(decoded?.signer ?? '') })
    expect(extrinsic.signed?.extra).toEqual({ era: { kind: 'Mortal', period: 1024, phase: 186 }, nonce: decoded?.nonce, tip: BigInt(decoded?.tip ?? '') })
    expect(toHexPlain(extrinsic.call.subarray(0, 2))).toBe('0600')
    expect(compactU128.decode(extrinsic.call.subarray(35))).toBe(104560923320000n)
    expect(encodeExtrinsic(extrinsic)).toEqual(bytes)
  })

  test('format 5 is refused with its own code', () => {
    expect(() => decodeExtrinsic(parseHex(named('pjs-v5-general').extrinsic ?? ''))).toThrow(expect.objectContaining({ code: 'EXTRINSIC_VERSION_UNSUPPORTED' }))
  })
})

describeVectors('identifiers of the reference', () => {
  test('a queue message signs SCALE(message) and its sequence', () => {
    const { mqSigning } = readVectorJson<{ mqSigning: { encodedMessage: string } }>('5-wire/phala.json')
    const message: Message = { sender: { kind: 'Gatekeeper' }, destination: utf8('topic'), payload: utf8('payload') }
    expect(toHexPlain(Message.encode(message))).toBe(mqSigning.encodedMessage)
    expect(toHexPlain(messageSigningPayload(message, 0n))).toBe(`${mqSigning.encodedMessage}0000000000000000`)
  })
})
