/**
 * Owns fetching a command's receipt: a worker hands it out as soon as there is one, its proof is checked against the root that the cluster agreed on, as the chain says,
 * and it is opened with the key that was made for the command.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { openReceipt, ReceiptLeaf, verifyReceiptProof, type PreparedCommand, type Receipt } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { ChainState, ContractEntry } from '../cluster/chain-state.ts'
import { isOfWait, isOutage, type Limits } from '../cluster/patience.ts'
import { isMomentaryNone, type PickedWorker } from '../cluster/pick-worker.ts'
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
  readonly signal: Limits['signal']
  /** Told what keeps it waiting. */
  readonly note: (trouble: unknown) => void
}

const whatOf = ({ command }: Pick<Wanted, 'command'>): string => `receipt for the command ${toHex(command.commandHash)}`

/** Time that is left. @throws SDK_WAIT_TIMEOUT, SDK_WAIT_ABORTED */
const leftOf = (session: Session, wanted: Wanted, cause?: unknown): number => {
  const { untilMs, timeoutMs, signal } = wanted
  if (signal?.aborted === true) throw new AppError('SDK_WAIT_ABORTED', { what: whatOf(wanted) })
  const leftMs = untilMs - session.network.surroundings.clock.nowMs()
  if (leftMs <= 0) throw new AppError('SDK_WAIT_TIMEOUT', { what: whatOf(wanted), waitedMs: timeoutMs }, { cause })
  return leftMs
}

/** Whether it is worth while to look for a worker again. */
const isToTryAgain = (error: unknown, tried: readonly Uint8Array[], refuted: readonly Uint8Array[]): boolean =>
  isAppError(error, 'SDK_WORKER_NONE') && (tried.length > refuted.length || isMomentaryNone(error))

/** Has workers wait for the receipt, one after another where one gives out or waits in vain. @throws SDK_WAIT_TIMEOUT and what choosing a worker throws */
const fetchReceipt = async (session: Session, wanted: Wanted, refuted: readonly Uint8Array[]): Promise<Handed> => {
  const { network } = session
  const { contract, command: { commandHash } } = wanted
  let tried = [...refuted]
  let last: unknown
  for (;;) {
    const leftMs = leftOf(session, wanted, last)
    let worker: PickedWorker
    try {
      worker = await network.pickWorker(contract.cluster, { except: tried })
    } catch (error) {
      if (!isToTryAgain(error, tried, refuted)) throw error
      // All gave out or waited, or none answers just now; each may have come further, or be back.
      last = error
      wanted.note(error)
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
const agreedRoot = async (session: Session, wanted: Wanted, block: number): Promise<{ readonly root: Uint8Array; readonly blockHash: Uint8Array }> => {
  const { contract: { cluster }, signal } = wanted
  let last: unknown
  for (;;) {
    try {
      return await session.network.waitFor({
        what: `agreement of the cluster's workers on block ${block}`, timeoutMs: Math.min(leftOf(session, wanted, last), AGREEMENT_MS_MAX), signal,
        async find(state: ChainState) {
          const root = await state.agreedReceipts(cluster, block)
          return root === undefined ? undefined : { root, blockHash: await state.hashOf(block) }
        },
      })
    } catch (error) {
      // A time in which the node was away says nothing about the worker that named the block.
      if (!isAppError(error, 'SDK_WAIT_TIMEOUT') || !isOutage(error.cause)) throw error
      last = error
    }
  }
}

/** Checks what a worker handed out. @throws SDK_WAIT_TIMEOUT, SDK_RECEIPT_NOT_AGREED, RECEIPT_ codes, TRIE_PROOF_ and CODEC_ codes, SEALED_NOT_OPENED */
const verifyHanded = async (session: Session, wanted: Wanted, handed: Handed): Promise<ProvenOutcome> => {
  const { crypto } = session.network.surroundings
  const { contract, command: { commandHash, own, target } } = wanted
  const { sealed, index, proof, block, encodedLeaf, receiptsRoot: told, worker } = handed
  const { root, blockHash } = await agreedRoot(session, wanted, block)
  if (!bytesEqual(root, told)) throw new AppError('SDK_RECEIPT_NOT_AGREED', { block, told: toHex(told), agreed: toHex(root) })
  verifyReceiptProof(crypto, { sealed, index, proof, leaf: ReceiptLeaf.decode(encodedLeaf) }, { receiptsRoot: root, commandHash })
  const receipt = openReceipt(crypto, sealed, { commandHash, own, target })
  if (receipt.block !== block || !bytesEqual(receipt.contract, contract.id)) throw new AppError('RECEIPT_MISMATCH', { what: 'block or contract' })
  session.raiseFloor({ number: receipt.block, hash: blockHash })
  return { receipt, sealed, proof, receiptsRoot: root, blockHash, worker }
}

/**
 * Waits for the receipt of a command and checks it. A worker that hands out one that is not proven is passed over; what was wrong with the last is thrown where no other is left.
 * Node and workers may go away and come back meanwhile.
 * @throws SDK_WAIT_TIMEOUT, SDK_WAIT_ABORTED, SDK_CLIENT_CLOSED, SDK_CHAIN_DIFFERS, SDK_RECEIPT_NOT_AGREED, RECEIPT_MISMATCH, RECEIPT_NOT_PROVEN, TRIE_PROOF_ and CODEC_ codes,
 * SDK_WORKER_NONE
 */
export const awaitReceipt = (session: Session, contract: ContractEntry, command: Wanted['command'], limits: Limits | number): Promise<ProvenOutcome> => {
  const { network } = session
  const { timeoutMs, signal } = typeof limits === 'number' ? { timeoutMs: limits } : limits
  const untilMs = network.surroundings.clock.nowMs() + timeoutMs
  const refuted: Refuted[] = []
  return network.holdOut({ what: whatOf({ command }), timeoutMs, signal }, (note) => proveReceipt(session, { contract, command, timeoutMs, untilMs, signal, note }, refuted))
}

/** A worker whose receipt is not proven, and what is wrong with it. */
interface Refuted {
  readonly worker: Uint8Array
  readonly wrong: AppError
}

const wrongWith = ({ wrong }: Refuted): AppError => wrong

/** Tries one worker after another; those that were `refuted` are not asked again. */
const proveReceipt = async (session: Session, wanted: Wanted, refuted: Refuted[]): Promise<ProvenOutcome> => {
  const { network } = session
  for (;;) {
    const handed = await fetchReceipt(session, wanted, refuted.map(({ worker }) => worker)).catch((error: unknown) => {
      const last = refuted.at(-1)
      if (last !== undefined && isAppError(error, 'SDK_WORKER_NONE')) throw wrongWith(last)
      throw error
    })
    try {
      return await verifyHanded(session, wanted, handed)
    } catch (error) {
      if (!isAppError(error) || isOfWait(error)) throw error
      network.surroundings.logger.warn('a worker\'s receipt is not proven', { worker: toHex(handed.worker.publicKey) }, error)
      network.forgetWorker(handed.worker)
      refuted.push({ worker: handed.worker.publicKey, wrong: error })
    }
  }
}
