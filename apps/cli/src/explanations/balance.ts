/** Owns saying in plain words what keeps an account's tokens, until when, and what would free them sooner. */
import { toHex } from '@phalanx/primitives/bytes'
import type { BalanceExplanation } from '@phalanx/runtime/economy'
import { planckToPha } from '../amounts.ts'
import { nameOf } from './texts.ts'

type Keeper = BalanceExplanation['keepers'][number]

/** Who made a lock, by its name. */
const LOCKS: Readonly<Record<string, string>> = {
  democrac: 'votes in referenda (see below); Democracy.unlock removes it as far as no vote needs it any more',
}

const at = (block: number, until: number): string => (until > block ? `until block ${until}, ${until - block} blocks from now` : `until block ${until}, which has passed`)

const vote = ({ referendum, amount, isOngoing, until }: Extract<Keeper, { kind: 'Vote' }>['value'], block: number): string => {
  const size = `  ${planckToPha(amount)} PHA by a vote in referendum ${referendum}`
  if (isOngoing) return `${size}, open ${at(block, until ?? block)}. Sooner: Democracy.remove_vote, then Democracy.unlock; after the end a winning vote binds for its conviction.`
  if (until !== undefined) return `${size}, which was won: bound by its conviction ${at(block, until)}. Nothing frees it sooner.`
  return `${size}, which binds no more: Democracy.remove_vote, then Democracy.unlock, free it now.`
}

const preimage = ({ hash, amount, isRequested }: Extract<Keeper, { kind: 'Preimage' }>['value']): string =>
  `  ${planckToPha(amount)} PHA for preimage ${toHex(hash)}. ${isRequested ? 'The chain needs it; the deposit comes back when it does not any more.' : 'Preimage.unnote_preimage frees it now.'}`

/** One keeper in words. */
const describeKeeper = (keeper: Keeper, block: number, toAddress: (account: Uint8Array) => string): string => {
  switch (keeper.kind) {
    case 'Lock': return `  ${planckToPha(keeper.value.amount)} PHA locked as "${nameOf(keeper.value.id)}"${LOCKS[nameOf(keeper.value.id)] === undefined ? '' : `: ${LOCKS[nameOf(keeper.value.id)] ?? ''}`}.`
    case 'Freeze': return `  ${planckToPha(keeper.value.amount)} PHA frozen as "${nameOf(keeper.value.id)}".`
    case 'Vote': return vote(keeper.value, block)
    case 'PastVote': return `  ${planckToPha(keeper.value.amount)} PHA by votes that were removed: ${at(block, keeper.value.until)}; then Democracy.unlock.`
    case 'Hold': return `  ${planckToPha(keeper.value.amount)} PHA held as "${nameOf(keeper.value.id)}".`
    case 'Reserve': return `  ${planckToPha(keeper.value.amount)} PHA reserved as "${nameOf(keeper.value.id)}".`
    case 'Proxies': return `  ${planckToPha(keeper.value.amount)} PHA for ${keeper.value.count} proxies. Proxy.remove_proxy or Proxy.remove_proxies frees it now.`
    case 'Announcements': return `  ${planckToPha(keeper.value.amount)} PHA for ${keeper.value.count} announced calls. Proxy.remove_announcement frees it now, and so does carrying them out.`
    case 'Preimage': return preimage(keeper.value)
    case 'TreasuryProposal': return `  ${planckToPha(keeper.value.amount)} PHA for treasury proposal ${keeper.value.proposal}: back when it is paid, lost when it is rejected.`
    case 'PublicProposal': return `  ${planckToPha(keeper.value.amount)} PHA on public proposal ${keeper.value.proposal}: back when its referendum begins.`
    case 'AssetDeposit': return `  ${planckToPha(keeper.value.amount)} PHA for asset ${keeper.value.asset}, which it owns: back when the asset is destroyed or handed over.`
    case 'AssetApproval': return `  ${planckToPha(keeper.value.amount)} PHA for what ${toAddress(keeper.value.delegate)} may spend of asset ${keeper.value.asset}. Assets.cancel_approval frees it now.`
  }
}

const FREEZING: readonly Keeper['kind'][] = ['Lock', 'Freeze', 'Vote', 'PastVote']

/** A balance in words. */
export const describeBalance = (one: BalanceExplanation, toAddress: (account: Uint8Array) => string): readonly string[] => {
  const frozen = one.keepers.filter(({ kind }) => FREEZING.includes(kind))
  const reserved = one.keepers.filter(({ kind }) => !FREEZING.includes(kind))
  const tell = (keeper: Keeper): string => describeKeeper(keeper, one.block, toAddress)
  return [
    `${toAddress(one.account)} at block ${one.block}: ${planckToPha(one.free + one.reserved)} PHA, of which ${planckToPha(one.spendable)} may be sent (an account keeps ${planckToPha(one.existentialDeposit)} PHA to exist).`,
    frozen.length === 0 ? 'Nothing is locked.' : `Locked, the largest counts and reserved tokens count towards it: ${planckToPha(one.frozen)} PHA`,
    ...frozen.map(tell),
    one.reserved === 0n ? 'Nothing is reserved.' : `Reserved: ${planckToPha(one.reserved)} PHA`,
    ...reserved.map(tell),
    ...(one.unexplained > 0n ? [`  ${planckToPha(one.unexplained)} PHA for what the state does not name.`] : []),
  ]
}
