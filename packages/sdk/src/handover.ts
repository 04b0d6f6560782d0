/**
 * Owns the carrying of a handover between two workers: their messages, with what each must be shown of the chain. It sees no secret and decides
 * nothing. Run again after a crash, it goes on where the workers stand.
 */
import { parseHex } from '@phalanx/primitives/bytes'
import { AdmissionProof, Header } from '@phalanx/primitives/chain'
import type { WorkerClient } from '@phalanx/worker/wire'
import type { ChainClient } from './chain-client.ts'

/** Calls of a worker that a handover uses. */
export type HandoverPeer = Pick<WorkerClient, 'PhactoryAPI' | 'PhalanxAPI'>

const NO_REQUEST = { encodedChallengeHandler: new Uint8Array(0) }

/** A block may come between the two answers of the node. */
const ATTEMPTS = 3

/**
 * Moves the identity of `from` to `to`. Resolves when `to` has it and `from` has forgotten it.
 * @throws WIRE_CALL_FAILED with the refusing worker's code, and connection codes; may be repeated
 */
export const handOver = async (
  workers: { readonly from: HandoverPeer; readonly to: HandoverPeer },
  dependencies: { readonly node: Pick<ChainClient, 'admission' | 'checkpoint' | 'genesisInfo'> },
): Promise<void> => {
  const { from, to } = workers
  const { node } = dependencies
  const [giver, taker] = await Promise.all([from.PhalanxAPI.Status({}), to.PhalanxAPI.Status({})])
  const identity = parseHex(giver.publicKey ?? '')
  // Where the identity has arrived already only the receipt is missing.
  const hasArrived = taker.publicKey !== undefined && taker.publicKey === giver.publicKey
  const asked = hasArrived ? NO_REQUEST : await to.PhactoryAPI.HandoverAcceptChallenge(await from.PhactoryAPI.HandoverCreateChallenge({}))
  const { header, proof } = AdmissionProof.decode(await node.admission())
  const parcel = await from.PhactoryAPI.HandoverStart({ ...asked, encodedHeader: Header.encode(header), proof })
  // The checkpoint first: proof and checkpoint must be of one block, and a chain moves on.
  const receive = async (attempts: number): Promise<{ readonly signature: Uint8Array }> => {
    const encodedCheckpoint = await node.checkpoint(identity)
    const rules = AdmissionProof.decode(await node.admission())
    try {
      return await to.PhactoryAPI.HandoverReceive({ ...parcel, encodedGenesisInfo: await node.genesisInfo(), encodedCheckpoint, proof: rules.proof })
    } catch (error) {
      if (attempts <= 1) throw error
      return receive(attempts - 1)
    }
  }
  await from.PhalanxAPI.HandoverFinish(await receive(ATTEMPTS))
}
