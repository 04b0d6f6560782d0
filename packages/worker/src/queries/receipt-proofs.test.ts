import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { receiptLeaf, receiptsRoot, verifyReceiptProof } from '@phalanx/primitives/contracts'
import { expect, test } from 'vitest'
import type { BlockReceipts } from '../contracts/cluster/recent-receipts.ts'
import { createReceiptFinder, ReceiptProofs } from './receipt-proofs.ts'

const crypto = await loadCrypto()
const id = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const CONTRACT = id(200)
const ENVELOPE_BYTES = 1000

const blockOf = (number: number, commands: readonly number[]): BlockReceipts => {
  const receipts = commands.map((command) => ({ contract: CONTRACT, commandHash: id(command), envelope: new Uint8Array(ENVELOPE_BYTES).fill(command) }))
  return { block: number, receipts, root: receiptsRoot(crypto, receipts.map((one) => receiptLeaf(crypto, one, one.envelope))) }
}

test('a block\'s receipts are hashed once for all who ask', () => {
  let hashes = 0
  const proofs = new ReceiptProofs({ crypto: { blake2b256: (bytes) => {
    if (bytes.length >= ENVELOPE_BYTES) hashes++
    return crypto.blake2b256(bytes)
  } } })
  const block = blockOf(1, [1, 2, 3])
  for (const [index, { commandHash, envelope }] of block.receipts.entries()) {
    const { leaf, proof } = proofs.prove({ block, index })
    verifyReceiptProof(crypto, { sealed: envelope, index, leaf, proof }, { receiptsRoot: block.root, commandHash })
  }
  expect(hashes).toBe(3)
})

test('who waits looks only among blocks that came since, and everywhere where others took their place', () => {
  const [a, b, c] = [blockOf(1, [1]), blockOf(2, [2]), blockOf(3, [3])]
  const find = createReceiptFinder({ contract: CONTRACT, commandHash: id(3) })
  expect(find([a, b])).toBeUndefined()
  let looks = 0
  const watched = new Proxy(b, { get: (target, key) => (key === 'receipts' ? (looks++, target.receipts) : Reflect.get(target, key) as unknown) })
  const again = createReceiptFinder({ contract: CONTRACT, commandHash: id(3) })
  expect(again([a, watched])).toBeUndefined()
  const before = looks
  expect(again([a, watched])).toBeUndefined()
  expect(again([a, watched, c])?.block.block).toBe(3)
  expect([before > 0, looks]).toEqual([true, before])
  expect(find([c])?.index).toBe(0)
})
