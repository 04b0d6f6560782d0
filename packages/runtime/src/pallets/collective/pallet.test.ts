/** Collectives: motions from proposal to execution, every refusal, members that leave, and the origins they speak as. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import type { RuntimeCall } from '../../frame/context.ts'
import { DispatchFailure } from '../../frame/dispatch-error.ts'
import { ROOT, signed, type Origin } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { utility } from '../utility/pallet.ts'
import { collectiveOrigin, ensureGovernance, ensureRootOr, hasProportion, memberOf } from './origin.ts'
import { council, MOTION_DURATION_BLOCKS } from './pallet.ts'
import { collectiveStorage } from './storage.ts'

const crypto = await loadCrypto()
const NAMES = ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve'] as const
const accounts = NAMES.map((name) => devAccount(crypto, name).publicKey)
const [alice, bob, charlie, dave, eve] = accounts as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const storage = collectiveStorage('Council')
const WEIGHT = { refTime: 10n ** 12n, proofSize: 1_000_000n }

const start = (members: readonly Uint8Array[] = [alice, bob, charlie]) =>
  createTestChain({
    pallets: [{ index: 1, pallet: system }, { index: 2, pallet: utility }, { index: 4, pallet: timestamp }, { index: 16, pallet: council }],
    genesis: { Council: { members: members.map(hex) } },
  }, { crypto })

const remark = (text: string): RuntimeCall => system.call('remarkWithEvent', { remark: utf8(text) })
const rootOnly = system.call('killStorage', { keys: [utf8('k')] })

const motion = (call: RuntimeCall, threshold = 2) => {
  const chain = start()
  const encoded = chain.runtime.parts.enums.RuntimeCall.encode(call)
  const proposalHash = crypto.blake2b256(encoded)
  chain.assertOk(council.call('propose', { threshold, proposal: call, lengthBound: 1000 }), signed(alice))
  const vote = (who: Uint8Array, approve: boolean) => chain.assertOk(council.call('vote', { proposal: proposalHash, index: 0, approve }), signed(who))
  const closing = council.call('close', { proposalHash, index: 0, proposalWeightBound: WEIGHT, lengthBound: 1000 })
  return { chain, proposalHash, encoded, vote, closing }
}
const names = (events: readonly { readonly name: string }[]): readonly string[] => events.map(({ name }) => name)

describe('propose, close, disapproveProposal: a motion', () => {
  test('is carried out under the majority\'s origin when enough members vote for it, and is gone then', () => {
    const { chain, proposalHash, vote, closing } = motion(rootOnly)
    vote(alice, true)
    vote(bob, true)
    const events = chain.assertOk(closing, signed(eve))
    expect(names(events)).toEqual(['Closed', 'Approved', 'Executed'])
    expect(events[2]?.value).toMatchObject({ result: { ok: false, error: { kind: 'BadOrigin' } } })
    expect(storage.proposals.get(chain.ctx)).toEqual([])
    expect(storage.voting.get(chain.ctx, proposalHash)).toBeUndefined()
    chain.assertNoop(closing, signed(eve), 'Council.ProposalMissing')
  })

  test('is dropped as soon as it cannot pass any more', () => {
    const { chain, vote, closing } = motion(remark('x'))
    vote(alice, false)
    chain.assertNoop(closing, signed(eve), 'Council.TooEarly')
    vote(bob, false)
    expect(names(chain.assertOk(closing, signed(eve)))).toEqual(['Closed', 'Disapproved'])
  })

  test('counts silent members as the prime voted once its time is over, and as against without a prime', () => {
    for (const [prime, outcome] of [[alice, 'Executed'], [undefined, 'Disapproved']] as const) {
      const { chain, proposalHash, vote, closing } = motion(remark('x'))
      chain.assertOk(council.call('setMembers', { newMembers: [alice, bob, charlie], prime, oldCount: 3 }), ROOT)
      vote(alice, true)
      storage.voting.mutate(chain.ctx, proposalHash, (votes) => (votes === undefined ? undefined : { ...votes, end: chain.ctx.block.number }))
      expect(names(chain.assertOk(closing, signed(eve))).at(-1)).toBe(outcome)
    }
  })

  test('stays open for its full time', () => {
    const { chain, proposalHash } = motion(remark('x'))
    expect(storage.voting.get(chain.ctx, proposalHash)?.end).toBe(chain.ctx.block.number + MOTION_DURATION_BLOCKS)
  })

  test('that one vote suffices for is carried out at once', () => {
    const chain = start()
    const events = chain.assertOk(council.call('propose', { threshold: 1, proposal: remark('x'), lengthBound: 100 }), signed(alice))
    expect(names(events)).toEqual(['Executed'])
    expect(storage.proposals.get(chain.ctx)).toEqual([])
  })

  test('is refused from strangers, twice, too long, too heavy, and when too many are open', () => {
    const { chain } = motion(remark('x'))
    const propose = (proposal: RuntimeCall, lengthBound = 1000) => council.call('propose', { threshold: 2, proposal, lengthBound })
    chain.assertNoop(propose(remark('y')), signed(eve), 'Council.NotMember')
    chain.assertNoop(propose(remark('y')), ROOT, 'BadOrigin')
    chain.assertNoop(propose(remark('x')), signed(bob), 'Council.DuplicateProposal')
    chain.assertNoop(council.call('propose', { threshold: 1, proposal: remark('x'), lengthBound: 1000 }), signed(bob), 'Council.DuplicateProposal')
    chain.assertNoop(propose(remark('y'), 2), signed(bob), 'Council.WrongProposalLength')
    const heavy = utility.call('withWeight', { call: remark('y'), weight: { refTime: 10n ** 15n, proofSize: 0n } })
    chain.assertNoop(propose(heavy), signed(bob), 'Council.WrongProposalWeight')
    for (let i = 1; i < 100; i++) chain.dispatch(propose(remark(`motion ${i}`)), signed(bob))
    chain.assertNoop(propose(remark('one more')), signed(bob), 'Council.TooManyProposals')
  })

  test('is closed only within the bounds that the closer states', () => {
    const { chain, proposalHash, vote, closing } = motion(remark('x'))
    vote(alice, true)
    vote(bob, true)
    const close = (change: object) => council.call('close', { proposalHash, index: 0, proposalWeightBound: WEIGHT, lengthBound: 1000, ...change })
    chain.assertNoop(close({ index: 1 }), signed(eve), 'Council.WrongIndex')
    chain.assertNoop(close({ lengthBound: 1 }), signed(eve), 'Council.WrongProposalLength')
    chain.assertNoop(close({ proposalWeightBound: { refTime: 1n, proofSize: 0n } }), signed(eve), 'Council.WrongProposalWeight')
    chain.assertNoop(closing, ROOT, 'BadOrigin')
    chain.assertOk(closing, signed(eve))
  })

  test('dropped by root is gone', () => {
    const { chain, proposalHash } = motion(remark('x'))
    const drop = council.call('disapproveProposal', { proposalHash })
    chain.assertNoop(drop, signed(alice), 'BadOrigin')
    expect(names(chain.assertOk(drop, ROOT))).toEqual(['Disapproved'])
    chain.assertNoop(drop, ROOT, 'Council.ProposalMissing')
  })
})

describe('vote: a member\'s vote', () => {
  test('is free the first time, may be changed, and counts once', () => {
    const { chain, proposalHash, vote } = motion(remark('x'))
    const ballot = (approve: boolean) => council.call('vote', { proposal: proposalHash, index: 0, approve })
    expect(chain.dispatch(ballot(true), signed(bob))).toEqual({ ok: true, post: { paysFee: false } })
    chain.assertNoop(ballot(true), signed(bob), 'Council.DuplicateVote')
    expect(chain.dispatch(ballot(false), signed(bob))).toEqual({ ok: true, post: {} })
    expect(vote(alice, true).at(-1)?.value).toMatchObject({ yes: 1, no: 1 })
  })

  test('is refused from strangers, on unknown motions and under another index', () => {
    const { chain, proposalHash } = motion(remark('x'))
    const ballot = (proposal: Uint8Array, index: number) => council.call('vote', { proposal, index, approve: true })
    chain.assertNoop(ballot(proposalHash, 0), signed(dave), 'Council.NotMember')
    chain.assertNoop(ballot(new Uint8Array(32), 0), signed(bob), 'Council.ProposalMissing')
    chain.assertNoop(ballot(proposalHash, 3), signed(bob), 'Council.WrongIndex')
  })
})

describe('council.execute', () => {
  test('makes a call as a member', () => {
    const chain = start()
    const call = council.call('execute', { proposal: remark('x'), lengthBound: 100 })
    expect(chain.assertOk(call, signed(alice)).at(-1)?.value).toMatchObject({ result: { ok: false, error: { kind: 'BadOrigin' } } })
    chain.assertNoop(call, signed(eve), 'Council.NotMember')
    chain.assertNoop(council.call('execute', { proposal: remark('x'), lengthBound: 1 }), signed(alice), 'Council.WrongProposalLength')
  })
})

describe('council.setMembers', () => {
  test('sorts, drops repetitions, and takes the votes of those who left out of open motions', () => {
    const { chain, proposalHash, vote } = motion(remark('x'))
    vote(alice, true)
    vote(bob, false)
    chain.assertOk(council.call('setMembers', { newMembers: [eve, bob, eve], prime: eve, oldCount: 3 }), ROOT)
    expect(storage.members.get(chain.ctx)).toHaveLength(2)
    expect(storage.voting.get(chain.ctx, proposalHash)).toMatchObject({ ayes: [], nays: [bob] })
  })

  test('is for root, and refuses a prime from outside and too many members', () => {
    const chain = start()
    const set = (newMembers: readonly Uint8Array[], prime?: Uint8Array) => council.call('setMembers', { newMembers, prime, oldCount: 0 })
    chain.assertNoop(set([alice]), signed(alice), 'BadOrigin')
    chain.assertNoop(set([alice], bob), ROOT, 'Council.PrimeAccountNotMember')
    chain.assertNoop(set(Array.from({ length: 101 }, (_, i) => new Uint8Array(32).fill(i))), ROOT, 'Council.TooManyMembers')
  })
})

describe('origins', () => {
  const half: Origin = collectiveOrigin('Council', { kind: 'Members', value: [2, 4] })
  test('a proportion holds from its exact part on, or only above it', () => {
    const part = { pallet: 'Council', numerator: 1, denominator: 2 } as const
    expect(hasProportion(half, part)).toBe(true)
    expect(hasProportion(half, { ...part, more: true })).toBe(false)
    expect(hasProportion(half, { ...part, pallet: 'TechnicalCommittee' })).toBe(false)
    expect(hasProportion(signed(alice), part)).toBe(false)
  })

  test('governance is root or half of the council, never a single member or an account', () => {
    const refused = (origin: Origin): boolean => {
      try {
        ensureGovernance(origin)
        return false
      } catch (error) {
        return error instanceof DispatchFailure && error.error.kind === 'BadOrigin'
      }
    }
    expect(refused(ROOT)).toBe(false)
    expect(refused(half)).toBe(false)
    expect(refused(collectiveOrigin('Council', { kind: 'Members', value: [1, 3] }))).toBe(true)
    expect(refused(collectiveOrigin('Council', { kind: 'Member', value: alice }))).toBe(true)
    expect(refused(signed(alice))).toBe(true)
    expect(() => ensureRootOr(signed(alice))).toThrow(DispatchFailure)
    expect(memberOf(collectiveOrigin('Council', { kind: 'Member', value: alice }), 'Council')).toEqual(alice)
    expect(memberOf(half, 'Council')).toBeUndefined()
  })
})
