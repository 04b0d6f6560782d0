/** Owns the wire forms of a handover of identity from a worker to its successor, and the bytes that evidence of both commits to. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { bytes, bytesUpTo, fixedBytes, struct, u32, u64, u8, type TypeOf } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { KeyPair } from './keys.ts'

/** Version of these forms. */
export const HANDOVER_VERSION = 1
/** Blocks for which a challenge can be answered. */
export const CHALLENGE_BLOCKS_MAX = 150

/** What the giving worker asks its successor to answer; `key` is made for this handover alone. */
export const HandoverChallenge = struct({ version: u8, genesisHash: Hash, number: u32, blockHash: Hash, timeMs: u64, identity: Sr25519Public, key: Sr25519Public, nonce: fixedBytes(32) })
export type HandoverChallenge = TypeOf<typeof HandoverChallenge>

/** The successor's answer, which its evidence commits to. */
export const HandoverRequest = struct({ challenge: HandoverChallenge, key: Sr25519Public })
export type HandoverRequest = TypeOf<typeof HandoverRequest>

/** The identity's secret, sealed from one worker's handover key to the other's; the giver's evidence commits to it. */
export const WorkerKeyParcel = struct({ challenge: HandoverChallenge, recipient: Sr25519Public, iv: fixedBytes(12), ciphertext: bytesUpTo(128) })
export type WorkerKeyParcel = TypeOf<typeof WorkerKeyParcel>

/** To whom an identity went, and the parcel. */
export const HandedOver = struct({ recipient: Sr25519Public, measurement: bytesUpTo(256), parcel: bytesUpTo(1024), nonce: fixedBytes(32) })
export type HandedOver = TypeOf<typeof HandedOver>

/** The receiving side of a handover under way. */
export interface AcceptedHandover {
  readonly challenge: HandoverChallenge
  readonly key: KeyPair
}

/** Content of the receiving side's sealed file: a crash must not lose the only key that opens the parcel. */
export const SealedHandover = struct({ challenge: HandoverChallenge, publicKey: Sr25519Public, secret: fixedBytes(64) })

const commitment = (crypto: Pick<Crypto, 'blake2b256'>, domain: string, body: Uint8Array): Uint8Array =>
  crypto.blake2b256(concatBytes(bytes.encode(utf8(domain)), body))

/** The 64 bytes that the successor's evidence carries. */
export const requestReportData = (crypto: Pick<Crypto, 'blake2b256'>, request: HandoverRequest): Uint8Array =>
  concatBytes(commitment(crypto, 'phalanx/handover-request/1', HandoverRequest.encode(request)), request.challenge.blockHash)

/** The 64 bytes that the giver's evidence carries. */
export const parcelReportData = (crypto: Pick<Crypto, 'blake2b256'>, parcel: WorkerKeyParcel): Uint8Array =>
  concatBytes(commitment(crypto, 'phalanx/handover-parcel/1', WorkerKeyParcel.encode(parcel)), parcel.challenge.blockHash)

/** What the successor signs with the identity once it is sealed: the giver may forget it. */
export const receiptPayload = ({ genesisHash, nonce }: { readonly genesisHash: Uint8Array; readonly nonce: Uint8Array }): Uint8Array =>
  concatBytes(bytes.encode(utf8('phalanx/handover-receipt/1')), genesisHash, nonce)

/** What a channel of a handover is bound to. */
export const channelContext = ({ genesisHash, blockHash }: HandoverChallenge) => ({ purpose: 'phalanx/handover/1', epoch: 0n, genesis: genesisHash, anchor: blockHash })

/** Header of the parcel, sent in the clear and authenticated. */
export const parcelHeader = (challenge: HandoverChallenge): Uint8Array => HandoverChallenge.encode(challenge)
