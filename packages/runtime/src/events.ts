/** Owns reading a block's events from its state, for observers outside of the rules such as a node's metrics. */
import { Hash } from '@phalanx/primitives/chain'
import { struct, vec } from '@phalanx/primitives/codec'
import type { RuntimeEvent } from './frame/context.ts'
import type { AssembledRuntime } from './frame/create-runtime.ts'
import { Phase } from './pallets/system/types.ts'

/** Reads the value of `System.Events` as this runtime wrote it; its events in order. @throws CODEC_ codes for bytes of another runtime */
export const createEventReader = ({ parts }: Pick<AssembledRuntime, 'parts'>): ((bytes: Uint8Array) => readonly RuntimeEvent[]) => {
  const records = vec(struct({ phase: Phase, event: parts.services.RuntimeEvent, topics: vec(Hash) }))
  return (bytes) => records.decode(bytes).map(({ event }) => event)
}
