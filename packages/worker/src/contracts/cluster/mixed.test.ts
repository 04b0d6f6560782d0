/** Three workers of a cluster hold equal states over mixed commands with crashes between any two durable effects; a fourth joins by another's state. */
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Crypto } from '@phalanx/primitives/crypto'
import { expect, test } from 'vitest'
import { createEntropy } from '../../core/entropy.ts'
import type { ClusterMember, KillPoint } from '../../testing/cluster-member.ts'
import { ClusterWorld } from '../../testing/cluster-world.ts'
import { fillInput, SCRIPT } from '../../testing/script-vm.ts'
import { requestClusterState, saveClusterState } from './snapshot.ts'

const crypto: Crypto = await loadCrypto()
const COMMANDS = process.env.PHALANX_LONG === '1' ? 10_000 : 500
const KILLS: readonly KillPoint[] = ['atOnce', 'afterFirst', 'beforeLast']

/** Numbers below `limit` from a seed. */
const createDice = (seed: number): ((limit: number) => number) => {
  let state = seed >>> 0
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

const inputOf = (dice: (limit: number) => number, salt: number): Uint8Array => {
  const kind = dice(20)
  if (kind < 8) return Uint8Array.of(SCRIPT.count)
  if (kind < 12) return fillInput(dice(50), dice(2000))
  if (kind < 14) return Uint8Array.of(SCRIPT.say, dice(256))
  if (kind < 15) return Uint8Array.of(SCRIPT.make, salt & 0xff, salt >>> 8)
  return Uint8Array.of([SCRIPT.trap, SCRIPT.loop, SCRIPT.revert, SCRIPT.revert, SCRIPT.trap][kind - 15] as number)
}

const sendOne = (bed: ClusterWorld, contract: Uint8Array, dice: (limit: number) => number, salt: number): void => {
  const command = { contract, input: inputOf(dice, salt) }
  const form = dice(10)
  if (form < 6 && bed.world.target(contract) !== undefined) bed.sendSealed(command)
  else if (form < 7) bed.sendPlain(command)
  else if (form < 8) bed.push(contract, Uint8Array.of(2, 1, 2, 3))
  else bed.sendEncrypted(command)
}

/** Lets a member that waits ask another for what it lacks; what the other does not have it asks of the next one later. */
const join = (bed: ClusterWorld, joiner: ClusterMember, member: ClusterMember): void => {
  if (joiner.live.joining === undefined || joiner === member || member.cluster === undefined) return
  const entropy = createEntropy(crypto, bed.random.bytes(32))
  try {
    const { encoded } = requestClusterState(crypto, joiner.live, entropy)
    const { sealed } = saveClusterState(crypto, member.live, encoded, entropy)
    joiner.apply({ kind: 'loadClusterState', value: { encoded: sealed, entropy: bed.random.bytes(32) } })
  } catch (error) {
    expect(['CLUSTER_STATE_NOT_YET', 'CLUSTER_STATE_REFUSED']).toContain((error as { code: string }).code)
  }
}

/** Members that are at the newest block hold equal states. */
const assertAgreement = (bed: ClusterWorld): void => {
  const { number } = bed.world.chain.head
  const current = bed.workers.filter(({ live }) => live.cluster !== undefined && live.follow.head.number === number)
  expect(new Set(current.map(({ cluster }) => toHex(cluster?.contracts.root ?? new Uint8Array(0)))).size, `states after block ${number}`).toBeLessThanOrEqual(1)
}

test(`${COMMANDS} commands with crashes`, { timeout: 1_800_000 }, () => {
  const dice = createDice(7)
  const bed = new ClusterWorld(crypto, { seed: 'mixed' })
  const contract = bed.deploy()
  let sent = 0
  let joined: ClusterMember | undefined
  let kills = 0
  for (let block = 0; sent < COMMANDS; block++) {
    for (let i = dice(16); i > 0 && sent < COMMANDS; i--) sendOne(bed, contract, dice, sent++)
    if (dice(15) === 0) bed.world.rotate()
    if (dice(10) === 0) bed.world.deposit(bed.user.publicKey, 10n ** 18n)
    for (const worker of bed.workers) {
      if (dice(6) !== 0) continue
      worker.kill = KILLS[dice(KILLS.length)]
      kills++
    }
    bed.rounds(1, dice(2) === 0 ? 1 : 1000)
    if (joined === undefined && sent > COMMANDS / 2) {
      joined = bed.hire()
      bed.rounds(4)
      bed.world.add(joined.publicKey)
    }
    for (const worker of bed.workers) join(bed, worker, bed.worker(dice(3)))
    assertAgreement(bed)
  }
  for (let i = 0; i < 20; i++) {
    bed.rounds(1)
    for (const worker of bed.workers) join(bed, worker, bed.worker(i % 3))
  }
  const clusters = bed.workers.map(({ live }) => live.cluster)
  expect(clusters.map((cluster) => (cluster === undefined ? 'none' : toHex(cluster.contracts.root)))).toEqual(new Array(4).fill(toHex(clusters[0]?.contracts.root ?? contract)))
  expect(bed.world.differing).toEqual([])
  expect(clusters.map((cluster) => cluster?.differsSince)).toEqual([undefined, undefined, undefined, undefined])
  expect(bed.world.agreed.length).toBeGreaterThan(20)
  expect(kills).toBeGreaterThan(10)
})
