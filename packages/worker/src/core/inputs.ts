/** Owns everything that can happen to a worker's core. Randomness and counts arrive inside; time is only ever the chain's. */
import type { ClusterKeyring } from '../contracts/cluster/keyring.ts'
import type { RootAnswer } from '../gatekeeper/root-calls.ts'
import type { SuccessorClaim } from './handover.ts'
import type { AcceptedHandover, HandedOver } from './handover-messages.ts'
import type { KeyPair } from './keys.ts'
import type { CachedAttestation, Restored } from './state.ts'

/** One input. `entropy` is 32 fresh random bytes. */
export type Input =
  /** InitRuntime: `genesis` is SCALE GenesisBlockInfo, `checkpoint` SCALE ChainCheckpoint where the worker is to begin at one. */
  | {
      readonly kind: 'init'
      readonly value: {
        readonly genesis: Uint8Array; readonly checkpoint?: Uint8Array | undefined; readonly operator: Uint8Array | undefined; readonly entropy: Uint8Array
      }
    }
  /** A worker that is far behind goes on at a SCALE ChainCheckpoint. */
  | { readonly kind: 'skipTo'; readonly value: { readonly checkpoint: Uint8Array; readonly entropy: Uint8Array } }
  /** Start of the process with an opened identity, and with a checkpoint of it where one is usable. */
  | {
      readonly kind: 'resume'
      readonly value: {
        readonly identity: KeyPair; readonly genesisHash: Uint8Array; readonly restored: Restored | undefined; readonly entropy: Uint8Array
        readonly clusterKeys?: ClusterKeyring | undefined
      }
    }
  /** SCALE FollowedBlocks; `iterations` counted by the benchmark since the last feed. */
  | {
      readonly kind: 'feed'
      readonly value: { readonly blocks: Uint8Array; readonly genesisHash: Uint8Array | undefined; readonly iterations: bigint; readonly entropy: Uint8Array }
    }
  /** The root secret's answer to the question with this ticket. */
  | { readonly kind: 'rootAnswer'; readonly value: { readonly ticket: bigint; readonly answer: RootAnswer; readonly entropy: Uint8Array } }
  | { readonly kind: 'benchmarkResult'; readonly value: { readonly startTimeMs: bigint; readonly iterations: bigint; readonly entropy: Uint8Array } }
  /** Start of a process that is to receive an identity, or that gave its away, by what was sealed. */
  | { readonly kind: 'resumeHandover'; readonly value: { readonly accepted?: AcceptedHandover; readonly retired?: string; readonly handedOver?: HandedOver } }
  /** Makes a challenge to a successor. */
  | { readonly kind: 'challengeSuccessor'; readonly value: { readonly entropy: Uint8Array } }
  /** SCALE HandoverChallenge of a predecessor. */
  | { readonly kind: 'acceptChallenge'; readonly value: { readonly challenge: Uint8Array; readonly entropy: Uint8Array } }
  /** Gives the identity to a successor that has shown what it is. */
  | { readonly kind: 'giveIdentity'; readonly value: { readonly claim: SuccessorClaim; readonly entropy: Uint8Array } }
  /** Takes the identity of a predecessor; genesis and checkpoint are as for `init`. */
  | {
      readonly kind: 'takeIdentity'
      readonly value: {
        readonly genesis: Uint8Array; readonly checkpoint: Uint8Array; readonly parcel: Uint8Array; readonly report: Uint8Array; readonly proof: readonly Uint8Array[]
      }
    }
  /** The successor's receipt: the identity is forgotten here. */
  | { readonly kind: 'forgetIdentity'; readonly value: { readonly receipt: Uint8Array } }
  /** Makes and announces another ECDH key now. */
  | { readonly kind: 'rotateEcdh'; readonly value: { readonly entropy: Uint8Array } }
  /** Before evidence is used: sets the operator where one is given, drops cached evidence where told to or too old. */
  | { readonly kind: 'refreshInfo'; readonly value: { readonly operator: Uint8Array | undefined; readonly force: boolean } }
  /** Evidence for the registration info with this hash; forgotten when the info has changed meanwhile. */
  | { readonly kind: 'attested'; readonly value: { readonly infoHash: Uint8Array; readonly attestation: CachedAttestation } }
  | { readonly kind: 'addEndpoint'; readonly value: { readonly type: number; readonly url: string; readonly entropy: Uint8Array } }
  | { readonly kind: 'signEndpoints'; readonly value: { readonly entropy: Uint8Array } }
  /** A cluster's state, sealed to this worker by another member. */
  | { readonly kind: 'loadClusterState'; readonly value: { readonly encoded: Uint8Array; readonly entropy: Uint8Array } }
  /** Drops the state of a cluster that differs from the other members', and waits for theirs. */
  | { readonly kind: 'rejoinCluster'; readonly value: { readonly entropy: Uint8Array } }
  | { readonly kind: 'takeCheckpoint' }
  /** Erases the secrets; nothing may follow. */
  | { readonly kind: 'stop' }
