/** Owns what the worker tells the chain about itself, and the bytes that bind evidence to it. */
import { concatBytes } from '@phalanx/primitives/bytes'
import { WorkerRegistrationInfoV2 } from '@phalanx/primitives/messages'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Build, LiveState } from './state.ts'

/** `(major << 16) + (minor << 8) + patch`. */
const versionNumber = ([major, minor, patch]: Build['version']): number => major * 65_536 + minor * 256 + patch

/** SCALE WorkerRegistrationInfoV2 of the worker as it is now. */
export const registrationInfo = (build: Build, state: LiveState): Uint8Array =>
  WorkerRegistrationInfoV2.encode({
    version: versionNumber(build.version),
    machineId: new Uint8Array(0),
    pubkey: state.keys.identity.publicKey,
    ecdhPubkey: state.keys.ecdh.publicKey,
    genesisBlockHash: state.follow.genesisHash,
    features: build.features,
    operator: state.operator,
    paraId: 0,
    maxConsensusVersion: build.maxConsensusVersion,
  })

/** The 64 bytes that evidence carries: hash of the registration info ‖ hash of the last final block known here, which the chain must know. */
export const reportData = (crypto: Pick<Crypto, 'blake2b256'>, info: Uint8Array, state: LiveState): Uint8Array =>
  concatBytes(crypto.blake2b256(info), state.follow.head.hash)
