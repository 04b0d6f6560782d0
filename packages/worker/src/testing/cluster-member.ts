/**
 * Owns a worker's core with its two sealed files, for tests of clusters: it performs the effects that make something durable, in the shell's order, can be killed
 * between any two of them and started again on what is there.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Random } from '@phalanx/primitives/ports'
import { openKeyring } from '../contracts/cluster/keyring.ts'
import type { ClusterState } from '../contracts/cluster/state.ts'
import type { CodeVm } from '../contracts/vm.ts'
import type { Effect } from '../core/effects.ts'
import type { Input } from '../core/inputs.ts'
import { eraseKey, type KeyPair } from '../core/keys.ts'
import { Secret } from '@phalanx/primitives/crypto'
import { decodeCheckpoint, encodeCheckpoint, type Build, type LiveState, type WorkerState } from '../core/state.ts'
import { assertLive, EMPTY_STATE, step, type Core } from '../core/step.ts'
import type { ClusterChain } from './cluster-chain.ts'
import { createTestCore } from './core.ts'

/** Where a worker is killed: before anything of a step is durable, after the first durable effect, or before the last. */
export type KillPoint = 'atOnce' | 'afterFirst' | 'beforeLast'

/** A worker of a cluster. */
export class ClusterMember {
  state: WorkerState = EMPTY_STATE
  checkpoint: Uint8Array | undefined
  sealed: Uint8Array | undefined
  readonly effects: Effect[] = []
  readonly publicKey: Uint8Array
  /** What to do in the next step. */
  kill: KillPoint | undefined
  private readonly core: Core
  private readonly identitySecret: Uint8Array
  private readonly world: ClusterChain
  private readonly random: Random

  constructor(crypto: Crypto, parts: { readonly world: ClusterChain; readonly random: Random; readonly vms: readonly CodeVm[]; readonly build?: Partial<Build> }) {
    const { secret, publicKey } = crypto.sr25519.pairFromSeed(parts.random.bytes(32))
    this.core = createTestCore(crypto, { checkpointEveryBlocks: 20, ...parts.build }, parts.vms)
    this.identitySecret = secret
    this.publicKey = publicKey
    this.world = parts.world
    this.random = parts.random
    this.start()
  }

  get live(): LiveState {
    return assertLive(this.state)
  }

  get cluster(): ClusterState | undefined {
    return this.live.cluster
  }

  private get identity(): KeyPair {
    return { publicKey: this.publicKey, secret: new Secret(this.identitySecret.slice()) }
  }

  /** Starts on the files there are. */
  start(): void {
    const { genesisHash, genesisInfo } = this.world.chain
    this.state = EMPTY_STATE
    const restored = this.checkpoint === undefined ? undefined : decodeCheckpoint(this.checkpoint)
    const clusterKeys = this.sealed === undefined ? undefined : openKeyring(this.core.crypto, this.sealed, genesisHash)
    this.apply({ kind: 'resume', value: { identity: this.identity, genesisHash, restored, clusterKeys, entropy: this.random.bytes(32) } })
    if (this.state.kind === 'empty') this.apply({ kind: 'init', value: { genesis: genesisInfo, operator: undefined, entropy: this.random.bytes(32) } })
  }

  /** Applies an input. False where it was killed in this step: then only what became durable counts. */
  apply(input: Input): boolean {
    const { state, effects } = step(this.core, this.state, input)
    const durable = effects.filter((effect) => effect.kind === 'sealCluster' || effect.kind === 'checkpoint')
    const { kill } = this
    this.kill = undefined
    const last = kill === undefined ? durable.length : kill === 'atOnce' ? 0 : kill === 'afterFirst' ? Math.min(1, durable.length) : Math.max(0, durable.length - 1)
    for (const effect of durable.slice(0, last)) {
      if (effect.kind === 'checkpoint' && state.kind === 'live') this.checkpoint = encodeCheckpoint(state)
      if (effect.kind === 'sealCluster') this.sealed = effect.value.content?.reveal().slice()
    }
    if (kill !== undefined) return false
    this.state = state
    this.effects.push(...effects.filter(({ kind }) => kind === 'log' || kind === 'localCache'))
    for (const effect of effects) if (effect.kind === 'eraseKeys') effect.value.forEach(eraseKey)
    return true
  }

  /** Feeds what is missing, at most `size` blocks at a time. A killed worker starts again and goes on. */
  sync(size = 1000): void {
    for (;;) {
      const next = this.live.follow.head.number + 1
      const { head } = this.world.chain
      if (next > head.number) return
      const value = { blocks: this.world.chain.feed(next, Math.min(next + size - 1, head.number)), genesisHash: undefined, iterations: 0n, entropy: this.random.bytes(32) }
      if (!this.apply({ kind: 'feed', value })) this.start()
    }
  }

  /** Hands over what waits for the chain. */
  relay(): void {
    for (const [, { messages }] of this.live.egress) for (const message of messages) this.world.submit(message)
  }
}
