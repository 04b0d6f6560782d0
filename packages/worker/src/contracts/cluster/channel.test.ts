import { bytesEqual } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, type SignedMessage } from '@phalanx/primitives/messages'
import { expect, test } from 'vitest'
import { createEntropy } from '../../core/entropy.ts'
import { channelOf } from '../../core/mq.ts'
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
