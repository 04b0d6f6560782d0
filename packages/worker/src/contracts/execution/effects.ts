/** Owns what an execution leaves for its surroundings: events in order, logs, instantiations. Taken back with the frames that made them. */
import type { Overlay } from '@phalanx/runtime/frame'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { PINK_EVENT_TOPIC } from './pink-event.ts'

/** An event of a contract; `topics` as it gave them. */
export interface ContractEvent {
  readonly contract: Uint8Array
  readonly topics: readonly Uint8Array[]
  readonly data: Uint8Array
}

/** A message of a contract to the log server; level 1 Error to 5 Trace. */
export interface LogLine {
  readonly contract: Uint8Array
  readonly level: number
  readonly message: string
}

/** What happened, in the order in which it is to be applied: instantiations, pink events, ink events. */
export interface ExecutionEffects {
  readonly instantiated: readonly { readonly deployer: Uint8Array; readonly contract: Uint8Array }[]
  /** SCALE bytes of PinkEvent values, and who sent them. */
  readonly pinkEvents: readonly { readonly contract: Uint8Array; readonly payload: Uint8Array }[]
  readonly inkEvents: readonly ContractEvent[]
  readonly terminated: readonly { readonly contract: Uint8Array; readonly beneficiary: Uint8Array }[]
  /** Logs stay also where the call failed. */
  readonly logs: readonly LogLine[]
}

const EVENTS = {}
const INSTANTIATED = {}
const TERMINATED = {}

/** Notes events in the overlay of an execution. */
export const recordEvent = (overlay: Overlay, event: ContractEvent): void => overlay.appendTransient<ContractEvent>(EVENTS, event)

/** Notes an event for the worker itself. */
export const recordPinkEvent = (overlay: Overlay, contract: Uint8Array, payload: Uint8Array): void => recordEvent(overlay, { contract, topics: [PINK_EVENT_TOPIC], data: payload })

/** Notes a new contract. */
export const recordInstantiated = (overlay: Overlay, event: ExecutionEffects['instantiated'][number]): void => overlay.appendTransient(INSTANTIATED, event)

/** Notes the end of a contract. */
export const recordTerminated = (overlay: Overlay, event: ExecutionEffects['terminated'][number]): void => overlay.appendTransient(TERMINATED, event)

const isPink = (event: ContractEvent): boolean => event.topics.length === 1 && bytesEqual(event.topics[0] as Uint8Array, PINK_EVENT_TOPIC)

/** Everything noted. */
export const collectEffects = (overlay: Overlay, logs: readonly LogLine[]): ExecutionEffects => {
  const events = overlay.transient<ContractEvent[]>(EVENTS) ?? []
  return {
    instantiated: overlay.transient<ExecutionEffects['instantiated']>(INSTANTIATED) ?? [],
    pinkEvents: events.filter(isPink).map(({ contract, data }) => ({ contract, payload: data })),
    inkEvents: events.filter((event) => !isPink(event)),
    terminated: overlay.transient<ExecutionEffects['terminated']>(TERMINATED) ?? [],
    logs,
  }
}
