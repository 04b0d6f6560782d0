/** Owns the seam between the gatekeeper's block life cycle and the economy that it replays. */
import { struct, u32, type TypeOf } from '@phalanx/primitives/codec'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { TOPICS, type Message, type WorkingInfoUpdateEvent } from '@phalanx/primitives/messages'

export const EconomicsState = struct({ block: u32 })
export type EconomicsState = TypeOf<typeof EconomicsState>
export const createEconomics = (): EconomicsState => ({ block: 0 })
const beginBlock = (_state: EconomicsState, { block }: { readonly block: number; readonly nowMs: bigint }): EconomicsState => ({ block })
const onEconomicsMessage = (state: EconomicsState, _message: Message): EconomicsState => state
const endBlock = (state: EconomicsState): { readonly state: EconomicsState; readonly update?: WorkingInfoUpdateEvent } => ({ state })

const ECONOMIC_TOPICS = [TOPICS.systemEvent.topic, TOPICS.workingReport.topic, TOPICS.gatekeeperEvent.topic]

/** Whether the economy listens to a message. */
export const isEconomic = ({ destination }: Message): boolean => ECONOMIC_TOPICS.some((topic) => bytesEqual(topic, destination))

/** Replays one block: what it changed, if anything, is to be told to the chain. */
export const replayBlock = (
  economics: EconomicsState, block: { readonly number: number; readonly timeMs: bigint; readonly messages: readonly Message[] },
): { readonly state: EconomicsState; readonly update?: WorkingInfoUpdateEvent } => {
  let state = beginBlock(economics, { block: block.number, nowMs: block.timeMs })
  for (const message of block.messages) if (isEconomic(message)) state = onEconomicsMessage(state, message)
  return endBlock(state)
}
