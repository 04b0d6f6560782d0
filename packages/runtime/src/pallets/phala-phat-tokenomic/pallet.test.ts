import { beforeEach, describe, expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { UNIT } from '@phalanx/primitives/fixed'
import { commandTopicOf } from '@phalanx/primitives/messages'
import { ROOT, signed } from '../../frame/origin.ts'
import { balanceOf } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { createPhatTestbed, filled, type PhatTestbed } from '../phala-phat-contracts/testing.ts'
import { clusters } from '../phala-phat-contracts/storage.ts'
import { phalaPhatTokenomic } from './pallet.ts'
import * as storage from './storage.ts'

const crypto = await loadCrypto()
const adjust = (contract: Uint8Array, amount: bigint) => phalaPhatTokenomic.call('adjustStake', { contract, amount })
let bed: PhatTestbed
const free = (who: Uint8Array): bigint => balanceOf(balancesParts.in(bed.chain.ctx), who).free

beforeEach(() => {
  bed = createPhatTestbed(crypto)
})

describe('phatTokenomic.adjustStake', () => {
  test('sets the stake, moves the difference and tells the system contract', () => {
    const { chain, user, owner } = bed
    const cluster = bed.cluster([bed.worker('a')])
    const contract = bed.contract(cluster, 7)
    const before = free(user)
    chain.assertOk(adjust(contract, 5n * UNIT), signed(user))
    chain.assertOk(adjust(contract, 2n * UNIT), signed(owner))
    expect(free(user)).toBe(before - 5n * UNIT)
    expect(free(storage.TOKENOMIC_ACCOUNT)).toBe(7n * UNIT)
    expect(storage.contractTotalStakes.get(chain.ctx, contract)).toBe(7n * UNIT)
    chain.assertEvents([
      { pallet: 'PhalaPhatTokenomic', name: 'ContractDepositChanged', value: { cluster, contract, deposit: 7n * UNIT } },
      { pallet: 'PhalaPhatTokenomic', name: 'UserStakeChanged', value: { cluster, account: owner, contract, stake: 2n * UNIT } },
    ])
    chain.assertOk(adjust(contract, UNIT), signed(user))
    expect(free(user)).toBe(before - UNIT)
    const told = loggedMessages(chain.ctx).at(-1)
    const to = commandTopicOf(clusters.get(chain.ctx, cluster)?.systemContract as Uint8Array)
    expect(told?.destination).toEqual(to.topic)
    const payload = to.payload.decode(told?.payload as Uint8Array)
    if (payload.kind !== 'Plain') expect.fail('the chain speaks in the clear')
    expect(toHex(payload.value.value.message)).toBe(`0xa24bcb44${'07'.repeat(32)}0030ef7dba02${'00'.repeat(10)}`)
    expect(payload.value.value).toMatchObject({ transfer: 0n, gasLimit: (1n << 64n) - 1n, storageDepositLimit: undefined })
  })

  test('gives all back for nothing', () => {
    const before = free(bed.user)
    bed.chain.assertOk(adjust(filled(7), 5n * UNIT), signed(bed.user))
    bed.chain.assertOk(adjust(filled(7), 0n), signed(bed.user))
    expect(free(bed.user)).toBe(before)
    expect([...storage.contractUserStakes.keys(bed.chain.ctx)]).toEqual([])
    expect([...storage.contractTotalStakes.keys(bed.chain.ctx)]).toEqual([])
  })

  test('of a contract that the chain does not know is kept and told to nobody', () => {
    bed.chain.assertOk(adjust(filled(7), UNIT), signed(bed.user))
    bed.chain.assertEvents([
      { pallet: 'PhalaPhatTokenomic', name: 'ContractDepositChanged', value: { cluster: undefined, contract: filled(7), deposit: UNIT } },
      { pallet: 'PhalaPhatTokenomic', name: 'UserStakeChanged', value: { cluster: undefined, account: bed.user, contract: filled(7), stake: UNIT } },
    ])
    expect(loggedMessages(bed.chain.ctx)).toEqual([])
  })

  test('refuses less than the least, more than one has, and nobody', () => {
    bed.chain.assertNoop(adjust(filled(7), UNIT - 1n), signed(bed.user), 'PhalaPhatTokenomic.InvalidAmountOfStake')
    bed.chain.assertNoop(adjust(filled(7), 1_000n * UNIT), signed(bed.user), 'Token.NotExpendable')
    bed.chain.assertNoop(adjust(filled(7), UNIT), ROOT, 'BadOrigin')
  })
})
