/**
 * Owns the wait of a worker whose cluster cannot run here yet: what the cluster hears meanwhile is kept, and which states its members agree on. Does not own
 * what ends the wait (keys.ts, snapshot.ts).
 */
import { bytesEqual, startsWith, utf8 } from '@phalanx/primitives/bytes'
import { TOPICS, type ClusterNotice, type Message } from '@phalanx/primitives/messages'
import { logEffect } from '../../core/effects.ts'
import { reopenAt } from '../../core/mq.ts'
import type { Draft } from '../../system/draft.ts'
import { BUFFERED_BLOCKS_MAX, REPORTED_STATES_MAX, type JoiningCluster } from './state.ts'
import { clusterOrigin, setCluster } from './work.ts'

const COMMAND_TOPICS = utf8('phala/contract/')
/** First bytes of the notices that a cluster's state depends on: `EpochBegan` and `SystemCode`. */
const HEARD_NOTICES: readonly (number | undefined)[] = ([
  { kind: 'EpochBegan', value: { cluster: new Uint8Array(32), epoch: 0n, pubkey: new Uint8Array(32), retireAt: 0 } },
  { kind: 'SystemCode', value: { version: 0, code: new Uint8Array(0) } },
] as const).map((notice) => TOPICS.clusterNotice.payload.encode(notice)[0])
const BUFFERED_BYTES_MAX = 24 * 1024 * 1024

/** A wait that begins. */
export const waitFor = (options: Pick<JoiningCluster, 'cluster' | 'since' | 'why'> & Partial<JoiningCluster>): JoiningCluster =>
  ({ deploy: undefined, state: undefined, needs: undefined, blocks: [], agreed: [], ...options })

/** Begins to wait; what ran here of the cluster is dropped. What it left unsaid may be said when its blocks are done again, by then with the key that was missing. */
export const beginWaiting = (draft: Draft, wait: JoiningCluster): void => {
  const gap = draft.state.cluster?.gaps[0]
  const { egress } = draft.state
  setCluster(draft, undefined)
  draft.state = { ...draft.state, joining: wait, egress: gap === undefined ? egress : reopenAt(egress, clusterOrigin(wait.cluster), gap.sequence) }
  draft.effects.push(logEffect('warn', 'cluster does not run here yet', { block: draft.block.number, reason: wait.why }))
}

/** Whether a message is one that a cluster's state depends on. Of other clusters' few can be told apart without their contracts; they do no harm. */
const isHeard = (cluster: Uint8Array, { sender, destination, payload }: Message): boolean => {
  if (startsWith(destination, COMMAND_TOPICS)) return sender.kind === 'AccountId' || sender.kind === 'Pallet'
  if (bytesEqual(destination, TOPICS.clusterChannel.topic)) return sender.kind === 'Cluster' && bytesEqual(sender.value, cluster)
  if (sender.kind !== 'Pallet') return false
  if (bytesEqual(destination, TOPICS.clusterNotice.topic)) return HEARD_NOTICES.includes(payload[0])
  return bytesEqual(destination, TOPICS.clusterOperation.topic)
}

const sizeOf = ({ messages }: JoiningCluster['blocks'][number]): number => messages.reduce((sum, { payload }) => sum + payload.length + 128, 64)

/** At the end of a block: keeps what the cluster heard. Where there is no room, only another member's newer state helps. */
export const bufferBlock = (draft: Draft, messages: readonly Message[]): void => {
  const { joining } = draft.state
  const { number, hash, timeMs } = draft.block
  if (joining === undefined || number < joining.since) return
  const begin = joining.deploy !== undefined && number === joining.since ? joining.deploy.index + 1 : 0
  const blocks = [...joining.blocks, { number, hash, timeMs, messages: messages.slice(begin).filter((message) => isHeard(joining.cluster, message)) }]
  let first = 0
  let bytes = blocks.reduce((sum, block) => sum + sizeOf(block), 0)
  while (blocks.length - first > BUFFERED_BLOCKS_MAX || (bytes > BUFFERED_BYTES_MAX && first < blocks.length)) bytes -= sizeOf(blocks[first++] as JoiningCluster['blocks'][number])
  const rest = first === 0 ? {} : { deploy: undefined, state: undefined, needs: undefined, since: joining.since + first }
  draft.state = { ...draft.state, joining: { ...joining, ...rest, blocks: blocks.slice(first) } }
}

/** The members agreed on a state. */
export const noteAgreed = (draft: Draft, { block, stateRoot, receiptsRoot }: Extract<ClusterNotice, { kind: 'StateAgreed' }>['value']): void => {
  const { joining } = draft.state
  if (joining === undefined) return
  draft.state = { ...draft.state, joining: { ...joining, agreed: [...joining.agreed, { block, stateRoot, receiptsRoot }].slice(-REPORTED_STATES_MAX) } }
}
