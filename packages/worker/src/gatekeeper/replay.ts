/** Owns the seam between the gatekeeper's block life cycle and the economy that it replays (economics/). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { TOPICS, type Message } from '@phalanx/primitives/messages'
import { beginBlock, endBlock, onEconomicsMessage, type EconomicsOutcome } from './economics/replay.ts'
import type { EconomicsState } from './economics/state.ts'

const ECONOMIC_TOPICS = [TOPICS.systemEvent.topic, TOPICS.workingReport.topic, TOPICS.gatekeeperEvent.topic]

/** Whether the economy listens to a message. */
export const isEconomic = ({ destination }: Message): boolean => ECONOMIC_TOPICS.some((topic) => bytesEqual(topic, destination))

/** Replays one block: what it changed, if anything, is to be told to the chain. */
export const replayBlock = (
  economics: EconomicsState, block: { readonly number: number; readonly timeMs: bigint; readonly messages: readonly Message[] },
  dependencies: { readonly crypto: Pick<Crypto, 'blake2b256'> },
): EconomicsOutcome => {
  const draft = beginBlock(economics, { block: block.number, nowMs: block.timeMs }, dependencies)
  for (const message of block.messages) if (isEconomic(message)) onEconomicsMessage(draft, message)
  return endBlock(draft)
}
