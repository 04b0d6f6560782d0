/**
 * Owns what governance does about gatekeepers in the simulated world: lists the first workers, takes those off that are gone for good, rotates
 * the master key; and what the chain then says of them.
 */
import { u8 } from '@phalanx/primitives/codec'
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { phalaRegistryStorage } from '@phalanx/runtime/storage'
import type { Node } from '@phalanx/node'
import type { Prng } from './prng.ts'
import type { World, WorkerPlace } from './world-types.ts'

/** File of a worker's sealed master keys. */
export const MASTER_KEY_FILE = 'master-key.seal'
const EMPTY = new Uint8Array(0)
const REGISTER = 3
const UNREGISTER = 4
const ROTATE = 5
const CANCEL = 30
/** Blocks after which a rotation that nobody could finish is given up. */
const ROTATION_PATIENCE_BLOCKS = 60
/** Blocks that the beacon may lie behind. */
const BEACON_LAG_BLOCKS = 60

const registryCall = (index: number, args: Uint8Array = EMPTY): Uint8Array => concatBytes(u8.encode(41), u8.encode(index), args)

interface Gatekeepers {
  readonly listed: readonly string[]
  /** Identity and the block since which its votes count. */
  readonly confirmed: ReadonlyMap<string, number>
  readonly isLaunched: boolean
  readonly rotation: bigint | undefined
  readonly rotations: bigint
  readonly beaconRound: number
}

const gatekeepersOf = (world: World, node: Node): Gatekeepers => {
  const registry = phalaRegistryStorage
  const { state } = node.chain.head()
  const read = <T>(item: { key(hasher: typeof world.crypto): Uint8Array; decode(bytes: Uint8Array | undefined): T }): T => item.decode(state.get(item.key(world.crypto)))
  return {
    listed: read(registry.gatekeeper).map(toHex),
    confirmed: new Map(read(registry.confirmedGatekeepers).map(([pubkey, since]) => [toHex(pubkey), since])),
    isLaunched: read(registry.gatekeeperMasterPubkey) !== undefined,
    rotation: read(registry.masterKeyRotationLock),
    rotations: read(registry.rotationCounter),
    beaconRound: read(registry.beacon)?.[0] ?? 0,
  }
}

const wanted = (world: World): readonly WorkerPlace[] => world.workers.slice(0, world.options.gatekeepers)

/**
 * Whether a place certainly holds the master key: its votes count since a block after the last damage to its key, and it has written the file
 * since. The chain alone does not know: a report from before the damage may have reached it afterwards.
 */
const holdsKey = ({ confirmed }: Gatekeepers, { identity, keyDamagedAt, disk }: WorkerPlace): boolean => {
  const since = identity === undefined ? undefined : confirmed.get(identity)
  return since !== undefined && (keyDamagedAt === undefined || since > keyDamagedAt) && disk.isAsWritten(MASTER_KEY_FILE)
}

/** Whether the master key survives when this place loses it. */
export const maySpareKey = (world: World, place: WorkerPlace): boolean => {
  const node = world.node()
  if (node === undefined) return false
  const gatekeepers = gatekeepersOf(world, node)
  if (place.identity === undefined || !gatekeepers.listed.includes(place.identity)) return true
  return world.workers.some((other) => other !== place && holdsKey(gatekeepers, other))
}

/** What governance remembers between looking. */
export interface Minutes {
  rotation?: { readonly id: bigint; readonly seenAt: number }
}

/** The next thing that governance has to do, as a call, or nothing. */
export const tendGatekeepers = (world: World, node: Node, minutes: Minutes): Uint8Array | undefined => {
  const { listed, isLaunched, rotation } = gatekeepersOf(world, node)
  const { number } = node.head()
  if (rotation !== undefined) {
    if (minutes.rotation?.id !== rotation) minutes.rotation = { id: rotation, seenAt: number }
    return number - minutes.rotation.seenAt > ROTATION_PATIENCE_BLOCKS ? registryCall(CANCEL) : undefined
  }
  const gone = listed.find((name) => !world.workers.some(({ identity }) => identity === name))
  if (gone !== undefined && listed.length > 1) return registryCall(UNREGISTER, parseHex(gone))
  if (listed.length > 0 && !isLaunched) return undefined
  const next = wanted(world).find(({ identity }) => identity !== undefined && !listed.includes(identity) && world.auditor.workers.has(identity))
  return next?.identity === undefined ? undefined : registryCall(REGISTER, parseHex(next.identity))
}

/** A rotation, or the dismissal of a gatekeeper that the others can do without; it will be listed again. */
export const stirGatekeepers = (world: World, node: Node, prng: Prng): Uint8Array | undefined => {
  const { listed, isLaunched, rotation } = gatekeepersOf(world, node)
  if (!isLaunched || rotation !== undefined) return undefined
  if (prng.chance(700)) return registryCall(ROTATE)
  const place = prng.pick(wanted(world))
  if (place.identity === undefined || listed.length < 2 || !listed.includes(place.identity) || !maySpareKey(world, place)) return undefined
  place.keyDamagedAt = node.head().number
  return registryCall(UNREGISTER, parseHex(place.identity))
}

/** Whether all that should be gatekeepers are, with a vote, and the beacon goes on. */
export const areGatekeepersAtWork = (world: World): boolean => {
  const node = world.node()
  if (node === undefined) return false
  const { listed, confirmed, rotation, beaconRound } = gatekeepersOf(world, node)
  const names = wanted(world).map(({ identity }) => identity ?? '')
  return listed.length === names.length && names.every((name) => confirmed.has(name)) && rotation === undefined && beaconRound + BEACON_LAG_BLOCKS > node.head().number
}

/** The chain's view of the gatekeepers, for a report. */
export const describeGatekeepers = (world: World): string => {
  const node = world.node()
  if (node === undefined) return 'the node is down'
  const { listed, confirmed, rotation, beaconRound } = gatekeepersOf(world, node)
  return `${listed.length} listed, ${confirmed.size} confirmed, rotation ${rotation ?? 'none'}, beacon at ${beaconRound} of ${node.head().number}`
}

/** Rotations of the master key that were begun. */
export const rotationsOf = (world: World): number => {
  const node = world.node()
  return node === undefined ? 0 : Number(gatekeepersOf(world, node).rotations)
}
