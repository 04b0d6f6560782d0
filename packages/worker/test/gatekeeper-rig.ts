/** Owns a small network for tests of gatekeepers: the real chain, workers with real shells on memory disks, and an honest relay between them. */
import { OptionalAttestationReport, TEE_KIND_NAMES } from '@phalanx/attestation'
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { suriToSr25519, type Crypto } from '@phalanx/primitives/crypto'
import { FollowedBlocks } from '@phalanx/primitives/chain'
import { silentLogger } from '@phalanx/primitives/ports'
import { TOPICS, WorkerRegistrationInfoV2, type Message, type MessageOrigin, type SignedMessage, type TopicOf } from '@phalanx/primitives/messages'
import { createTestChain, createTestClock, createTestNode, rpcCall, signCall, signTransfer } from '@phalanx/node/testing'
import { phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import { createWorker, type Worker } from '@phalanx/worker'
import { createBuiltinVm } from '../src/contracts/system-contract/create-builtin-vm.ts'
import { createSoftwarePlatform, softwareMeasurement, softwareRootCertificate, softwareSigner } from '@phalanx/worker/platform'
import {
  createDirectClient, createMemoryBlobStore, createTestBenchmark, createTestClock as createWorkerClock, createTestRandom, EgressMessages, type MemoryBlobStore,
} from '@phalanx/worker/testing'

type Client = ReturnType<typeof createDirectClient>
type Call = { readonly pallet: string; readonly name: string; readonly args: unknown }

/** A worker with its disk. */
export interface RigWorker {
  readonly name: string
  blobs: MemoryBlobStore
  worker: Worker
  client: Client
  /** Whether the relay serves it. */
  isOnline: boolean
}

/** The network. */
export interface GatekeeperRig {
  readonly workers: ReadonlyMap<string, RigWorker>
  readonly height: number
  /** Starts a worker on the files there are; what ran before is forgotten, as in a crash. `identity`: it begins at a checkpoint of the chain for this identity. */
  start(name: string, files?: Iterable<readonly [string, Uint8Array]>, identity?: Uint8Array): Promise<RigWorker>
  /** Registers a worker with its evidence. */
  register(name: string): Promise<void>
  asRoot(call: Call): Promise<void>
  /** A call of an account that owns plenty. */
  submit(call: Call): Promise<void>
  /** Says something in a pallet's name. */
  tell<T>(to: TopicOf<T>, payload: T): Promise<void>
  /** Rounds of the relay: hands waiting messages in, seals a block, feeds it to those online. */
  relay(rounds?: number): Promise<void>
  /** Relays until something holds. */
  until(what: string, holds: () => Promise<boolean> | boolean, rounds?: number): Promise<void>
  statusOf(name: string): Promise<{ readonly gatekeeper: string; readonly alarms: number; readonly blockNumber: number }>
  /** Messages of one topic that the chain sent in the gatekeepers' name, with their blocks. */
  fromGatekeepers<T>(to: TopicOf<T>): readonly { readonly block: number; readonly payload: T }[]
  /** Messages of one topic that workers said. */
  fromWorkers<T>(to: TopicOf<T>): readonly { readonly block: number; readonly payload: T }[]
  readonly genesisHash: Uint8Array
  read<T>(item: { key(hasher: Crypto): Uint8Array; decode(bytes: Uint8Array | undefined): T }): T
  keyOf(name: string): Uint8Array
  /** Account behind `submit`. */
  readonly owner: Uint8Array
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 400; i++) await Promise.resolve()
}

/** Starts a network whose workers are named by letters. `genesis` adds to the chain spec. */
export const createGatekeeperRig = async (crypto: Crypto, genesis: Readonly<Record<string, unknown>> = {}): Promise<GatekeeperRig> => {
  const measurement = concatBytes(softwareMeasurement(crypto), new Uint8Array(4), softwareSigner(crypto))
  const chain = createTestChain(crypto, 4, {
    PhalaRegistry: { kinds: [...TEE_KIND_NAMES], roots: [toHex(softwareRootCertificate(crypto))], measurements: [toHex(measurement)], benchmarkDuration: 1 },
    ...genesis,
  })
  const clock = createTestClock()
  const node = await createTestNode(chain, { isUnsafeRpcAllowed: true }, { clock })
  const alice = suriToSr25519(crypto, '//Alice')
  const workers = new Map<string, RigWorker>()
  const followed: { readonly number: number; readonly messages: readonly Message[] }[] = []
  let nonce = 0
  let starts = 0
  const ask = async (method: string, params: readonly unknown[]): Promise<any> => {
    const { result, error } = await rpcCall(node, method, params)
    assert(error === undefined, `${method} succeeds: ${JSON.stringify(error)}`)
    return result
  }
  const submit = async (call: Call): Promise<void> => {
    await node.submit(signCall(chain, chain.runtime.parts.services.RuntimeCall.encode(call as never), { from: alice, nonce }))
    // What the pool refused has used no nonce.
    nonce++
  }
  const asRoot = (call: Call): Promise<void> => submit({ pallet: 'Sudo', name: 'sudo', args: { call } })
  await node.submit(signTransfer(chain, { from: chain.accounts[0] as (typeof chain.accounts)[number], nonce: 0, to: alice.publicKey, amount: 10n ** 17n }))
  const genesisInfo = parseHex(await ask('phalanx_genesisInfo', []))
  const of = (name: string): RigWorker => workers.get(name) as RigWorker
  const handed = new Set<string>()

  const handIn = async ({ client, isOnline }: RigWorker): Promise<void> => {
    if (!isOnline) return
    for (const [, messages] of EgressMessages.decode((await client.PhactoryAPI.GetEgressMessages({})).encodedMessages)) {
      for (const signedMessage of messages as readonly SignedMessage[]) {
        const id = toHex(signedMessage.signature)
        if (handed.has(id)) continue
        handed.add(id)
        try {
          await submit({ pallet: 'PhalaMq', name: 'syncOffchainMessage', args: { signedMessage } })
        } catch (error) {
          // Workers of a cluster say the same; the pool takes it from one.
          if (signedMessage.message.sender.kind !== 'Cluster') throw error
        }
      }
    }
  }
  const initialise = async ({ client }: RigWorker, identity: Uint8Array | undefined): Promise<void> => {
    const checkpoint = identity === undefined ? {} : { encodedCheckpoint: parseHex(await ask('phalanx_getCheckpoint', [toHex(identity), null])) }
    await client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false, ...checkpoint })
  }
  const feed = async (one: RigWorker, identity?: Uint8Array): Promise<void> => {
    const { client, isOnline } = one
    if (!isOnline) return
    if (!(await client.PhactoryAPI.GetInfo({})).initialized) await initialise(one, identity)
    const from = (await client.PhactoryAPI.GetInfo({})).blocknum
    if (from > node.head().number) return
    await client.PhalanxAPI.FeedBlocks({ encodedBlocks: parseHex(await ask('phalanx_getBlocks', [from, 4096])) })
    await settle()
  }
  const heard = <T>(sender: MessageOrigin['kind'], to: TopicOf<T>) => followed.flatMap(({ number, messages }) => messages
    .filter((message) => message.sender.kind === sender && toHex(message.destination) === toHex(to.topic))
    .map(({ payload }) => ({ block: number, payload: to.payload.decode(payload) })))
  const rig: GatekeeperRig = {
    workers,
    get height() {
      return node.head().number
    },
    async start(name, files, identity) {
      const random = createTestRandom(crypto, `${name} ${starts++}`)
      const blobs = createMemoryBlobStore(files ?? workers.get(name)?.blobs.files ?? [])
      const platform = await createSoftwarePlatform({}, { crypto, blobs, random })
      const worker = await createWorker({ checkpointEveryBlocks: 1 }, {
        platform, blobs, random, crypto, clock: createWorkerClock(), logger: silentLogger, benchmark: createTestBenchmark(), vms: [createBuiltinVm({ crypto })],
      })
      const started = { name, blobs, worker, client: createDirectClient(worker), isOnline: true }
      workers.set(name, started)
      await settle()
      await feed(started, identity)
      return started
    },
    async register(name) {
      const { encodedRuntimeInfo, attestation } = await of(name).client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: true })
      const args = { pruntimeInfo: WorkerRegistrationInfoV2.decode(encodedRuntimeInfo), attestation: OptionalAttestationReport.decode(attestation?.encodedReport ?? new Uint8Array(0)) }
      await submit({ pallet: 'PhalaRegistry', name: 'registerWorkerV2', args })
      await rig.relay(3)
    },
    asRoot, submit,
    owner: alice.publicKey,
    tell: (to, payload) => asRoot({ pallet: 'PhalaMq', name: 'forcePushPalletMessage', args: { destination: to.topic, payload: to.payload.encode(payload) } }),
    async relay(rounds = 1) {
      for (let i = 0; i < rounds; i++) {
        for (const one of workers.values()) await handIn(one)
        clock.jump(1000)
        await ask('phalanx_sealBlock', [])
        const from = (followed.at(-1)?.number ?? 0) + 1
        for (const { header, messages } of FollowedBlocks.decode(parseHex(await ask('phalanx_getBlocks', [from, 64])))) followed.push({ number: header.number, messages: messages.messages })
        for (const one of workers.values()) await feed(one)
      }
    },
    async until(what, holds, rounds = 60) {
      for (let i = 0; i < rounds; i++) {
        if (await holds()) return
        await rig.relay()
      }
      const states = await Promise.all([...workers.keys()].map(async (name) => `${name}: ${JSON.stringify(await rig.statusOf(name))}`))
      assert(false, `${what} within ${rounds} blocks; ${states.join('; ')}`)
    },
    async statusOf(name) {
      const { gatekeeper, gatekeeperAlarms, blockNumber } = await of(name).client.PhalanxAPI.Status({})
      return { gatekeeper: gatekeeper ?? 'none', alarms: gatekeeperAlarms ?? 0, blockNumber: blockNumber ?? 0 }
    },
    fromGatekeepers: (to) => heard('Gatekeeper', to),
    fromWorkers: (to) => heard('Worker', to),
    genesisHash: parseHex(await ask('chain_getBlockHash', [0])),
    read: (item) => item.decode(node.chain.head().state.get(item.key(crypto))),
    keyOf: (name) => of(name).worker.identity() as Uint8Array,
  }
  await rig.relay()
  return rig
}

/** Lists a registered worker as a gatekeeper and waits until its votes count. */
export const listGatekeeper = async (rig: GatekeeperRig, name: string): Promise<void> => {
  await rig.asRoot({ pallet: 'PhalaRegistry', name: 'registerGatekeeper', args: { gatekeeper: rig.keyOf(name) } })
  await rig.until(`${name} is active`, async () => (await rig.statusOf(name)).gatekeeper.startsWith('active'))
}

/** Starts, registers and lists gatekeepers one after another. */
export const launchGatekeepers = async (rig: GatekeeperRig, names: readonly string[]): Promise<void> => {
  for (const name of names) {
    await rig.start(name)
    await rig.register(name)
    await rig.until(`${name} may serve`, () => isVouchedFor(rig, name))
    await listGatekeeper(rig, name)
  }
}

/** Whether the gatekeepers accepted a worker's evidence, where they were asked. */
export const isVouchedFor = (rig: GatekeeperRig, name: string): boolean => {
  const { evidenceSentAt, gatekeeperVerdicts } = registry
  const pubkey = rig.keyOf(name)
  const keyed = <T>(item: { key(hasher: Crypto, key: Uint8Array): Uint8Array; decode(bytes: Uint8Array | undefined): T }): T =>
    rig.read({ key: (hasher) => item.key(hasher, pubkey), decode: (bytes) => item.decode(bytes) })
  return keyed(evidenceSentAt) === undefined || keyed(gatekeeperVerdicts)?.accepted === true
}

/** Values of the beacon on the chain. */
export const beaconValues = (rig: GatekeeperRig) =>
  rig.fromGatekeepers(TOPICS.gatekeeperEvent).flatMap(({ payload }) => (payload.kind === 'NewRandomNumber' ? [payload.value] : []))
