/** Owns what goes wrong: crashes and restarts of every part, damaged disks, a bad network, lying nodes and hostile callers. Each fires by chance. */
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { FollowedBlocks } from '@phalanx/primitives/chain'
import { FeedRequest, SkipRequest } from '@phalanx/worker/api'
import { encodeMessage } from '@phalanx/worker/wire'
import { CLUSTER_FILE, maySpareCluster } from './cluster-view.ts'
import { MASTER_KEY_FILE, maySpareKey } from './governance.ts'
import type { Prng } from './prng.ts'
import { tellCheckpointLie, tellFeedLie } from './liar.ts'
import type { World } from './world-types.ts'

/** Counts of faults that fired, by name. */
export type FaultCounts = Readonly<Record<string, number>>

/** The adversary. */
export interface Adversary {
  readonly counts: FaultCounts
  /** Faults fired so far, those of the network and its lies included. */
  total(): number
  /** Keeps faults coming until `stop`. */
  start(): void
  /** Ends all faults and starts what is down. */
  stop(): Promise<void>
}

type Fault = (world: World, prng: Prng) => Promise<boolean> | boolean

const NETWORK_FAULTS = { loseRequest: 60, loseAnswer: 60, cutSocket: 4 }
const DOWN_MS_MAX = 9_000
const CHECKPOINT = /checkpoint/

const restartLater = (world: World, prng: Prng, start: () => Promise<void> | void): void => {
  world.clock.after(1 + prng.below(DOWN_MS_MAX), () => void start())
}

const crashNode: Fault = (world, prng) => {
  if (world.node() === undefined) return false
  world.crashNode()
  restartLater(world, prng, () => world.startNode())
  return true
}

const crashWorker: Fault = (world, prng) => {
  const place = prng.pick(world.workers)
  if (place.worker === undefined) return false
  world.crashWorker(place)
  restartLater(world, prng, () => world.startWorker(place))
  return true
}

/** A crash after which a checkpoint is gone, older than it was, or damaged. The worker must do without it. */
const damageCheckpoint: Fault = (world, prng) => {
  const place = prng.pick(world.workers)
  const names = place.disk.names().filter((name) => CHECKPOINT.test(name))
  if (place.worker === undefined || names.length === 0 || !maySpareCluster(world, place)) return false
  world.crashWorker(place)
  if (place.identity !== undefined) world.auditor.noteDamage(parseHex(place.identity))
  const name = prng.pick(names)
  const kind = prng.below(3)
  if (kind === 0) place.disk.lose(name)
  else if (kind === 1) place.disk.rollBack(name, prng)
  else place.disk.corrupt(name, prng)
  restartLater(world, prng, () => world.startWorker(place))
  return true
}

/** A disk replaced by an empty one: another worker lives at the address from now on. */
const loseDisk: Fault = (world, prng) => {
  const place = prng.pick(world.workers)
  if (place.worker === undefined || place.identity === undefined || !maySpareKey(world, place) || !maySpareCluster(world, place)) return false
  world.crashWorker(place)
  for (const name of place.disk.names()) place.disk.lose(name)
  place.identity = undefined
  restartLater(world, prng, () => world.startWorker(place))
  return true
}

/** A gatekeeper's key file is gone, or as it was before. The others must give the key to it again. */
const loseMasterKey: Fault = (world, prng) => {
  const place = prng.pick(world.workers)
  if (place.worker === undefined || !place.disk.names().includes(MASTER_KEY_FILE) || !maySpareKey(world, place)) return false
  place.keyDamagedAt = world.finalized.length
  world.crashWorker(place)
  if (prng.chance(500) || !place.disk.rollBack(MASTER_KEY_FILE, prng)) place.disk.lose(MASTER_KEY_FILE)
  restartLater(world, prng, () => world.startWorker(place))
  return true
}

/** The file with the secrets of a worker's cluster is gone, or as it was before. The gatekeepers or the other members must give them again. */
const loseClusterKeys: Fault = (world, prng) => {
  const holders = world.workers.filter(({ worker, disk }) => worker !== undefined && disk.names().includes(CLUSTER_FILE))
  if (holders.length === 0) return false
  const place = prng.pick(holders)
  if (!maySpareCluster(world, place)) return false
  world.crashWorker(place)
  if (prng.chance(500) || !place.disk.rollBack(CLUSTER_FILE, prng)) place.disk.lose(CLUSTER_FILE)
  restartLater(world, prng, () => world.startWorker(place))
  return true
}

const crashRelay: Fault = (world, prng) => {
  const place = prng.pick(world.relays)
  if (place.relay === undefined) return false
  world.crashRelay(place)
  restartLater(world, prng, () => world.startRelay(place))
  return true
}

const spoilNetwork: Fault = (world, prng) => {
  if (world.network.faults !== undefined) return false
  world.network.faults = NETWORK_FAULTS
  restartLater(world, prng, () => void (world.network.faults = undefined))
  return true
}

const startLies: Fault = (world, prng) => {
  if (world.liesOn) return false
  world.liesOn = true
  restartLater(world, prng, () => void (world.liesOn = false))
  return true
}

/** Someone on the worker's host feeds it altered blocks, or garbage. None of it may stick. */
const feedLies: Fault = async (world, prng) => {
  const node = world.node()
  const place = prng.pick(world.workers)
  const { worker } = place
  if (node === undefined || worker === undefined) return false
  const head = node.head().number
  const from = Math.max(1, head - prng.below(20))
  const blocks = []
  for (let number = from; number <= head; number++) {
    const header = node.chain.store.header(number)
    if (header !== undefined) blocks.push({ header, justification: node.chain.store.justification(number), messages: { messages: [], acks: [] } })
  }
  const encoded = FollowedBlocks.encode(blocks)
  const lie = prng.chance(300) ? prng.bytes(prng.below(300)) : tellFeedLie(encoded, prng)
  if (lie === undefined) return false
  // Refusing is the worker's right, taking honest parts too: what counts is what it follows afterwards (checkers.ts).
  await worker.handle('PhalanxAPI.FeedBlocks', encodeMessage(FeedRequest, { encodedBlocks: lie })).catch(() => undefined)
  return true
}

/** Someone on the host hands the worker a false checkpoint to go on at. */
const checkpointLies: Fault = async (world, prng) => {
  const node = world.node()
  const { worker } = prng.pick(world.workers)
  const identity = worker?.identity()
  if (node === undefined || worker === undefined || identity === undefined || node.head().number === 0) return false
  const request = { jsonrpc: '2.0', id: 1, method: 'phalanx_getCheckpoint', params: [`0x${toHexPlain(identity)}`] }
  const { result } = JSON.parse((await node.handle(JSON.stringify(request))) ?? '{}') as { readonly result?: string }
  if (result === undefined) return false
  const encodedCheckpoint = tellCheckpointLie(parseHex(result), prng)
  const before = worker.status().state
  const isTaken = await worker.handle('PhalanxAPI.SkipToCheckpoint', encodeMessage(SkipRequest, { encodedCheckpoint })).then(() => true, () => false)
  if (isTaken) world.report(`a worker (${before}) took a checkpoint that was altered`)
  return true
}

/** Someone fills the API with garbage. */
const garbageCalls: Fault = async (world, prng) => {
  const { worker } = prng.pick(world.workers)
  const node = world.node()
  const method = prng.pick(['PhactoryAPI.InitRuntime', 'PhactoryAPI.GetRuntimeInfo', 'PhactoryAPI.GetInfo', 'PhactoryAPI.SignEndpointInfo', 'PhalanxAPI.SkipToCheckpoint', 'PhactoryAPI.Nonsense'])
  await worker?.handle(method, prng.bytes(prng.below(200))).catch(() => undefined)
  const rpc = prng.pick(['author_submitExtrinsic', 'state_getStorage', 'phalanx_getBlocks', 'phalanx_getCheckpoint', 'chain_getBlock', 'state_call', 'pha_getMqNextSequence'])
  await node?.handle(JSON.stringify({ jsonrpc: '2.0', id: 1, method: rpc, params: [`0x${toHexPlain(prng.bytes(prng.below(80)))}`, prng.below(5)] }))
  await node?.handle(toHexPlain(prng.bytes(20)))
  return true
}

const FAULTS: readonly (readonly [weight: number, fault: readonly [name: string, fault: Fault]])[] = [
  [6, ['node crash', crashNode]],
  [8, ['worker crash', crashWorker]],
  [6, ['relay crash', crashRelay]],
  [6, ['damaged checkpoint', damageCheckpoint]],
  [1, ['lost disk', loseDisk]],
  [4, ['lost master key', loseMasterKey]],
  [4, ['lost cluster keys', loseClusterKeys]],
  [6, ['bad network', spoilNetwork]],
  [6, ['lying node', startLies]],
  [8, ['altered feed', feedLies]],
  [4, ['altered checkpoint', checkpointLies]],
  [3, ['garbage', garbageCalls]],
]

/** Prepares the adversary; a fault comes every `everyMs` on average. */
export const createAdversary = (world: World, options: { readonly everyMs: number }, prng: Prng): Adversary => {
  const counts: Record<string, number> = {}
  let isOn = false
  const next = (): void => void world.clock.after(1 + prng.below(2 * options.everyMs), () => void fire())
  const fire = async (): Promise<void> => {
    if (!isOn) return
    const [name, fault] = prng.pickWeighted(FAULTS)
    if (await fault(world, prng)) counts[name] = (counts[name] ?? 0) + 1
    next()
  }
  return {
    counts,
    total: () => Object.values(counts).reduce((sum, count) => sum + count, 0),
    start() {
      isOn = true
      next()
    },
    async stop() {
      isOn = false
      await world.clock.run(world.clock.nowMs() + DOWN_MS_MAX + 1)
      world.network.faults = undefined
      world.liesOn = false
    },
  }
}

