/** Owns the gatekeeper's standing in words and numbers, for operators and for the reference's clients. */
import { isHeld } from './draft.ts'
import { currentEpoch, type GatekeeperState } from './state.ts'

/** Roles on the wire of the reference: none, dummy (listed or holding the key, without a vote), active. */
const ROLES = { none: 0, dummy: 1, active: 2 } as const

/** A gatekeeper's standing. `masterPublicKey` is the one in force, undefined before there is one. */
export interface GatekeeperSummary {
  readonly role: number
  readonly reason: string
  readonly masterPublicKey: Uint8Array | undefined
  /** Differences from the other gatekeepers so far; any wants an operator. */
  readonly alarms: number
}

const reasonOf = (state: GatekeeperState): string => {
  const epoch = currentEpoch(state)
  if (!state.listed) return 'no gatekeeper any more, erasing its secrets'
  if (state.joining !== undefined) return `joining: waits for what the others know up to block ${state.joining.since}`
  if (epoch === undefined) return 'launching: the master key is not on the chain yet'
  const missing = state.epochs.find((one) => !isHeld(state, one))
  if (missing !== undefined) return `lacks the master key of epoch ${missing.rotationId} and asks the others for it`
  if (state.confirmedAt === undefined) return 'holds the master key, not yet shown on the chain'
  return `active since block ${state.confirmedAt}, ${state.votes.length} outcomes undecided`
}

/** Summary for a worker, gatekeeper or not. */
export const summarizeGatekeeper = (state: GatekeeperState | undefined): GatekeeperSummary => {
  if (state === undefined) return { role: ROLES.none, reason: 'no gatekeeper', masterPublicKey: undefined, alarms: 0 }
  const { beacon, outcome, unexpected, unjudged } = state.alarms
  return {
    role: state.confirmedAt === undefined ? ROLES.dummy : ROLES.active,
    reason: reasonOf(state),
    masterPublicKey: currentEpoch(state)?.publicKey,
    alarms: beacon + outcome + unexpected + unjudged,
  }
}
