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

/** Longest wait for the cluster to agree on a block that one worker names: it may have named a wrong one. */
const AGREEMENT_MS_MAX = 30_000

type Handed = Awaited<ReturnType<PickedWorker['api']['PhalanxAPI']['GetReceipt']>> & { readonly worker: PickedWorker }

/** A command whose receipt is wanted, and until when. */
interface Wanted {
  readonly contract: ContractEntry
  readonly command: Pick<PreparedCommand, 'commandHash' | 'own' | 'target'>
  readonly timeoutMs: number
  readonly untilMs: number
}

const leftOf = (session: Session, { untilMs, timeoutMs, command }: Wanted): number => {
  const leftMs = untilMs - session.network.surroundings.clock.nowMs()
  if (leftMs <= 0) throw new AppError('SDK_WAIT_TIMEOUT', { what: `receipt for the command ${toHex(command.commandHash)}`, waitedMs: timeoutMs })
  return leftMs
}

/** Has workers wait for the receipt, one after another where one gives out or waits in vain. @throws SDK_WAIT_TIMEOUT and what choosing a worker throws */
const fetchReceipt = async (session: Session, wanted: Wanted, refuted: readonly Uint8Array[]): Promise<Handed> => {
  const { network } = session
  const { contract, command: { commandHash } } = wanted
  let tried = [...refuted]
  for (;;) {
    const leftMs = leftOf(session, wanted)
    let worker: PickedWorker
    try {
      worker = await network.pickWorker(contract.cluster, { except: tried })
    } catch (error) {
      if (tried.length === refuted.length || !isAppError(error, 'SDK_WORKER_NONE')) throw error
      // All gave out or waited; each may have come further.
      tried = [...refuted]
      await new Promise<void>((resolve) => network.surroundings.clock.after(Math.min(PAUSE_MS, leftMs), resolve))
      continue
    }
    try {
      const answer = await worker.api.PhalanxAPI.GetReceipt({ contract: contract.id, commandHash, waitMs: Math.min(leftMs, WAIT_MS_MAX) })
      return { ...answer, worker }
    } catch (error) {
      if (!isAppError(error)) throw error
      // One that waited in vain may be the one that the chain does not reach any more: the others are asked before it is asked again.
      if (codeOf(error) !== NOT_YET) network.forgetWorker(worker)
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

/** Checks what a worker handed out. @throws SDK_WAIT_TIMEOUT, SDK_RECEIPT_NOT_AGREED, RECEIPT_ codes, TRIE_PROOF_ and CODEC_ codes, SEALED_NOT_OPENED */
const verifyHanded = async (session: Session, wanted: Wanted, handed: Handed): Promise<ProvenOutcome> => {
  const { crypto } = session.network.surroundings
  const { contract, command: { commandHash, own, target } } = wanted
  const { sealed, index, proof, block, encodedLeaf, receiptsRoot: told, worker } = handed
  const { root, blockHash } = await agreedRoot(session, contract.cluster, block, Math.min(leftOf(session, wanted), AGREEMENT_MS_MAX))
  if (!bytesEqual(root, told)) throw new AppError('SDK_RECEIPT_NOT_AGREED', { block, told: toHex(told), agreed: toHex(root) })
  verifyReceiptProof(crypto, { sealed, index, proof, leaf: ReceiptLeaf.decode(encodedLeaf) }, { receiptsRoot: root, commandHash })
  const receipt = openReceipt(crypto, sealed, { commandHash, own, target })
  if (receipt.block !== block || !bytesEqual(receipt.contract, contract.id)) throw new AppError('RECEIPT_MISMATCH', { what: 'block or contract' })
  session.raiseFloor({ number: receipt.block, hash: blockHash })
  return { receipt, sealed, proof, receiptsRoot: root, blockHash, worker }
}

/**
 * Waits for the receipt of a command and checks it. A worker that hands out one that is not proven is passed over; what was wrong with the last is thrown where no other is left.
 * @throws SDK_WAIT_TIMEOUT, SDK_RECEIPT_NOT_AGREED, RECEIPT_MISMATCH, RECEIPT_NOT_PROVEN, TRIE_PROOF_ and CODEC_ codes, SDK_WORKER_NONE
 */
export const awaitReceipt = async (session: Session, contract: ContractEntry, command: Wanted['command'], timeoutMs: number): Promise<ProvenOutcome> => {
  const { network } = session
  const wanted: Wanted = { contract, command, timeoutMs, untilMs: network.surroundings.clock.nowMs() + timeoutMs }
  const refuted: Uint8Array[] = []
  let wrong: AppError | undefined
  for (;;) {
    const handed = await fetchReceipt(session, wanted, refuted).catch((error: unknown) => {
      throw wrong !== undefined && isAppError(error, 'SDK_WORKER_NONE') ? wrong : error
    })
    try {
      return await verifyHanded(session, wanted, handed)
    } catch (error) {
      if (!isAppError(error)) throw error
      network.surroundings.logger.warn('a worker\'s receipt is not proven', { worker: toHex(handed.worker.publicKey) }, error)
      network.forgetWorker(handed.worker)
      refuted.push(handed.worker.publicKey)
      wrong = error
    }
  }
}
