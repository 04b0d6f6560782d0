/**
 * Owns judging a registered worker's evidence anew from what a chain keeps: nothing of the chain's verdict is believed, only its data
 * are used. What the node says the chain holds is not proven here (finality and read proofs are another matter).
 */
import { verifyReport, type AttestationPolicy, type VerifiedFile } from '@phalanx/attestation'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { WorkerRegistrationInfoV2 } from '@phalanx/primitives/messages'
import type { ChainClient } from './chain-client.ts'
import { fetchEvidence, type ChainEvidence } from './evidence.ts'
import './errors.ts'

/** A worker's evidence and what it proves to whoever asked. */
export interface VerifiedWorker {
  readonly file: VerifiedFile
  /** What the chain keeps, its own outcome included. */
  readonly kept: ChainEvidence
}

/**
 * Fetches a worker's evidence and judges it. `policy` is the reader's own, or the chain's of the time of registration; `nowSeconds` is
 * when it is to hold. The evidence must be made for registration info that names this very worker.
 * @throws SDK_EVIDENCE_NONE, SDK_EVIDENCE_FOREIGN, CODEC_ codes, SDK_RESPONSE_MALFORMED and connection codes
 */
export const verifyWorker = async (
  chain: ChainClient, pubkey: Uint8Array, options: { readonly policy: AttestationPolicy | 'chain'; readonly nowSeconds: number }, dependencies: { readonly crypto: Crypto },
): Promise<VerifiedWorker> => {
  const { crypto } = dependencies
  const kept = await fetchEvidence(chain, pubkey, { crypto })
  const named = WorkerRegistrationInfoV2.decode(kept.info).pubkey
  if (!bytesEqual(named, pubkey)) throw new AppError('SDK_EVIDENCE_FOREIGN', { url: chain.url, pubkey: toHex(pubkey), named: toHex(named) })
  const policy = options.policy === 'chain' ? kept.policy : options.policy
  const file = verifyReport({ evidence: kept.report, form: 'chain', policy, nowSeconds: options.nowSeconds, reportData: crypto.blake2b256(kept.info), crypto })
  return { file, kept }
}
