import { toHex } from '@phalanx/primitives/bytes'
import { Justification } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildBlocks, createTestChain, createTestNode, signTransfers, type TestChain } from '../testing.ts'
import type { ForeignBlock } from './import.ts'

let chain: TestChain
let blocks: readonly ForeignBlock[]
beforeAll(async () => {
  chain = createTestChain(await loadCrypto())
  blocks = buildBlocks(chain, signTransfers(chain, 12), 4)
})

const first = (): ForeignBlock => blocks[0] as ForeignBlock
const flip = (bytes: Uint8Array, at: number): Uint8Array => {
  const out = bytes.slice()
  out[at] = (out[at] as number) ^ 1
  return out
}
const withJustification = (change: (justification: Justification) => Justification): ForeignBlock => ({
  ...first(), justification: Justification.encode(change(Justification.decode(first().justification as Uint8Array))),
})

describe('import', () => {
  test('takes blocks one by one or in a row, to the same state as the author', async () => {
    const one = await createTestNode(chain)
    for (const block of blocks) await one.importer.importBlock(block)
    const row = await createTestNode(chain)
    await row.importer.importBlocks(blocks)
    for (const node of [one, row]) {
      expect(node.head().number).toBe(3)
      expect(toHex(node.chain.head().state.root)).toBe(toHex(blocks[2]?.header.stateRoot as Uint8Array))
      expect(toHex(node.chain.store.justification(3) as Uint8Array)).toBe(toHex(blocks[2]?.justification as Uint8Array))
    }
  })
  test('takes what another node authored, and authors on top of it', async () => {
    const author = await createTestNode(chain)
    for (const extrinsic of signTransfers(chain, 3)) await author.submit(extrinsic)
    await author.seal()
    const follower = await createTestNode(chain)
    await follower.importer.importBlock({ header: author.chain.head().header, extrinsics: author.chain.store.body(1) as readonly Uint8Array[], justification: author.chain.store.justification(1) })
    expect(toHex(follower.head().hash)).toBe(toHex(author.head().hash))
    await follower.seal()
    expect(follower.head().number).toBe(2)
  })

  const refusals: readonly (readonly [string, () => ForeignBlock, string])[] = [
    ['without finality proof', () => ({ ...first(), justification: undefined }), 'BLOCK_JUSTIFICATION_MISSING'],
    ['with a proof that does not decode', () => ({ ...first(), justification: Uint8Array.of(1, 2) }), 'JUSTIFICATION_INVALID'],
    ['with the proof of another block', () => ({ ...first(), justification: blocks[1]?.justification }), 'JUSTIFICATION_INVALID'],
    ['with a proof signed wrongly', () => withJustification((one) => ({ ...one, commit: { ...one.commit, precommits: one.commit.precommits.map((vote) => ({ ...vote, signature: flip(vote.signature, 5) })) } })), 'JUSTIFICATION_INVALID'],
    ['with a proof without votes', () => withJustification((one) => ({ ...one, commit: { ...one.commit, precommits: [] } })), 'JUSTIFICATION_INVALID'],
    ['with a proof of another round', () => withJustification((one) => ({ ...one, round: one.round + 1n })), 'JUSTIFICATION_INVALID'],
    ['with a changed state root, re-proven by nobody', () => ({ ...first(), header: { ...first().header, stateRoot: flip(first().header.stateRoot, 0) } }), 'JUSTIFICATION_INVALID'],
    ['with a wrong signature inside', () => ({ ...first(), extrinsics: first().extrinsics.map((one, i) => (i === 2 ? flip(one, 60) : one)) }), 'BLOCK_EXTRINSIC_INVALID'],
    ['with an extrinsic missing', () => ({ ...first(), extrinsics: first().extrinsics.slice(0, -1) }), 'BLOCK_MISMATCH'],
    ['with an extrinsic twice', () => ({ ...first(), extrinsics: [...first().extrinsics, first().extrinsics[1] as Uint8Array] }), 'BLOCK_EXTRINSIC_INVALID'],
    ['without its inherent', () => ({ ...first(), extrinsics: first().extrinsics.slice(1) }), 'BLOCK_INHERENT_INVALID'],
    ['that skips a number', () => blocks[1] as ForeignBlock, 'BLOCK_NOT_NEXT'],
  ]
  test.each(refusals)('refuses a block %s; nothing changes', async (_name, make, code) => {
    const node = await createTestNode(chain)
    await expect(node.importer.importBlock(make())).rejects.toMatchObject({ code })
    expect(node.head().number).toBe(0)
    await node.importer.importBlock(first())
    expect(node.head().number).toBe(1)
  })
  test('stops a row at the first bad block and keeps the good ones', async () => {
    const node = await createTestNode(chain)
    const bad = { ...(blocks[1] as ForeignBlock), justification: undefined }
    await expect(node.importer.importBlocks([first(), bad, blocks[2] as ForeignBlock])).rejects.toMatchObject({ code: 'BLOCK_JUSTIFICATION_MISSING' })
    expect(node.head().number).toBe(1)
    await node.importer.importBlocks(blocks.slice(1))
    expect(node.head().number).toBe(3)
  })
})
