/** Owns payloads of `phala/gatekeeper/key` and `^phala/registry/gk_event`: how master keys travel between gatekeepers (mq.md section 7). */
import { bytesUpTo, fixedBytes, named, sortedMap, struct, tuple, u32, u64, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Sr25519Public } from '../chain/basics.ts'

/** Most gatekeepers that a rotation can name, and most keys of a history. */
const GATEKEEPERS_MAX = 1024

/** A secret key of 64 bytes, encrypted for one receiver: public half of the sending key, ciphertext with tag, 12-byte IV. */
export const EncryptedKey = named(
  'phala_types::EncryptedKey',
  struct({ ecdhPubkey: Sr25519Public, encryptedKey: bytesUpTo(256), iv: fixedBytes(12) }),
)
export type EncryptedKey = TypeOf<typeof EncryptedKey>

/** What the proposer of a rotation signs: `ff 03` goes before it. */
export const MasterKeyRotationPayload = struct({ rotationId: u64, secretKeys: sortedMap(Sr25519Public, EncryptedKey), sender: Sr25519Public })

/** A proposed master key for every listed gatekeeper; `sig` is the proposer's identity over the payload. */
export const MasterKeyRotationEvent = named(
  'phala_types::messaging::BatchRotateMasterKeyEvent',
  struct({ rotationId: u64, secretKeys: sortedMap(Sr25519Public, EncryptedKey), sender: Sr25519Public, sig: bytesUpTo(256) }),
)
export type MasterKeyRotationEvent = TypeOf<typeof MasterKeyRotationEvent>

/** Payload of `phala/gatekeeper/key`; accepted from origin Gatekeeper only. */
export const KeyDistribution = named(
  'phala_types::messaging::KeyDistribution',
  variant('KeyDistribution', {
    MasterKeyDistribution: {
      index: 0,
      value: named(
        'phala_types::messaging::DispatchMasterKeyEvent',
        struct({ dest: Sr25519Public, ecdhPubkey: Sr25519Public, encryptedMasterKey: bytesUpTo(256), iv: fixedBytes(12) }),
      ),
    },
    MasterKeyRotation: { index: 1, value: MasterKeyRotationEvent },
    MasterKeyHistory: {
      index: 2,
      value: named(
        'phala_types::messaging::DispatchMasterKeyHistoryEvent',
        struct({ dest: Sr25519Public, encryptedMasterKeyHistory: vecUpTo(tuple(u64, u32, EncryptedKey), GATEKEEPERS_MAX) }),
      ),
    },
  }),
)
export type KeyDistribution = TypeOf<typeof KeyDistribution>

/** Payload of `^phala/registry/gk_event`. */
export const GatekeeperRegistryEvent = named(
  'phala_types::messaging::GatekeeperRegistryEvent',
  variant('GatekeeperRegistryEvent', {
    RotatedMasterPubkey: { index: 0, fields: { rotationId: u64, masterPubkey: Sr25519Public } },
  }),
)
export type GatekeeperRegistryEvent = TypeOf<typeof GatekeeperRegistryEvent>
