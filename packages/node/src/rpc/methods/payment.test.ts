import { toHex } from '@phalanx/primitives/bytes'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('payment', () => {
  test('tells what a transaction costs', async () => {
    const extrinsic = toHex(rig.transfer())
    const info = await rig.ask('payment_queryInfo', [extrinsic])
    expect(info).toMatchObject({ class: 'normal', weight: { ref_time: expect.any(Number), proof_size: expect.any(Number) } })
    const { inclusionFee } = await rig.ask('payment_queryFeeDetails', [extrinsic])
    const sum = BigInt(inclusionFee.baseFee) + BigInt(inclusionFee.lenFee) + BigInt(inclusionFee.adjustedWeightFee)
    expect(String(sum)).toBe(info.partialFee)
  })
})
