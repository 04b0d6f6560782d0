import { bytesEqual, parseHex } from '@phalanx/primitives/bytes'
import { Justification, verifyJustification } from '@phalanx/primitives/chain'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('grandpa', () => {
  test('proves every block, genesis aside', async () => {
    await rig.seal()
    await rig.seal()
    const proof = parseHex(await rig.ask('grandpa_proveFinality', [1]))
    const hash = rig.node.chain.store.hashOf(1) as Uint8Array
    expect(bytesEqual(proof.slice(0, 32), hash)).toBe(true)
    expect(await rig.ask('grandpa_proveFinality', [3])).toBeNull()
    expect((await rig.ask('grandpa_roundState')).setId).toBe(0)
    const { call, news } = rig.open()
    await call('grandpa_subscribeJustifications')
    await rig.seal()
    verifyJustification(rig.chain.crypto, { justification: Justification.decode(parseHex(news()[0])), authorities: rig.node.chain.authorities(), target: rig.node.head() })
  })
})
