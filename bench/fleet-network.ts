/**
 * Owns the network of the fleet benchmark: a node on disk, a gatekeeper that registered with evidence, and N workers in stake pools whose
 * identity keys signed their benchmark. Workers stand in the simulated genesis, since evidence is the subject of another benchmark.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OptionalAttestationReport, TEE_KIND_NAMES } from '@phalanx/attestation'
import { createNode, openDisk, type Node } from '@phalanx/node'
import { createTestChain, createTestClock, rpcCall, signCall, signTransfer, type TestChain } from '@phalanx/node/testing'
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { encodeSs58, suriToSr25519, type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { TOPICS, WorkerRegistrationInfoV2, createMessage, messageSigningPayload, type SignedMessage } from '@phalanx/primitives/messages'
import { silentLogger } from '@phalanx/primitives/ports'
import { phalaBasePoolStorage, phalaComputationStorage, phalaRegistryStorage, timestampStorage } from '@phalanx/runtime/storage'
import { createWorker } from '@phalanx/worker'
import { createSoftwarePlatform, softwareMeasurement, softwareRootCertificate, softwareSigner } from '@phalanx/worker/platform'
import { openDiskBlobStore } from '@phalanx/worker/platform/blobs'
import { EgressMessages, createDirectClient, createTestBenchmark, createTestRandom, createTestClock as createWorkerClock } from '@phalanx/worker/testing'
import type { FleetKeys } from './fleet-cores.ts'
import { createEntropy } from '../packages/worker/src/core/entropy.ts'

/** Workers of one pool, as many as a pool takes. */
const POOL_WORKERS = 200
/** Iterations of a benchmark per second of chain time: a score of 600. */
export const ITERATIONS_PER_SECOND = 100n
const UNIT = 10n ** 12n
const STAKE = 2_600n * UNIT
const POOL_STAKE = 600_000n * UNIT
/** Chain time between two blocks. */
export const BLOCK_MS = 1000
const SETUP_BLOCKS_MAX = 400
const SS58_PREFIX = 30
const STAKE_POOL = 'PhalaStakePoolv2'
/** Wallet that rewards are paid from. */
const SUBSIDY_ACCOUNT = concatBytes(utf8('modlphala/pp'), new Uint8Array(20))

/** A running network in which nobody is challenged yet. */
export interface FleetNetwork {
  readonly chain: TestChain
  readonly node: Node
  readonly genesisInfo: Uint8Array
  readonly workers: readonly FleetKeys[]
  readonly pools: number
  /** Hands messages of a worker in, each as an extrinsic of its own, paid by the account of the worker's pool. */
  handIn(worker: number, messages: readonly SignedMessage[]): readonly Promise<unknown>[]
  /** Seals a block a second after the last one. */
  seal(): Promise<number>
  /** SCALE FollowedBlocks of one block. */
  serve(number: number): Promise<Uint8Array>
  /** Feeds the gatekeeper; its waiting messages are then handed in. */
  feedGatekeeper(blocks: Uint8Array): Promise<readonly Promise<unknown>[]>
  /** SCALE ChainCheckpoint of the head with the state's word on a worker. */
  checkpoint(worker: Uint8Array): Promise<Uint8Array>
  /** Lets challenges begin. */
  beginChallenges(): Promise<unknown>
  /** How many of the workers compute, how many are unresponsive now. */
  standing(): { readonly computing: number; readonly unresponsive: number }
  /** Problems that the gatekeeper has noted. */
  alarms(): Promise<number>
  stop(): Promise<void>
}

const createKeys = (crypto: Crypto, count: number): readonly FleetKeys[] => {
  const random = createTestRandom(crypto, 'fleet')
  return Array.from({ length: count }, () => {
    const { publicKey, secret } = crypto.sr25519.pairFromSeed(random.bytes(32))
    return { publicKey, secret, entropy: random.bytes(32) }
  })
}

/** The ECDH key that a core makes of its first entropy. */
const firstEcdh = (crypto: Crypto, { entropy }: FleetKeys): Uint8Array => crypto.sr25519.pairFromSeed(createEntropy(crypto, entropy).next('ecdh')).publicKey

const createChain = (crypto: Crypto, workers: readonly FleetKeys[]): TestChain => {
  const pools = Math.ceil(workers.length / POOL_WORKERS)
  const owners = createTestChain(crypto, pools + 1).accounts
  const measurement = concatBytes(softwareMeasurement(crypto), new Uint8Array(4), softwareSigner(crypto))
  return createTestChain(crypto, pools + 1, {
    PhalaRegistry: {
      kinds: [...TEE_KIND_NAMES], roots: [toHex(softwareRootCertificate(crypto))], measurements: [toHex(measurement)], benchmarkDuration: 1,
      workers: workers.map((keys, i) => ({
        pubkey: toHex(keys.publicKey), ecdhPubkey: toHex(firstEcdh(crypto, keys)),
        operator: encodeSs58(crypto, { prefix: SS58_PREFIX, payload: (owners[Math.floor(i / POOL_WORKERS)] as Sr25519Pair).publicKey }),
      })),
    },
    // At every size as many heartbeats per block as the chain aims at at most, so that only the number of workers differs.
    PhalaComputation: { blockTimeSec: BLOCK_MS / 1000, heartbeatPaused: true, heartbeatsPerWorkerHour: 3600 },
  })
}

interface Parts {
  readonly crypto: Crypto
  readonly chain: TestChain
  readonly node: Node
  readonly folder: string
  readonly genesisInfo: Uint8Array
  readonly seal: () => Promise<number>
  readonly ask: (method: string, params: readonly unknown[]) => Promise<any>
}

const openParts = async (crypto: Crypto, workers: readonly FleetKeys[]): Promise<Parts> => {
  const chain = createChain(crypto, workers)
  const clock = createTestClock()
  const folder = mkdtempSync(join(tmpdir(), 'phalanx-fleet-'))
  const kv = await openDisk({ folder: join(folder, 'node') })
  const node = await createNode(
    { chainSpec: chain.spec, sealing: { kind: 'manual' }, authoritySeed: chain.authoritySeed, isUnsafeRpcAllowed: true },
    { kv, crypto, clock, logger: silentLogger, runtime: chain.runtime },
  )
  const ask: Parts['ask'] = async (method, params) => {
    const { result, error } = await rpcCall(node, method, params)
    assert(error === undefined, `${method} succeeds: ${JSON.stringify(error)}`)
    return result
  }
  return {
    crypto, chain, node, folder, ask,
    genesisInfo: parseHex(await ask('phalanx_genesisInfo', [])),
    seal() {
      clock.jump(BLOCK_MS)
      return node.seal()
    },
  }
}

type Call = { readonly pallet: string; readonly name: string; readonly args: unknown }

const createPayers = ({ chain, node, crypto }: Parts) => {
  const alice = suriToSr25519(crypto, '//Alice')
  const nonces = new Map<Sr25519Pair, number>()
  const submit = (from: Sr25519Pair, call: Call): Promise<unknown> => {
    const nonce = nonces.get(from) ?? 0
    nonces.set(from, nonce + 1)
    return node.submit(signCall(chain, chain.runtime.parts.services.RuntimeCall.encode(call as never), { from, nonce }))
  }
  const last = chain.accounts.at(-1) as Sr25519Pair
  return {
    submit,
    asRoot: (call: Call) => submit(alice, { pallet: 'Sudo', name: 'sudo', args: { call } }),
    handIn: (from: Sr25519Pair, signedMessage: SignedMessage) => submit(from, { pallet: 'PhalaMq', name: 'syncOffchainMessage', args: { signedMessage } }),
    /** Money for root's account and for rewards. */
    async endow(subsidy: Uint8Array) {
      await node.submit(signTransfer(chain, { from: last, nonce: 0, to: alice.publicKey, amount: 10n ** 17n }))
      await node.submit(signTransfer(chain, { from: last, nonce: 1, to: subsidy, amount: 8n * 10n ** 17n }))
      nonces.set(last, 2)
    },
  }
}

const createGatekeeper = async ({ crypto, folder, genesisInfo, ask }: Parts, handIn: (message: SignedMessage) => Promise<unknown>) => {
  const blobs = await openDiskBlobStore(join(folder, 'gatekeeper'))
  const random = createTestRandom(crypto, 'gatekeeper')
  const platform = await createSoftwarePlatform({}, { crypto, blobs, random })
  const worker = await createWorker({}, { platform, blobs, random, crypto, clock: createWorkerClock(), logger: silentLogger, benchmark: createTestBenchmark() })
  const client = createDirectClient(worker)
  await client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false })
  const handed = new Set<string>()
  return {
    client,
    identity: () => worker.identity() as Uint8Array,
    async feed(encodedBlocks: Uint8Array): Promise<readonly Promise<unknown>[]> {
      await client.PhalanxAPI.FeedBlocks({ encodedBlocks })
      const { encodedMessages } = await client.PhactoryAPI.GetEgressMessages({})
      const sent: Promise<unknown>[] = []
      for (const [, messages] of EgressMessages.decode(encodedMessages)) for (const message of messages) {
        const id = toHex(message.signature)
        if (handed.has(id)) continue
        handed.add(id)
        sent.push(handIn(message))
      }
      return sent
    },
    async catchUp(head: number) {
      for (let { blocknum } = await client.PhactoryAPI.GetInfo({}); blocknum <= head; { blocknum } = await client.PhactoryAPI.GetInfo({}))
        await Promise.all(await this.feed(parseHex(await ask('phalanx_getBlocks', [blocknum, 64]))))
    },
    stop: () => worker.stop(),
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Workers of a pool by number. */
const poolOf = (worker: number): number => Math.floor(worker / POOL_WORKERS)

type StateItem<T> = { key(hasher: Crypto, ...keys: never[]): Uint8Array; decode(bytes: Uint8Array | undefined): T }

/** The network while it is started. */
interface Setup extends Parts {
  readonly workers: readonly FleetKeys[]
  readonly pools: number
  readonly payers: ReturnType<typeof createPayers>
  readonly gatekeeper: Awaited<ReturnType<typeof createGatekeeper>>
  readonly owner: (pool: number) => Sr25519Pair
  /** A value of the newest state. */
  readonly read: <T>(item: StateItem<T>, ...keys: readonly unknown[]) => T
  /** Seals blocks until something holds. */
  readonly until: (what: string, holds: () => boolean) => Promise<void>
}

const openSetup = async (crypto: Crypto, count: number): Promise<Setup> => {
  const workers = createKeys(crypto, count)
  const parts = await openParts(crypto, workers)
  const { chain, node, seal } = parts
  const payers = createPayers(parts)
  const owner = (pool: number): Sr25519Pair => chain.accounts[pool] as Sr25519Pair
  const gatekeeper = await createGatekeeper(parts, (message) => payers.handIn(owner(0), message))
  return {
    ...parts, workers, payers, gatekeeper, owner,
    pools: poolOf(count - 1) + 1,
    read: (item, ...keys) => item.decode(node.chain.head().state.get(item.key(crypto, ...(keys as never[])))),
    async until(what, holds) {
      for (let i = 0; i < SETUP_BLOCKS_MAX; i++) {
        await seal()
        await gatekeeper.catchUp(node.head().number)
        await nextTurn()
        if (holds()) return
      }
      assert(false, `${what} within ${SETUP_BLOCKS_MAX} blocks`)
    },
  }
}

const untilDone = ({ until, node }: Setup): Promise<void> => until('the pool is empty', () => node.pool.size.ready === 0)

const launchGatekeeper = async (setup: Setup): Promise<void> => {
  const { payers, gatekeeper, owner, until, read } = setup
  await payers.endow(SUBSIDY_ACCOUNT)
  await untilDone(setup)
  const { encodedRuntimeInfo, attestation } = await gatekeeper.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: true })
  const args = { pruntimeInfo: WorkerRegistrationInfoV2.decode(encodedRuntimeInfo), attestation: OptionalAttestationReport.decode(attestation?.encodedReport ?? new Uint8Array(0)) }
  await payers.submit(owner(0), { pallet: 'PhalaRegistry', name: 'registerWorkerV2', args })
  await until('the gatekeeper is registered', () => read(phalaRegistryStorage.workers, gatekeeper.identity()) !== undefined)
  await payers.asRoot({ pallet: 'PhalaRegistry', name: 'registerGatekeeper', args: { gatekeeper: gatekeeper.identity() } })
  await until('the gatekeeper is confirmed', () => read(phalaRegistryStorage.confirmedGatekeepers).length === 1)
}

/** Every worker reports its benchmark, which began in block 1, signed by its identity. */
const reportBenchmarks = async (setup: Setup, startTime: bigint): Promise<void> => {
  const { crypto, node, workers, payers, owner } = setup
  const iterations = (ITERATIONS_PER_SECOND * BigInt(node.head().number) * BigInt(BLOCK_MS)) / 1000n
  const report = ({ publicKey, secret }: FleetKeys, i: number): Promise<unknown> => {
    const message = createMessage({ kind: 'Worker', value: publicKey }, TOPICS.registryEvent, { kind: 'BenchReport', value: { startTime, iterations } })
    const signature = crypto.sr25519.sign(secret, messageSigningPayload(message, 0n), new Uint8Array(32).fill(i))
    return payers.handIn(owner(poolOf(i)), { message, sequence: 0n, signature })
  }
  // Pool by pool: the node checks so many signatures at a time and no more.
  for (let at = 0; at < workers.length; at += POOL_WORKERS) await Promise.all(workers.slice(at, at + POOL_WORKERS).map((keys, i) => report(keys, at + i)))
  await untilDone(setup)
}

/** A call of every pool's owner. */
const callPerPool = async (setup: Setup, call: (pool: number) => Call): Promise<void> => {
  const { pools, payers, owner } = setup
  await Promise.all(Array.from({ length: pools }, (_, pool) => payers.submit(owner(pool), call(pool))))
  await untilDone(setup)
}

/** Creates the pools; their numbers on the chain, by owner. */
const createPools = async (setup: Setup): Promise<readonly bigint[]> => {
  const { pools, owner, read } = setup
  await callPerPool(setup, () => ({ pallet: STAKE_POOL, name: 'create', args: {} }))
  const pids = new Map(Array.from({ length: pools }, (_, pid) => [toHex(read(phalaBasePoolStorage.pools, BigInt(pid))?.value.basepool.owner as Uint8Array), BigInt(pid)]))
  return Array.from({ length: pools }, (_, pool) => pids.get(toHex(owner(pool).publicKey)) as bigint)
}

/** Fills the pools with stake and workers, and starts these. */
const startSessions = async (setup: Setup): Promise<void> => {
  const { workers, read } = setup
  const pids = await createPools(setup)
  const pid = (pool: number): bigint => pids[pool] as bigint
  const perWorker = (call: (pool: number, worker: Uint8Array) => Call): Promise<void> =>
    callPerPool(setup, (pool) => ({
      pallet: 'Utility', name: 'batchAll', args: { calls: workers.filter((_, i) => poolOf(i) === pool).map(({ publicKey }) => call(pool, publicKey)) },
    }))
  await callPerPool(setup, () => ({ pallet: 'PhalaWrappedBalances', name: 'wrap', args: { amount: POOL_STAKE } }))
  await callPerPool(setup, (pool) => ({ pallet: STAKE_POOL, name: 'contribute', args: { pid: pid(pool), amount: POOL_STAKE, asVault: undefined } }))
  await perWorker((pool, pubkey) => ({ pallet: STAKE_POOL, name: 'addWorker', args: { pid: pid(pool), pubkey } }))
  await perWorker((pool, worker) => ({ pallet: STAKE_POOL, name: 'startComputing', args: { pid: pid(pool), worker, stake: STAKE } }))
  const online = read(phalaComputationStorage.onlineWorkers)
  assert(online === workers.length, `all ${workers.length} workers compute: ${online}`)
}

/** Starts the network: gatekeeper, benchmarks, pools, sessions. */
export const createFleetNetwork = async (crypto: Crypto, count: number): Promise<FleetNetwork> => {
  const setup = await openSetup(crypto, count)
  const { chain, node, genesisInfo, seal, ask, folder, workers, pools, payers, gatekeeper, owner, read } = setup
  await seal()
  const startTime = read(timestampStorage.now)
  await launchGatekeeper(setup)
  await reportBenchmarks(setup, startTime)
  await startSessions(setup)
  return {
    chain, node, genesisInfo, workers, pools, seal,
    handIn: (worker, messages) => messages.map((message) => payers.handIn(owner(poolOf(worker)), message)),
    serve: async (number) => parseHex(await ask('phalanx_getBlocks', [number, 1])),
    feedGatekeeper: (blocks) => gatekeeper.feed(blocks),
    checkpoint: async (worker) => parseHex(await ask('phalanx_getCheckpoint', [toHex(worker), null])),
    beginChallenges: () => payers.asRoot({ pallet: 'PhalaComputation', name: 'setHeartbeatPaused', args: { paused: false } }),
    standing() {
      const states = workers.map(({ publicKey }) => read(phalaComputationStorage.sessions, read(phalaComputationStorage.workerBindings, publicKey))?.state.kind)
      const countOf = (kind: string): number => states.filter((one) => one === kind).length
      return { computing: countOf('WorkerIdle'), unresponsive: countOf('WorkerUnresponsive') }
    },
    alarms: async () => (await gatekeeper.client.PhalanxAPI.Status({})).gatekeeperAlarms ?? 0,
    async stop() {
      await gatekeeper.stop()
      await node.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
