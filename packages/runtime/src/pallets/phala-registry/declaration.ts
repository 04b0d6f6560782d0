/** Owns the first stage of PhalaRegistry: events, errors and constants (registry.md sections 3 and 5; ours follow at the end). */
import { APPENDED_PALLET_ERRORS, AttestationProvider, CollateralKey, PlatformFamily } from '@phalanx/attestation'
import { bool, option, u32, u64, u8 } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { EvictionReason } from '@phalanx/primitives/messages'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'
import { Review } from './types.ts'

/** Name of the pallet in the runtime, its storage prefix and its messages. */
export const REGISTRY = 'PhalaRegistry'

type AppendedError = (typeof APPENDED_PALLET_ERRORS)[number]

/** Errors that the verifier can name beyond the reference's; indices 40 to 51. */
const attestationErrors = Object.fromEntries(APPENDED_PALLET_ERRORS.map(({ name, index, doc }) => [name, { index, doc }])) as {
  readonly [E in AppendedError as E['name']]: { readonly index: E['index']; readonly doc: E['doc'] }
}

const workerFields = { pubkey: Sr25519Public, attestationProvider: option(AttestationProvider), confidenceLevel: u8 } as const

/** First stage; pallet.ts adds the calls. */
export const registryParts = declarePallet({
  name: REGISTRY,
  crate: 'phala_pallets::registry',
  doc: 'Attested workers, their keys and endpoints.',
  storage,
  events: {
    GatekeeperAdded: { index: 0, doc: 'A worker became a gatekeeper.', fields: { pubkey: Sr25519Public } },
    GatekeeperRemoved: { index: 1, doc: 'A gatekeeper was removed.', fields: { pubkey: Sr25519Public } },
    WorkerAdded: { index: 2, doc: 'A worker registered for the first time.', fields: workerFields },
    WorkerUpdated: { index: 3, doc: 'A known worker registered again.', fields: workerFields },
    MasterKeyRotated: { index: 4, doc: 'The master key was rotated.', fields: { rotationId: u64, masterPubkey: Sr25519Public } },
    MasterKeyRotationFailed: { index: 5, doc: 'A rotated key arrived that was not asked for.', fields: { rotationLock: option(u64), gatekeeperRotationId: u64 } },
    InitialScoreSet: { index: 6, doc: 'A worker\'s benchmark score was set.', fields: { pubkey: Sr25519Public, initScore: u32 } },
    MinimumPRuntimeVersionChangedTo: { index: 7, doc: 'The lowest admitted worker version changed.', tuple: [u32, u32, u32] },
    PRuntimeConsensusVersionChangedTo: { index: 8, doc: 'The consensus version in force changed.', tuple: [u32] },
    GatekeeperLaunched: { index: 9, doc: 'The master key is known: gatekeepers are running.' },
    WorkerEcdhKeyAnchored: { index: 10, doc: 'A worker\'s fresh ECDH key is on the chain.', fields: { pubkey: Sr25519Public, epoch: u64, ecdhPubkey: Sr25519Public } },
    WorkerEndpointUpdated: { index: 11, doc: 'A worker\'s endpoints changed.', fields: { pubkey: Sr25519Public } },
    CollateralUpdated: { index: 12, doc: 'A canonical set is in force.', fields: { key: CollateralKey, hash: Hash, evaluationNumber: u32, validUntil: u64 } },
    CollateralPending: { index: 13, doc: 'A newer set will be canonical from a block on.', fields: { key: CollateralKey, hash: Hash, evaluationNumber: u32, activeAt: u32 } },
    AttestationPolicySet: { index: 14, doc: 'Another attestation policy is in force.', fields: { version: u32 } },
    FamilyRevoked: { index: 15, doc: 'A platform family was revoked; its workers no longer count and are taken off over the next blocks.', fields: { family: PlatformFamily, workers: u32 } },
    FamilyRestored: { index: 16, doc: 'A revoked platform family may register again.', fields: { family: PlatformFamily } },
    WorkerEvidenceLapsed: { index: 17, doc: 'A worker\'s evidence was not renewed in time.', fields: { pubkey: Sr25519Public, validUntil: u64 } },
    WorkerEvicted: { index: 18, doc: 'A worker lost its confidence and its duties.', fields: { pubkey: Sr25519Public, reason: EvictionReason } },
    ReviewProgress: { index: 19, doc: 'A revocation or policy change looked at more workers.', fields: { review: Review, finished: bool } },
    GatekeeperConfirmed: { index: 20, doc: 'A gatekeeper showed that it holds the master key; its votes count from now on.', fields: { pubkey: Sr25519Public } },
    GatekeeperSuspended: { index: 21, doc: 'A gatekeeper lost the master key, or has not yet shown to hold a rotated one; its votes count again once it does.', fields: { pubkey: Sr25519Public } },
    OutcomeDiffers: { index: 22, doc: 'Alarm: gatekeepers found different things in the same block.', fields: { block: u32, index: u32, gatekeeper: Sr25519Public } },
    VerdictGiven: { index: 23, doc: 'The gatekeepers judged a registration.', fields: { pubkey: Sr25519Public, accepted: bool, confidenceLevel: u8 } },
    VerdictDiffers: { index: 24, doc: 'Alarm: the gatekeepers judge a registration otherwise than the chain did.', fields: { pubkey: Sr25519Public, accepted: bool, confidenceLevel: u8 } },
    RotationCandidateChosen: { index: 25, doc: 'A proposed master key was passed on to the gatekeepers.', fields: { rotationId: u64, gatekeeper: Sr25519Public } },
    MasterKeyRotationCancelled: { index: 26, doc: 'A rotation of the master key was given up.', fields: { rotationId: u64 } },
  },
  errors: {
    CannotHandleUnknownMessage: { index: 0, doc: 'No key authenticates senders of this kind.' },
    InvalidSender: { index: 1, doc: 'The sender may not send this message.' },
    InvalidPubKey: { index: 2, doc: 'No worker is registered with this public key.' },
    MalformedSignature: { index: 3, doc: 'The signature cannot be read.' },
    InvalidSignatureLength: { index: 4, doc: 'A signature has 64 bytes.' },
    InvalidSignature: { index: 5, doc: 'The signature does not belong to the key and the content.' },
    UnknownContract: { index: 6, doc: 'The contract has no key on the chain.' },
    InvalidIASSigningCert: { index: 7, doc: 'The certificate that signed the report does not chain to a pinned root.' },
    InvalidReport: { index: 8, doc: 'The report is malformed.' },
    InvalidQuoteStatus: { index: 9, doc: 'The platform status is not accepted.' },
    BadIASReport: { index: 10, doc: 'The time in the report cannot be read.' },
    OutdatedIASReport: { index: 11, doc: 'The report is too old.' },
    UnknownQuoteBodyFormat: { index: 12, doc: 'The quote inside the report has an unknown format.' },
    InvalidDCAPQuote: { index: 13, doc: 'The quote or its collateral is not genuine.' },
    InvalidRuntimeInfoHash: { index: 14, doc: 'The evidence was made for other registration info.' },
    InvalidRuntimeInfo: { index: 15, doc: 'The registration info is malformed.' },
    InvalidInput: { index: 16, doc: 'An argument is out of range.' },
    InvalidBenchReport: { index: 17, doc: 'The benchmark report starts in the future.' },
    WorkerNotFound: { index: 18, doc: 'The worker is not registered.' },
    NoneAttestationDisabled: { index: 19, doc: 'Registration needs evidence.' },
    InvalidGatekeeper: { index: 20, doc: 'Not a gatekeeper.' },
    InvalidMasterPubkey: { index: 21, doc: 'The master public key is malformed.' },
    MasterKeyMismatch: { index: 22, doc: 'Another master public key is already known.' },
    MasterKeyUninitialized: { index: 23, doc: 'No gatekeeper has launched yet.' },
    GenesisBlockHashRejected: { index: 24, doc: 'The worker follows a chain with another genesis.' },
    GenesisBlockHashAlreadyExists: { index: 25, doc: 'The genesis hash is already admitted.' },
    GenesisBlockHashNotFound: { index: 26, doc: 'The genesis hash is not on the list.' },
    PRuntimeRejected: { index: 27, doc: 'The code\'s measurement is not on the allow list.' },
    PRuntimeAlreadyExists: { index: 28, doc: 'The measurement is already admitted.' },
    PRuntimeNotFound: { index: 29, doc: 'The measurement is not on the list.' },
    UnknownCluster: { index: 30, doc: 'The cluster has no key on the chain.' },
    NotImplemented: { index: 31, doc: 'This chain does not do that.' },
    CannotRemoveLastGatekeeper: { index: 32, doc: 'At least one gatekeeper must stay.' },
    MasterKeyInRotation: { index: 33, doc: 'A rotation of the master key is under way.' },
    InvalidRotatedMasterPubkey: { index: 34, doc: 'No such rotation is under way.' },
    InvalidEndpointSigningTime: { index: 35, doc: 'The endpoints were signed in the future or over four hours ago.' },
    NotMigrationRoot: { index: 36, doc: 'Not the account that may migrate.' },
    ParachainIdMismatch: { index: 37, doc: 'The worker follows another parachain.' },
    InvalidConsensusVersion: { index: 38, doc: 'The consensus version is not known to workers.' },
    UnsupportedAttestationType: { index: 39, doc: 'Evidence of this kind is not accepted.' },
    ...attestationErrors,
    DevelopmentOnly: { index: 52, doc: 'Only chains whose genesis is marked as simulated allow this.' },
    ReplayedReport: { index: 53, doc: 'This evidence was used before.' },
    InvalidEcdhKey: { index: 54, doc: 'The ECDH key is not a valid point, or equals the identity key.' },
    InvalidEcdhEpoch: { index: 55, doc: 'The epoch is not higher than the current one.' },
    ListFull: { index: 56, doc: 'The list holds as many entries as it may.' },
    GatekeeperNotConfirmed: { index: 70, doc: 'The gatekeeper has not shown that it holds the master key, or not before that block.' },
    OutcomeOutOfRange: { index: 71, doc: 'The vote is about a block that has not ended or ended too long ago.' },
    AlreadyVoted: { index: 72, doc: 'The gatekeeper has voted on this outcome.' },
    LastKeyHolder: { index: 73, doc: 'No other gatekeeper could give the key.' },
    InvalidRotationCandidate: { index: 74, doc: 'The candidate is not for this rotation, or not for exactly the listed gatekeepers.' },
    InsufficientConfidence: { index: 75, doc: 'The worker\'s confidence level is too low for a gatekeeper.' },
    WorkerNotVouchedFor: { index: 76, doc: 'The gatekeepers have not judged the worker\'s evidence yet, or refused it.' },
    MasterKeyNotInRotation: { index: 77, doc: 'No rotation of the master key is under way.' },
    PolicyInvalid: { index: 60, doc: 'A field of the policy is out of range, or names a kind that is not known.' },
    PolicyVersionMismatch: { index: 61, doc: 'The policy must carry the version after the one in force.' },
    PolicyWidensTrust: { index: 62, doc: 'A policy may remove roots, never add them, and never change the simulated flag.' },
    CollateralNotNewer: { index: 63, doc: 'The canonical set is as new or newer.' },
    CollateralPending: { index: 64, doc: 'A newer set already waits for its block.' },
    UnknownAnchor: { index: 65, doc: 'The evidence does not name one of the last 256 blocks: make it anew.' },
    AnchorMissing: { index: 66, doc: 'The evidence names no recent block, and the policy asks for one.' },
    FamilyAlreadyRevoked: { index: 67, doc: 'The platform family is revoked already.' },
    FamilyNotRevoked: { index: 68, doc: 'The platform family is not revoked.' },
    EvidenceLapsed: { index: 69, doc: 'The worker has no evidence in good standing: it must register again.' },
  },
  constants: {
    NoneAttestationEnabled: constant(bool, false, 'Whether registration without evidence is accepted: never.'),
    VerifyPRuntime: constant(bool, true, 'Whether the measurement allow list is enforced.'),
    VerifyRelaychainGenesisBlockHash: constant(bool, true, 'Whether a registration must name this chain\'s genesis or an admitted one.'),
    ParachainId: constant(u32, 0, 'Id that registrations must carry; 0 on a chain of its own.'),
  },
})

/** Context of the registry's code. */
export type RegistryContext = ContextOf<typeof registryParts>
