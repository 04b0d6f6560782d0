/** Owns `grandpa_*`: finality proofs of any block, and as they are made. */
import { toHex } from '@phalanx/primitives/bytes'
import { Hash, Header } from '@phalanx/primitives/chain'
import { bytes, struct, vec } from '@phalanx/primitives/codec'
import { call, subscription, type MethodTable } from '../method.ts'
import { blockNumber } from '../params.ts'

/** Answer of `grandpa_proveFinality`. Every block has its own proof, so no headers are unknown to the caller. */
const FinalityProof = struct({ block: Hash, justification: bytes, unknownHeaders: vec(Header) })

/** Methods about finality. */
export const grandpaMethods: MethodTable = {
  grandpa_proveFinality: call({
    doc: 'SCALE finality proof of the block with a number: its hash and justification; null above the head.', params: { number: blockNumber },
    handle({ chain }, { number }) {
      if (number > chain.head().number) return null
      const block = chain.store.hashOf(number)
      const justification = chain.store.justification(number)
      return block === undefined || justification === undefined ? null : toHex(FinalityProof.encode({ block, justification, unknownHeaders: [] }))
    },
  }),
  grandpa_roundState: call({
    doc: 'State of the running round: with one author a round ends as soon as its block is written.', params: {},
    handle({ chain }) {
      const { list, id } = chain.authorities()
      const total = Number(list.reduce((sum, [, weight]) => sum + weight, 0n))
      const votes = { currentWeight: total, missing: [] }
      return {
        setId: Number(id),
        best: { round: chain.head().number, totalWeight: total, thresholdWeight: Math.floor((total * 2) / 3) + 1, prevotes: votes, precommits: votes },
        background: [],
      }
    },
  }),
  grandpa_subscribeJustifications: subscription({
    doc: 'SCALE justification of every finalised block.', params: {},
    notification: 'grandpa_justifications', unsubscribe: ['grandpa_unsubscribeJustifications'],
    start: ({ chain }, _params, sink) =>
      chain.onBlock(({ justification }) => {
        if (justification !== undefined) sink.notify(toHex(justification))
      }),
  }),
}
