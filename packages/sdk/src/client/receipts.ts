/**
 * Owns fetching a command's receipt: a worker hands it out as soon as there is one, its proof is checked against the root that the cluster agreed on, as the chain says,
 * and it is opened with the key that was made for the command.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { openReceipt, ReceiptLeaf, verifyReceiptProof, type PreparedCommand, type Receipt } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { ChainState, ContractEntry } from '../cluster/chain-state.ts'
import type { PickedWorker } from '../cluster/pick-worker.ts'
import '../errors.ts'
import { codeOf } from './ask.ts'
import type { Session } from './session.ts'

/** A receipt that is proven, and by what. */
export interface ProvenOutcome {
  readonly receipt: Receipt
  /** SCALE `SealedReceipt`, as every worker has it. */
  readonly sealed: Uint8Array
  readonly proof: readonly Uint8Array[]
  /** Root over the receipts of its block, which more than half of the cluster's workers reported. */
  readonly receiptsRoot: Uint8Array
  /** Hash of its block. */
  readonly blockHash: Uint8Array
  /** The worker that handed it out. */
  readonly worker: PickedWorker
}

/** Longest single wait of a worker. */
const WAIT_MS_MAX = 20_000
/** The worker waited and there was none yet. */
const NOT_YET = 'RECEIPT_NOT_YET'
/** Least time between two tries of workers that do not answer. */
const PAUSE_MS = 250

type Handed = Awaited<ReturnType<PickedWorker['api']['PhalanxAPI']['GetReceipt']>> & { readonly worker: PickedWorker }

/** Has workers wait for the receipt, one after another where one gives out. @throws SDK_WAIT_TIMEOUT and what choosing a worker throws */
const fetchReceipt = async (session: Session, contract: ContractEntry, commandHash: Uint8Array, untilMs: number, timeoutMs: number): Promise<Handed> => {
  const { network } = session
  const { clock } = network.surroundings
  let tried: Uint8Array[] = []
  for (;;) {
    const leftMs = untilMs - clock.nowMs()
    if (leftMs <= 0) throw new AppError('SDK_WAIT_TIMEOUT', { what: `receipt for the command ${toHex(commandHash)}`, waitedMs: timeoutMs })
    let worker: PickedWorker
    try {
      worker = await network.pickWorker(contract.cluster, { except: tried })
    } catch (error) {
      if (tried.length === 0 || !isAppError(error, 'SDK_WORKER_NONE')) throw error
      tried = []
      await new Promise<void>((resolve) => clock.after(Math.min(PAUSE_MS, leftMs), resolve))
      continue
    }
    try {
      const answer = await worker.api.PhalanxAPI.GetReceipt({ contract: contract.id, commandHash, waitMs: Math.min(leftMs, WAIT_MS_MAX) })
      return { ...answer, worker }
    } catch (error) {
      if (!isAppError(error)) throw error
      if (codeOf(error) === NOT_YET) continue
      network.forgetWorker(worker)
      tried.push(worker.publicKey)
    }
  }
}

/** The root that the cluster agreed on, and the block's hash. */
const agreedRoot = (session: Session, cluster: Uint8Array, block: number, timeoutMs: number): Promise<{ readonly root: Uint8Array; readonly blockHash: Uint8Array }> =>
  session.network.waitFor({
    what: `agreement of the cluster's workers on block ${block}`, timeoutMs,
    async find(state: ChainState) {
      const root = await state.agreedReceipts(cluster, block)
      return root === undefined ? undefined : { root, blockHash: await state.hashOf(block) }
    },
  })

/**
 * Waits for the receipt of a command and checks it.
 * @throws SDK_WAIT_TIMEOUT, SDK_RECEIPT_NOT_AGREED, RECEIPT_MISMATCH, RECEIPT_NOT_PROVEN, TRIE_PROOF_ and CODEC_ codes, SDK_WORKER_NONE
 */
export const awaitReceipt = async (
  session: Session, contract: ContractEntry, command: Pick<PreparedCommand, 'commandHash' | 'own' | 'target'>, timeoutMs: number,
): Promise<ProvenOutcome> => {
  const { crypto, clock } = session.network.surroundings
  const { commandHash, own, target } = command
  const untilMs = clock.nowMs() + timeoutMs
  const handed = await fetchReceipt(session, contract, commandHash, untilMs, timeoutMs)
  const { root, blockHash } = await agreedRoot(session, contract.cluster, handed.block, Math.max(untilMs - clock.nowMs(), 1))
  if (!bytesEqual(root, handed.receiptsRoot)) throw new AppError('SDK_RECEIPT_NOT_AGREED', { block: handed.block, told: toHex(handed.receiptsRoot), agreed: toHex(root) })
  const { sealed, index, proof } = handed
  verifyReceiptProof(crypto, { sealed, index, proof, leaf: ReceiptLeaf.decode(handed.encodedLeaf) }, { receiptsRoot: root, commandHash })
  const receipt = openReceipt(crypto, sealed, { commandHash, own, target })
  if (receipt.block !== handed.block || !bytesEqual(receipt.contract, contract.id)) throw new AppError('RECEIPT_MISMATCH', { what: 'block or contract' })
  session.raiseFloor({ number: receipt.block, hash: blockHash })
  return { receipt, sealed, proof, receiptsRoot: root, blockHash, worker: handed.worker }
}
