/** Owns payloads of `phala/gatekeeper/launch` and `phala/gatekeeper/change`. */
import { named, struct, u64, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Sr25519Public } from '../chain/basics.ts'

/** A worker's two public keys. */
export const WorkerIdentity = named('phala_types::WorkerIdentity', struct({ pubkey: Sr25519Public, ecdhPubkey: Sr25519Public }))
export type WorkerIdentity = TypeOf<typeof WorkerIdentity>

const NewGatekeeper = named('phala_types::messaging::NewGatekeeperEvent', struct({ pubkey: Sr25519Public, ecdhPubkey: Sr25519Public }))
const MasterPubkey = named('phala_types::messaging::MasterPubkeyEvent', struct({ masterPubkey: Sr25519Public }))

/** Steps of the launch and rotation of the master key. */
export const GatekeeperLaunch = named(
  'phala_types::messaging::GatekeeperLaunch',
  variant('GatekeeperLaunch', {
    FirstGatekeeper: { index: 0, value: NewGatekeeper },
    MasterPubkeyOnChain: { index: 1, value: MasterPubkey },
    RotateMasterKey: {
      index: 2,
      value: named('phala_types::messaging::RotateMasterKeyEvent', struct({ rotationId: u64, gkIdentities: vecUpTo(WorkerIdentity, 1024) })),
    },
    MasterPubkeyRotated: { index: 3, value: MasterPubkey },
  }),
)
export type GatekeeperLaunch = TypeOf<typeof GatekeeperLaunch>

/** Gatekeepers that join or leave. */
export const GatekeeperChange = named(
  'phala_types::messaging::GatekeeperChange',
  variant('GatekeeperChange', {
    Registered: { index: 0, value: NewGatekeeper },
    Unregistered: {
      index: 1,
      value: named('phala_types::messaging::RemoveGatekeeperEvent', struct({ pubkey: Sr25519Public })),
    },
  }),
)
export type GatekeeperChange = TypeOf<typeof GatekeeperChange>
