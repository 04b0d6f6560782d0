/** Voting with wrapped PHA in real referenda: the reserve's vote follows its holders, and goes when they are unlocked. */
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { expect, test } from 'vitest'
import { signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { assets } from '../assets/pallet.ts'
import { balanceOf } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { balances } from '../balances/pallet.ts'
import { democracyParts } from '../democracy/declaration.ts'
import { democracy } from '../democracy/pallet.ts'
import { startReferendum } from '../democracy/referenda.ts'
import { referendumInfoOf, votingOf } from '../democracy/storage.ts'
import { phalaBasePool } from '../phala-base-pool/pallet.ts'
import { preimage } from '../preimage/pallet.ts'
import { boundCall } from '../preimage/preimages.ts'
import { rmrkCore } from '../rmrk-core/pallet.ts'
import { scheduler } from '../scheduler/pallet.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { uniques } from '../uniques/pallet.ts'
import { phalaWrappedBalances } from './pallet.ts'
import { WPHA_ACCOUNT } from './storage.ts'

const crypto = await loadCrypto()
const PHA = 10n ** 12n
const [alice, bob] = ['Alice', 'Bob'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array]

test('the reserve votes in the referendum as its holders do, and is free again when they are unlocked', () => {
  const chain = createTestChain({
    pallets: [
      { index: 0, pallet: assets }, { index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 15, pallet: democracy },
      { index: 32, pallet: scheduler }, { index: 33, pallet: preimage }, { index: 46, pallet: phalaWrappedBalances }, { index: 47, pallet: phalaBasePool },
      { index: 104, pallet: uniques }, { index: 105, pallet: rmrkCore },
    ],
    genesis: { Balances: { balances: [alice, bob].map((who) => [toHex(who), (1000n * PHA).toString()]) } },
  }, { crypto })
  const vote = (ayeAmount: bigint, nayAmount: bigint) => phalaWrappedBalances.call('vote', { ayeAmount, nayAmount, voteId: 0 })
  const reserve = () => balanceOf(balancesParts.in(chain.ctx), WPHA_ACCOUNT)
  const refIndex = startReferendum(democracyParts.in(chain.ctx), {
    proposal: boundCall(chain.ctx, system.call('remark', { remark: new Uint8Array(1) })), threshold: { kind: 'SimpleMajority' }, votingBlocks: 2, delay: 1 })
  for (const who of [alice, bob]) chain.assertOk(phalaWrappedBalances.call('wrap', { amount: 100n * PHA }), signed(who))
  chain.assertOk(vote(70n * PHA, 0n), signed(alice))
  chain.assertOk(vote(0n, 30n * PHA), signed(bob))
  expect(referendumInfoOf.get(chain.ctx, refIndex)).toMatchObject({ value: { tally: { ayes: 7n * PHA, nays: 3n * PHA, turnout: 100n * PHA } } })
  expect(reserve().frozen).toBe(100n * PHA)
  chain.nextBlock(2)
  expect(referendumInfoOf.get(chain.ctx, refIndex)).toMatchObject({ kind: 'Finished', value: { approved: true } })
  chain.assertOk(phalaWrappedBalances.call('unlock', { voteId: 0, maxIterations: 100 }), signed(bob))
  expect([reserve().frozen, votingOf.has(chain.ctx, WPHA_ACCOUNT)]).toEqual([0n, false])
  chain.assertNoop(vote(PHA, 0n), signed(alice), 'PhalaWrappedBalances.ReferendumInvalid')
  chain.assertOk(phalaWrappedBalances.call('unwrapAll'), signed(alice))
})
