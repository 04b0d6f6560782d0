import { toHex } from '@phalanx/primitives/bytes'
import { describe, expect, test } from 'vitest'
import { createMethodRig } from '../testing.ts'

describe('chainSpec_v1', () => {
  test('tells name, genesis and properties', async () => {
    const { ask, chain } = await createMethodRig()
    expect(await ask('chainSpec_v1_chainName')).toBe('Phalanx Development')
    expect(await ask('chainSpec_v1_genesisHash')).toBe(toHex(chain.genesisHash))
    expect(await ask('chainSpec_v1_properties')).toEqual({ ss58Format: 30, tokenDecimals: 12, tokenSymbol: 'PHA' })
  })
})
