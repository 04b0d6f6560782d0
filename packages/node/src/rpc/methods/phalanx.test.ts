import { concatBytes, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import {
  AdmissionProof, AuthoritySet, decodeChainCheckpoint, FollowedBlocks, GenesisBlockInfo, headerHash, Justification, matchesPhlx, verifyJustification, type ChainCheckpoint,
} from '@phalanx/primitives/chain'
import { readProof } from '@phalanx/primitives/trie'
import { readAdmission, readCheckpointView } from '@phalanx/runtime/storage'
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

describe('phalanx_getCheckpoint', () => {
  const read = async (params: unknown): Promise<ChainCheckpoint> => decodeChainCheckpoint(parseHex(await rig.ask('phalanx_getCheckpoint', params)))

  test('gives the newest final block with its proof, its ancestors and a proven view', async () => {
    for (let i = 0; i < 3; i++) await rig.seal()
    const { crypto } = rig.chain
    const worker = new Uint8Array(32).fill(5)
    const checkpoint = await read({ worker: toHex(worker) })
    const { header } = checkpoint
    expect([header.number, checkpoint.ancestors.map(({ number }) => number), checkpoint.worker, checkpoint.hops]).toEqual([3, [2, 1, 0], worker, []])
    verifyJustification(crypto, {
      justification: Justification.decode(checkpoint.justification), authorities: checkpoint.authorities, target: { hash: headerHash(crypto, header), number: 3 },
    })
    const reader = readProof({ crypto, root: header.stateRoot, proof: checkpoint.proof })
    const view = readCheckpointView(crypto, (key) => reader.get(key), worker)
    expect([toHex(view.genesisHash), view.own?.nextSequence, view.own?.anchor]).toEqual([toHex(rig.chain.genesisHash), undefined, undefined])
  })

  test('serves an older block while its state is kept, and says so where there is none', async () => {
    for (let i = 0; i < 3; i++) await rig.seal()
    expect((await read([null, 2])).header.number).toBe(2)
    expect((await read([])).worker).toBeUndefined()
    for (const at of [0, 4]) expect((await rig.fails('phalanx_getCheckpoint', [null, at])).data.code).toBe('BLOCK_UNKNOWN')
    expect((await rig.fails('phalanx_getCheckpoint', ['0x01'])).data.code).toBe('RPC_INVALID_PARAMS')
  })
})

test('phalanx_getAdmission proves under which rules code is admitted', async () => {
  await rig.seal()
  const { crypto } = rig.chain
  const { header, proof } = AdmissionProof.decode(parseHex(await rig.ask('phalanx_getAdmission')))
  const reader = readProof({ crypto, root: header.stateRoot, proof })
  expect([header.number, readAdmission(crypto, (key) => reader.get(key)).measurements]).toEqual([1, []])
})
