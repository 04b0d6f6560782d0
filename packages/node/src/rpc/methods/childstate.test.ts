import { describe, expect, test } from 'vitest'
import { createMethodRig } from '../testing.ts'

describe('childstate', () => {
  test('finds nothing: there are no child tries', async () => {
    const { ask, fails } = await createMethodRig()
    expect(await ask('childstate_getStorage', ['0x00', '0x01'])).toBeNull()
    expect(await ask('childstate_getKeysPaged', ['0x00', '0x', 10])).toEqual([])
    expect(await ask('childstate_getStorageEntries', ['0x00', ['0x01', '0x02']])).toEqual([null, null])
    expect((await fails('childstate_getStorage', ['0x00'])).code).toBe(-32602)
  })
})
