import { concatBytes, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { AuthoritySet, FollowedBlocks, GenesisBlockInfo, headerHash, Justification, matchesPhlx, verifyJustification } from '@phalanx/primitives/chain'
import { readProof } from '@phalanx/primitives/trie'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('phalanx', () => {
  test('feeds followers what verifies against headers and proofs', async () => {
    await rig.seal(2)
    await rig.seal()
    const blocks = FollowedBlocks.decode(parseHex(await rig.ask('phalanx_getBlocks', [1, 100])))
    expect(blocks.length).toBe(2)
    for (const { header, justification, messages } of blocks) {
      expect(matchesPhlx(rig.chain.crypto, header, messages)).toBe(true)
      verifyJustification(rig.chain.crypto, {
        justification: Justification.decode(justification as Uint8Array), authorities: rig.node.chain.authorities(),
        target: { hash: headerHash(rig.chain.crypto, header), number: header.number },
      })
    }
    expect(FollowedBlocks.decode(parseHex(await rig.ask('phalanx_getBlocks', [2, 1]))).length).toBe(1)
    expect(await rig.ask('phalanx_getBlocks', [9, 1])).toBe('0x00')
  })
  test('gives light clients a genesis whose authorities are proven', async () => {
    const info = GenesisBlockInfo.decode(parseHex(await rig.ask('phalanx_genesisInfo')))
    expect(toHex(headerHash(rig.chain.crypto, info.blockHeader))).toBe(toHex(rig.chain.genesisHash))
    const reader = readProof({ crypto: rig.chain.crypto, root: info.blockHeader.stateRoot, proof: info.proof })
    const stored = reader.get(concatBytes(rig.chain.crypto.twox128(utf8('Grandpa')), rig.chain.crypto.twox128(utf8('Authorities'))))
    const encoded = AuthoritySet.encode(info.authoritySet)
    expect(toHex(stored as Uint8Array)).toBe(toHex(encoded.slice(0, -8)))
  })
  test('seals on request', async () => {
    expect(await rig.ask('phalanx_sealBlock')).toBe(toHex(rig.node.head().hash))
    expect(rig.node.head().number).toBe(1)
  })
})
