/**
 * Owns the quorum: outcomes of the gatekeepers' replay take effect when more than half of the gatekeepers that were confirmed before the
 * outcome's block voted for equal bytes. Does not own what outcomes mean: they are sent as messages of origin Gatekeeper.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { Message, TOPICS, type GatekeeperVote } from '@phalanx/primitives/messages'
import { transientList, transientValue } from '../../frame/transient.ts'
import type { StorageHost } from '../../frame/overlay.ts'
import { queuedOutboundMessage } from '../phala-mq/storage.ts'
import type { RegistryContext } from './declaration.ts'
import type { OpenOutcome, OutcomeProposal } from './gatekeeper-types.ts'
import { pushGatekeeperNotice } from './notices.ts'
import * as storage from './storage.ts'

/** How long after its block an outcome may still be voted on. */
export const OUTCOME_WINDOW_BLOCKS = 1200

/** Messages that a vote decided; the queue sends them right after the vote. */
const decided = transientList<Message>('decided outcomes')
const takenCount = transientValue<number>('decided outcomes taken', 0)

/** Has a message sent by the queue once the message under way has been dealt with. */
export const decideMessage = (host: StorageHost, message: Message): void => decided.append(host, message)

/** Messages decided since the last call, each given out once. */
export const takeDecided = (host: StorageHost): readonly Message[] => {
  const fresh = decided.all(host).slice(takenCount.get(host))
  if (fresh.length > 0) takenCount.set(host, takenCount.get(host) + fresh.length)
  return fresh
}

/** Gatekeepers whose votes count for outcomes of a block. */
const electorate = (host: StorageHost, block: number): readonly Uint8Array[] =>
  storage.confirmedGatekeepers.get(host).filter(([, since]) => since < block).map(([pubkey]) => pubkey)

/** Whether anybody may still vote on the outcomes of a block. */
export const hasElectorate = (host: StorageHost, block: number): boolean => electorate(host, block).length > 0

/** Votes that an outcome of the newest block would need; 0 where nobody may vote. */
export const quorumSize = (host: StorageHost): number => {
  const count = storage.confirmedGatekeepers.get(host).length
  return count === 0 ? 0 : quorumOf(count)
}

const quorumOf = (voters: number): number => Math.floor(voters / 2) + 1

const outcomeHash = (ctx: RegistryContext, message: Pick<GatekeeperVote, 'destination' | 'payload'>): Uint8Array =>
  ctx.crypto.blake2b256(Message.encode({ sender: { kind: 'Gatekeeper' }, destination: message.destination, payload: message.payload }))

const winner = (ctx: RegistryContext, block: number, { proposals }: OpenOutcome): OutcomeProposal | undefined => {
  const voters = electorate(ctx, block)
  const countOf = (proposal: OutcomeProposal): number => proposal.voters.filter((one) => voters.some((voter) => bytesEqual(one, voter))).length
  return voters.length === 0 ? undefined : proposals.find((proposal) => countOf(proposal) >= quorumOf(voters.length))
}

/** Settles an outcome if it can be; the message is to be sent by the caller. */
const settle = (ctx: RegistryContext, at: { readonly block: number; readonly index: number }, outcome: OpenOutcome): Message | undefined => {
  const won = winner(ctx, at.block, outcome)
  if (won === undefined) {
    storage.outcomes.set(ctx, at.block, at.index, outcome)
    return undefined
  }
  storage.outcomes.set(ctx, at.block, at.index, { decided: won.hash, proposals: [] })
  if (bytesEqual(won.destination, TOPICS.gatekeeperRegistryEvent.topic)) storage.rotatedKeyHolders.set(ctx, won.voters)
  pushGatekeeperNotice(ctx, { kind: 'Decided', value: { ...at, hash: won.hash } })
  return { sender: { kind: 'Gatekeeper' }, destination: won.destination, payload: won.payload }
}

const withVote = (outcome: OpenOutcome, vote: GatekeeperVote, hash: Uint8Array, pubkey: Uint8Array): OpenOutcome => {
  const known = outcome.proposals.some((proposal) => bytesEqual(proposal.hash, hash))
  const fresh = { hash, destination: vote.destination, payload: vote.payload, voters: [pubkey] }
  const proposals = outcome.proposals.map((proposal) => (bytesEqual(proposal.hash, hash) ? { ...proposal, voters: [...proposal.voters, pubkey] } : proposal))
  return { ...outcome, proposals: known ? proposals : [...proposals, fresh] }
}

/** Counts a gatekeeper's vote. Fails with GatekeeperNotConfirmed, OutcomeOutOfRange, AlreadyVoted. Votes for other bytes raise OutcomeDiffers. */
export const countVote = (ctx: RegistryContext, pubkey: Uint8Array, vote: GatekeeperVote): void => {
  const { block, index } = vote
  if (!electorate(ctx, block).some((one) => bytesEqual(one, pubkey))) ctx.fail('GatekeeperNotConfirmed')
  if (block >= ctx.block.number || block + OUTCOME_WINDOW_BLOCKS < ctx.block.number) ctx.fail('OutcomeOutOfRange')
  const outcome = storage.outcomes.get(ctx, block, index) ?? { decided: undefined, proposals: [] }
  const hash = outcomeHash(ctx, vote)
  if (outcome.decided !== undefined) {
    if (!bytesEqual(outcome.decided, hash)) ctx.emit('OutcomeDiffers', { block, index, gatekeeper: pubkey })
    return
  }
  if (outcome.proposals.some(({ voters }) => voters.some((one) => bytesEqual(one, pubkey)))) ctx.fail('AlreadyVoted')
  if (outcome.proposals.some((proposal) => !bytesEqual(proposal.hash, hash))) ctx.emit('OutcomeDiffers', { block, index, gatekeeper: pubkey })
  const message = settle(ctx, { block, index }, withVote(outcome, vote, hash, pubkey))
  if (message !== undefined) decideMessage(ctx, message)
}

/** Counts open votes again after a gatekeeper left; what is decided by that is sent at the start of the next block. */
const recount = (ctx: RegistryContext): void => {
  const messages: Message[] = []
  for (const [[block, index], outcome] of [...storage.outcomes.entries(ctx)]) {
    if (outcome.decided !== undefined) continue
    const message = settle(ctx, { block, index }, outcome)
    if (message !== undefined) messages.push(message)
  }
  if (messages.length > 0) queuedOutboundMessage.set(ctx, [...(queuedOutboundMessage.get(ctx) ?? []), ...messages])
}

/** Forgets the outcomes of the block that falls out of the window. */
export const pruneOutcomes = (ctx: RegistryContext): void => {
  const block = ctx.block.number - OUTCOME_WINDOW_BLOCKS - 1
  if (block >= 0 && storage.gatekeeperMasterPubkey.has(ctx)) storage.outcomes.clear(ctx, block)
}

/** Adds a gatekeeper to those whose votes count, for blocks after this one. */
export const confirmGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  const confirmed = storage.confirmedGatekeepers.get(ctx)
  if (confirmed.some(([one]) => bytesEqual(one, pubkey))) return
  storage.confirmedGatekeepers.set(ctx, [...confirmed, [pubkey, ctx.block.number]])
  pushGatekeeperNotice(ctx, { kind: 'Confirmed', value: { pubkey } })
  ctx.emit('GatekeeperConfirmed', { pubkey })
}

/** Takes a gatekeeper out of those whose votes count; open outcomes are counted again. */
export const suspendGatekeeper = (ctx: RegistryContext, pubkey: Uint8Array): void => {
  const confirmed = storage.confirmedGatekeepers.get(ctx)
  const rest = confirmed.filter(([one]) => !bytesEqual(one, pubkey))
  if (rest.length === confirmed.length) return
  storage.confirmedGatekeepers.set(ctx, rest)
  pushGatekeeperNotice(ctx, { kind: 'Suspended', value: { pubkey } })
  ctx.emit('GatekeeperSuspended', { pubkey })
  recount(ctx)
}

/**
 * Takes the vote from those that did not vote for the key that was just rotated in: whoever is confirmed holds the key in force, or the last
 * to hold it could be dismissed. Those that do hold it report it, and their votes count again.
 */
export const suspendWithoutRotatedKey = (ctx: RegistryContext): void => {
  const holders = storage.rotatedKeyHolders.get(ctx)
  storage.rotatedKeyHolders.remove(ctx)
  // A key told without votes, in the reference's form, is the only gatekeeper's.
  if (holders.length === 0) return
  for (const [pubkey] of storage.confirmedGatekeepers.get(ctx)) if (!holders.some((one) => bytesEqual(one, pubkey))) suspendGatekeeper(ctx, pubkey)
}

/** Whether a gatekeeper's votes count. */
export const isConfirmed = (host: StorageHost, pubkey: Uint8Array): boolean => storage.confirmedGatekeepers.get(host).some(([one]) => bytesEqual(one, pubkey))

