/** Owns a chain made by the real node for tests of workers that begin in its middle: random histories of the registry, feeds and checkpoints by RPC. */
import { assert } from '@phalanx/primitives/assert'
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { Secret, suriToEd25519Seed, suriToSr25519, type Crypto } from '@phalanx/primitives/crypto'
import { TOPICS, createMessage, messageSigningPayload, type TopicOf, type WorkerEvent } from '@phalanx/primitives/messages'
import { createTestChain, createTestClock, createTestNode, rpcCall, signCall, signTransfer } from '@phalanx/node/testing'
import type { KeyPair } from '@phalanx/worker/testing'

/** One thing that may happen in a block. */
export type Deed =
  | { readonly kind: 'tell'; readonly event: WorkerEvent }
  | { readonly kind: 'tellOther'; readonly event: WorkerEvent }
  | { readonly kind: 'register' }
  | { readonly kind: 'announce'; readonly by: number }
  | { readonly kind: 'report'; readonly iterations: number }
  | { readonly kind: 'allow'; readonly measurement: number }
  | { readonly kind: 'dismiss'; readonly measurement: number }
  | { readonly kind: 'minimum'; readonly patch: number }
  | { readonly kind: 'consensus'; readonly version: number }
  | { readonly kind: 'handOver'; readonly weight: number }
  | { readonly kind: 'systemCode'; readonly byte: number }
  | { readonly kind: 'contractRuntime'; readonly minor: number }
  | { readonly kind: 'clusterGrace'; readonly blocks: number }

/** A call by names. */
export type Call = { readonly pallet: string; readonly name: string; readonly args: unknown }

/** A running chain. */
export interface RealChain {
  readonly genesisHash: Uint8Array
  readonly genesisInfo: Uint8Array
  readonly identity: KeyPair
  readonly authoritySeed: Uint8Array
  /** Seals a block in which these things happen, as far as the chain lets them. */
  seal(deeds?: readonly Deed[]): Promise<void>
  height(): number
  /** Puts a call of an account, or of root, into the next block. */
  submit(call: Call): Promise<unknown>
  asRoot(call: Call): Promise<unknown>
  /** Result of a JSON-RPC request. */
  ask(method: string, params: readonly unknown[]): Promise<any>
  /** SCALE FollowedBlocks of a range. */
  blocks(to: number, from?: number): Promise<Uint8Array>
  /** SCALE ChainCheckpoint of the newest block, or of an older one. */
  checkpoint(worker: Uint8Array | undefined, at?: number): Promise<Uint8Array>
}

/** A fresh chain with one worker's keys outside of it; another number of accounts makes another genesis. */
export const createRealChain = async (crypto: Crypto, accounts = 4, registryGenesis: Readonly<Record<string, unknown>> = {}): Promise<RealChain> => {
  const chain = createTestChain(crypto, accounts, { PhalaRegistry: registryGenesis })
  const clock = createTestClock()
  const node = await createTestNode(chain, { isUnsafeRpcAllowed: true }, { clock })
  const alice = suriToSr25519(crypto, '//Alice')
  const worker = suriToSr25519(crypto, '//worker')
  const other = suriToSr25519(crypto, '//other')
  let nonce = 0
  let sequence = 0n
  let epoch = 0n
  const ask = async (method: string, params: readonly unknown[]): Promise<any> => {
    const { result, error } = await rpcCall(node, method, params)
    assert(error === undefined, `${method} succeeds: ${JSON.stringify(error)}`)
    return result
  }
  const encode = (call: Call): Uint8Array => chain.runtime.parts.services.RuntimeCall.encode(call as never)
  const submit = async (call: Call): Promise<void> => {
    await node.submit(signCall(chain, encode(call), { from: alice, nonce }))
    // What the pool refused has used no nonce.
    nonce++
  }
  const asRoot = (call: Call): Promise<unknown> => submit({ pallet: 'Sudo', name: 'sudo', args: { call } })
  const send = <T>(to: TopicOf<T>, payload: T): Promise<unknown> => {
    const message = createMessage({ kind: 'Worker', value: worker.publicKey }, to, payload)
    const signature = crypto.sr25519.sign(worker.secret, messageSigningPayload(message, sequence), new Uint8Array(32))
    return submit({ pallet: 'PhalaMq', name: 'syncOffchainMessage', args: { signedMessage: { message, sequence: sequence++, signature } } })
  }
  const tell = (pubkey: Uint8Array, event: WorkerEvent): Promise<unknown> => {
    const payload = TOPICS.systemEvent.payload.encode({ kind: 'WorkerEvent', value: { pubkey, event } })
    return asRoot({ pallet: 'PhalaMq', name: 'forcePushPalletMessage', args: { destination: TOPICS.systemEvent.topic, payload } })
  }
  const registry = (name: string, args: unknown): Promise<unknown> => asRoot({ pallet: 'PhalaRegistry', name, args })
  const clusters = (name: string, args: unknown): Promise<unknown> => asRoot({ pallet: 'PhalaPhatContracts', name, args })
  const happen = (deed: Deed): Promise<unknown> => {
    switch (deed.kind) {
      case 'tell': return tell(worker.publicKey, deed.event)
      case 'tellOther': return tell(other.publicKey, deed.event)
      case 'register': return registry('forceRegisterWorker', { pubkey: worker.publicKey, ecdhPubkey: other.publicKey, operator: undefined })
      case 'announce': return send(TOPICS.ecdhKey, { epoch: (epoch += BigInt(deed.by)), ecdhPubkey: suriToSr25519(crypto, `//ecdh//${epoch}`).publicKey })
      case 'report': return send(TOPICS.registryEvent, { kind: 'BenchReport', value: { startTime: 1n, iterations: BigInt(deed.iterations) } })
      case 'allow': return registry('addPruntime', { pruntimeHash: new Uint8Array(68).fill(deed.measurement) })
      case 'dismiss': return registry('removePruntime', { pruntimeHash: new Uint8Array(68).fill(deed.measurement) })
      case 'minimum': return registry('setMinimumPruntimeVersion', { major: 0, minor: 0, patch: deed.patch })
      case 'consensus': return registry('setPruntimeConsensusVersion', { version: deed.version })
      case 'systemCode': return clusters('setPinkSystemCode', { code: Uint8Array.of(deed.byte) })
      case 'contractRuntime': return clusters('setPinkRuntimeVersion', { version: [1, deed.minor] })
      case 'clusterGrace': return clusters('setClusterParameters', { parameters: { rotationPeriodBlocks: 300, graceBlocks: 1 + deed.blocks, reportIntervalBlocks: 25 } })
      case 'handOver': {
        const id = crypto.ed25519.publicKey(suriToEd25519Seed(crypto, '//Alice'))
        return asRoot({ pallet: 'Grandpa', name: 'scheduleChange', args: { nextAuthorities: [[id, BigInt(deed.weight)]] } })
      }
    }
  }
  await node.submit(signTransfer(chain, { from: chain.accounts[0] as (typeof chain.accounts)[number], nonce: 0, to: alice.publicKey, amount: 10n ** 17n }))
  await ask('phalanx_sealBlock', [])
  return {
    genesisHash: chain.genesisHash,
    genesisInfo: parseHex(await ask('phalanx_genesisInfo', [])),
    identity: { publicKey: worker.publicKey, secret: new Secret(worker.secret) },
    authoritySeed: chain.authoritySeed,
    async seal(deeds = []) {
      for (const deed of deeds) await happen(deed)
      clock.jump(1000)
      await ask('phalanx_sealBlock', [])
    },
    height: () => node.head().number,
    submit, asRoot, ask,
    blocks: async (to, from = 1) => parseHex(await ask('phalanx_getBlocks', [from, to - from + 1])),
    checkpoint: async (pubkey, at) => parseHex(await ask('phalanx_getCheckpoint', [pubkey === undefined ? null : toHex(pubkey), at ?? null])),
  }
}
