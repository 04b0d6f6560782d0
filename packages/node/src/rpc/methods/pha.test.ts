import { bytesEqual, parseHex, toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { MessageOrigin } from '@phalanx/primitives/messages'
import { createTrie } from '@phalanx/primitives/trie'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('pha', () => {
  test('replays the whole state from the changes, root by root', async () => {
    await rig.seal(3)
    await rig.seal()
    const range = [toHex(rig.chain.genesisHash), toHex(rig.node.head().hash)]
    const changes = await rig.ask('pha_getStorageChangesWithRoot', range)
    expect(changes.length).toBe(3)
    let state = createTrie({ crypto: rig.chain.crypto, version: 1 })
    for (const [number, one] of changes.entries()) {
      state = state.apply(one.changes.mainStorageChanges.map(([key, value]: [string, string | null]) => [parseHex(key), value === null ? undefined : parseHex(value)]))
      expect([...state.root]).toEqual(one.stateRoot)
      expect(bytesEqual(state.root, rig.node.chain.store.header(number)?.stateRoot as Uint8Array)).toBe(true)
      expect(one.changes.childStorageChanges).toEqual([])
    }
    expect((await rig.ask('pha_getStorageChanges', range))[1]).toEqual(changes[1].changes)
    expect(await rig.ask('pha_getStorageChangesAt', [range[1]])).toMatch(/^0x/)
  })
  test('fails with code 10000 and no data', async () => {
    await rig.seal()
    const head = toHex(rig.node.head().hash)
    for (const [method, params] of [
      ['pha_getStorageChanges', [head, toHex(rig.chain.genesisHash)]], ['pha_getStorageChanges', [`0x${'00'.repeat(32)}`, head]],
      ['pha_getMqNextSequence', ['0x05']], ['pha_getMqNextSequence', ['zz']], ['pha_getMqNextSequence', ['fe']],
    ] as const) {
      const error = await rig.fails(method, params)
      expect(error).toMatchObject({ code: 10000 })
      expect(error.data).toBeUndefined()
    }
  })
  test('counts sequences from zero', async () => {
    const sender = MessageOrigin.encode({ kind: 'Worker', value: rig.account(0) })
    expect(await rig.ask('pha_getMqNextSequence', [toHexPlain(sender)])).toBe(0)
    expect(await rig.ask('pha_getMqNextSequence', [`${toHexPlain(sender)}ffff`])).toBe(0)
  })
})
