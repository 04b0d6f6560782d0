import { bytesEqual, bytesToKey } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, type SignedMessage } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { createEntropy } from '../../core/entropy.ts'
import { adoptMessages, channelOf, withoutSender } from '../../core/mq.ts'
import type { ClusterMember } from '../../testing/cluster-member.ts'
import { ClusterWorld } from '../../testing/cluster-world.ts'
import { SCRIPT, SCRIPT_CODE } from '../../testing/script-vm.ts'
import { requestClusterState, saveClusterState } from './snapshot.ts'
import { clusterOrigin } from './work.ts'

const crypto = await loadCrypto()

test('a number that was left out in a block that is done again with the missing keys is used then', () => {
  const bed = new ClusterWorld(crypto, { seed: 'channel', workers: 2 })
  const contract = bed.deploy()
  const [holder, deaf] = bed.workers as [ClusterMember, ClusterMember]
  const said = ({ live }: ClusterMember): readonly SignedMessage[] => channelOf(live.egress, clusterOrigin(bed.world.id)).messages
  const entropy = () => createEntropy(crypto, bed.random.bytes(32))
  // An epoch that one member misses: it started again before the key came that was sealed to its former one.
  bed.world.rotate()
  bed.world.seal()
  holder.sync()
  holder.relay()
  deaf.start()
  deaf.sync()
  expect(deaf.cluster?.gaps).toHaveLength(1)
  bed.world.seal()
  for (const worker of bed.workers) worker.sync()
  expect(deaf.cluster?.gaps).toEqual([])
  // In one block a contract is made, whose channel key it cannot make, and a command comes that it cannot open.
  bed.world.instantiate(crypto.blake2b256(SCRIPT_CODE), new Uint8Array(0), Uint8Array.of(2))
  bed.sendSealed({ contract, input: Uint8Array.of(SCRIPT.count) })
  bed.world.seal()
  for (const worker of bed.workers) worker.sync()
  expect([deaf.live.joining?.needs, said(deaf).length, said(holder).length]).toEqual([2n, 1, 2])
  const announcement = deaf.live.egress.flatMap(([, { messages }]) => messages).find(({ message }) => bytesEqual(message.destination, TOPICS.ecdhKey.topic))
  if (announcement === undefined) throw new Error('it announces its key')
  expect(bed.world.submit(announcement)).toBe(true)
  bed.world.seal()
  for (const worker of bed.workers) worker.sync()
  const { encoded } = requestClusterState(crypto, deaf.live, entropy())
  deaf.apply({ kind: 'loadClusterState', value: { encoded: saveClusterState(crypto, holder.live, encoded, entropy()).sealed, entropy: bed.random.bytes(32) } })
  expect(said(deaf).map(({ message, sequence }) => ({ sequence, message }))).toEqual(said(holder).map(({ message, sequence }) => ({ sequence, message })))
})

describe('a member that joins takes over numbers of which the chain has not heard', () => {
  let bed: ClusterWorld
  let giver: ClusterMember
  let joiner: ClusterMember
  let made: Uint8Array
  const entropy = () => createEntropy(crypto, bed.random.bytes(32))
  const isOfCluster = ({ message }: SignedMessage): boolean => message.sender.kind === 'Cluster'
  /** Everything gets to the chain but what the cluster says. */
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      bed.world.seal()
      for (const worker of bed.workers) worker.sync()
      for (const { live } of bed.workers) for (const [, { messages }] of live.egress) for (const message of messages) if (!isOfCluster(message)) bed.world.submit(message)
    }
  }
  const join = (): void => {
    const { encoded } = requestClusterState(crypto, joiner.live, entropy())
    joiner.apply({ kind: 'loadClusterState', value: { encoded: saveClusterState(crypto, giver.live, encoded, entropy()).sealed, entropy: bed.random.bytes(32) } })
    bed.workers.splice(0, bed.workers.length, joiner)
  }
  const open = (member = joiner): readonly bigint[] => channelOf(member.live.egress, clusterOrigin(bed.world.id)).messages.map(({ sequence }) => sequence)

  beforeEach(() => {
    bed = new ClusterWorld(crypto, { seed: 'open numbers', workers: 2 })
    const contract = bed.deploy()
    joiner = bed.hire()
    bed.rounds(4)
    made = bed.world.instantiate(crypto.blake2b256(SCRIPT_CODE), new Uint8Array(0), Uint8Array.of(2))
    rounds(2)
    bed.world.add(joiner.publicKey)
    rounds(1)
    bed.sendSealed({ contract, input: Uint8Array.of(SCRIPT.count) })
    rounds(3)
    giver = bed.worker(0)
  })

  test('and says what waits under them, though whoever gave them is gone', () => {
    expect(bed.world.contracts.has(bytesToKey(made))).toBe(false)
    expect(open(giver)).not.toEqual([])
    join()
    expect(open()).toEqual(open(giver))
    bed.rounds(3)
    expect(bed.world.contracts.has(bytesToKey(made))).toBe(true)
    expect(open()).toEqual([])
  })

  test('and says nothing under those that were left to others, so that what follows is heard', () => {
    const { cluster, egress } = giver.live
    const [first, ...rest] = channelOf(egress, clusterOrigin(bed.world.id)).messages
    if (cluster === undefined || first === undefined) throw new Error('it has open numbers')
    const lacking = withoutSender(egress, clusterOrigin(bed.world.id))
    giver.state = { ...giver.live, egress: adoptMessages(lacking, clusterOrigin(bed.world.id), rest), cluster: { ...cluster, gaps: [{ sequence: first.sequence, since: giver.live.follow.head.number }] } }
    join()
    bed.rounds(3)
    expect(open()).toEqual(rest.map(({ sequence }) => sequence))
    bed.rounds(34)
    expect([open(), joiner.cluster?.gaps]).toEqual([[], []])
  })

  test('but none that the chain has counted meanwhile', () => {
    giver.relay()
    bed.rounds(3)
    join()
    expect([open(), joiner.cluster?.gaps]).toEqual([[], []])
  })
})
