/**
 * Owns reading a registered worker's evidence from a chain with everything it was judged by, so that anyone comes to the same
 * verdict; and asking a chain which workers a policy would evict. Finality of what the node says is not verified here.
 */
import { AttestationPolicy, AttestationRecord, AttestationReport, evaluateRegistration, EvidenceRecord, joinCollateral, type RegistrationOutcome } from '@phalanx/attestation'
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { bytes as lengthPrefixed, option, struct, textUpTo, u32, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { ChainClient } from './chain-client.ts'
import './errors.ts'

const REGISTRY = 'PhalaRegistry'

/** A worker's evidence and what the chain judged it by. */
export interface ChainEvidence {
  /** The evidence with the canonical collateral it was judged with. */
  readonly report: AttestationReport
  /** SCALE of that collateral; undefined for kinds without. */
  readonly collateral: Uint8Array | undefined
  /** The policy of that time, its measurement list included. */
  readonly policy: AttestationPolicy
  /** Unix seconds of the chain at which it was judged. */
  readonly verifiedAt: number
  /** SCALE of the registration info, and its hash, which the evidence is made for. */
  readonly info: Uint8Array
  readonly commit: Uint8Array
  /** The chain's outcome. */
  readonly record: AttestationRecord
}

/**
 * Reads the evidence of the worker with this public key at the last finalised block, or at `at` (a block hash).
 * @throws SDK_EVIDENCE_NONE, SDK_RESPONSE_MALFORMED and connection codes
 */
export const fetchEvidence = async (
  chain: ChainClient, pubkey: Uint8Array, { crypto, at }: { readonly crypto: Crypto; readonly at?: Uint8Array },
): Promise<ChainEvidence> => {
  const metadata = await chain.metadata()
  const block = at ?? (await chain.finalizedHead()).hash
  const hashed = (key: Uint8Array): Uint8Array => concatBytes(crypto.twox64(key), key)
  const read = async (item: string, key: Uint8Array): Promise<Uint8Array | undefined> => chain.storage(concatBytes(metadata.storagePrefix(REGISTRY, item), key), block)
  const demand = async (item: string, key: Uint8Array): Promise<Uint8Array> => {
    const found = await read(item, key)
    if (found === undefined) throw new AppError('SDK_EVIDENCE_NONE', { url: chain.url, pubkey: toHex(pubkey), item })
    return found
  }
  const [keptBytes, recordBytes] = await Promise.all([demand('Evidence', hashed(pubkey)), demand('Attestations', hashed(pubkey))])
  const kept = EvidenceRecord.decode(keptBytes)
  const record = AttestationRecord.decode(recordBytes)
  const [policy, collateral] = await Promise.all([
    demand('AttestationPolicies', hashed(u32.encode(record.policyVersion))),
    kept.collateral === undefined ? undefined : demand('Collateral', kept.collateral).then((value) => lengthPrefixed.decode(value)),
  ])
  return {
    report: joinCollateral({ report: AttestationReport.decode(kept.report), collateral }), collateral,
    policy: AttestationPolicy.decode(policy), verifiedAt: Number(kept.verifiedAt),
    info: kept.info, commit: crypto.blake2b256(kept.info), record,
  }
}

/** Judges fetched evidence as the chain did, at the chain's time unless told otherwise. */
export const judgeEvidence = (evidence: ChainEvidence, { crypto, nowSeconds }: { readonly crypto: Crypto; readonly nowSeconds?: number }): RegistrationOutcome => {
  const { report, commit, policy, verifiedAt } = evidence
  return evaluateRegistration({ report, commit, policy, nowSeconds: nowSeconds ?? verifiedAt, crypto })
}

/** A worker that a policy would evict: the chain's error, the verifier's code where it has one, the names down to the failing check. */
export interface PredictedEviction {
  readonly pubkey: Uint8Array
  readonly error: string
  readonly code: string
  readonly path: readonly string[]
  readonly confidenceLevel: number
}

const PAGE_MAX = 256
/** Bound of the pages read from one node: a million workers. */
const PAGES_MAX = 4096

const DryRunPage = struct({
  refused: option(textUpTo(64)),
  examined: u32,
  evictions: vecUpTo(struct({ pubkey: Sr25519Public, error: textUpTo(64), code: textUpTo(64), path: vecUpTo(textUpTo(128), 16), confidenceLevel: u8 }), PAGE_MAX),
  next: option(Sr25519Public),
})
type DryRunPage = TypeOf<typeof DryRunPage>

const callApi = async (chain: ChainClient, method: string, params: Uint8Array, block: Uint8Array): Promise<Uint8Array> => {
  const answer = await chain.rpc.request('state_call', [method, toHex(params), toHex(block)])
  if (typeof answer !== 'string' || !answer.startsWith('0x')) throw new AppError('SDK_RESPONSE_MALFORMED', { url: chain.url, what: method })
  return parseHex(answer)
}

/** The chain's policy at the last finalised block, its measurement list included. */
export const fetchPolicy = async (chain: ChainClient): Promise<AttestationPolicy> =>
  AttestationPolicy.decode(await callApi(chain, 'AttestationApi_policy', new Uint8Array(0), (await chain.finalizedHead()).hash))

/** Which attested workers a policy would evict at the last finalised block, and how many were looked at. */
export const dryRunPolicy = async (chain: ChainClient, policy: AttestationPolicy): Promise<{ readonly examined: number; readonly evictions: readonly PredictedEviction[] }> => {
  const { hash } = await chain.finalizedHead()
  const evictions: PredictedEviction[] = []
  let examined = 0
  let after: Uint8Array | undefined
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const params = concatBytes(AttestationPolicy.encode(policy), option(Sr25519Public).encode(after))
    const page: DryRunPage = DryRunPage.decode(await callApi(chain, 'AttestationApi_dry_run_policy', params, hash))
    if (page.refused !== undefined) throw new AppError('SDK_POLICY_REFUSED', { url: chain.url, name: page.refused })
    examined += page.examined
    evictions.push(...page.evictions)
    if (page.next === undefined) return { examined, evictions }
    after = page.next
  }
  throw new AppError('SDK_RESPONSE_MALFORMED', { url: chain.url, what: 'AttestationApi_dry_run_policy' })
}
