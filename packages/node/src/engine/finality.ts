/** Owns the making and checking of finality proofs on the node's side: who the authorities are at a block, precommits, justifications. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import {
  AuthorityList, Justification, SignedPrecommit, precommitPayload, verifyJustification, type AuthoritySet, type Header, type Precommit,
} from '@phalanx/primitives/chain'
import { u64 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { State } from '@phalanx/primitives/trie'
import type { Runtime, RuntimeEnv } from '@phalanx/runtime/frame'

/** A committed block that is to be proven final. */
export interface FinalityTarget {
  readonly hash: Uint8Array
  readonly number: number
}

const NO_PARAMS = new Uint8Array(0)

/** The set that finalises the children of a block, read from the state after it. */
export const readAuthorities = (runtime: Runtime, block: { readonly state: State; readonly header: Header }, env: RuntimeEnv): AuthoritySet => {
  const call = (method: string): Uint8Array => runtime.callApi({ state: block.state, at: block.header, method, params: NO_PARAMS, env })
  return { list: AuthorityList.decode(call('GrandpaApi_grandpa_authorities')), id: u64.decode(call('GrandpaApi_current_set_id')) }
}

/** GRANDPA round of a block's proof: its number. */
const roundOf = (number: number): bigint => BigInt(number)

/** Signs a precommit, or gives undefined where the key is not of the set. */
export const createAttestation = (
  crypto: Pick<Crypto, 'ed25519'>,
  parts: { readonly seed: Uint8Array; readonly authorities: AuthoritySet; readonly target: FinalityTarget },
): Uint8Array | undefined => {
  const id = crypto.ed25519.publicKey(parts.seed)
  if (!parts.authorities.list.some(([authority]) => bytesEqual(authority, id))) return undefined
  const precommit: Precommit = { targetHash: parts.target.hash, targetNumber: parts.target.number }
  const payload = precommitPayload({ precommit, round: roundOf(parts.target.number), setId: parts.authorities.id })
  return SignedPrecommit.encode({ precommit, signature: crypto.ed25519.sign(parts.seed, payload), id })
}

/** Joins precommits into an encoded justification. */
export const joinAttestations = (target: FinalityTarget, attestations: readonly Uint8Array[]): Uint8Array =>
  Justification.encode({
    round: roundOf(target.number),
    commit: { targetHash: target.hash, targetNumber: target.number, precommits: attestations.map((one) => SignedPrecommit.decode(one)) },
    votesAncestries: [],
  })

/** Checks an encoded justification of a block. @throws JUSTIFICATION_INVALID */
export const checkJustification = (
  crypto: Crypto,
  claim: { readonly encoded: Uint8Array; readonly authorities: AuthoritySet; readonly target: FinalityTarget },
): void => {
  const { encoded, authorities, target } = claim
  let justification: Justification
  try {
    justification = Justification.decode(encoded)
  } catch (cause) {
    throw new AppError('JUSTIFICATION_INVALID', { reason: 'it does not decode', number: target.number }, { cause })
  }
  verifyJustification(crypto, { justification, authorities, target })
}
