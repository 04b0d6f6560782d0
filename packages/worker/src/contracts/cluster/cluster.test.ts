import { bytesToKey, toHex } from '@phalanx/primitives/bytes'
import { u64 } from '@phalanx/primitives/codec'
import { ContractExecResult, openReceipt, type Receipt } from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { commandTopicOf, CommandPayload, createMessage, palletOrigin } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { ClusterWorld } from '../../testing/cluster-world.ts'
import { fillInput, SCRIPT } from '../../testing/script-vm.ts'
import { findReceipt } from './recent-receipts.ts'

const crypto = await loadCrypto()
let bed: ClusterWorld
let contract: Uint8Array
const input = (action: number, ...rest: readonly number[]): Uint8Array => Uint8Array.of(action, ...rest)
const roots = (): readonly string[] => bed.workers.map(({ cluster }) => (cluster === undefined ? 'none' : toHex(cluster.contracts.root)))
const agreeing = (): boolean => new Set(roots()).size === 1 && roots()[0] !== 'none'

/** What the receipt of a sealed command says. */
const receiptOf = (prepared: ReturnType<ClusterWorld['prepare']>, worker = 0): Receipt => {
  const found = findReceipt(bed.worker(worker).cluster?.receipts ?? [], { contract, commandHash: prepared.commandHash })
  if (found === undefined) throw new Error('there is no receipt')
  return openReceipt(crypto, found.receipt.envelope, { commandHash: prepared.commandHash, own: prepared.own, target: prepared.target })
}
const counted = ({ outcome }: Receipt): string => {
  if (outcome.kind === 'Refused') return outcome.value.code
  const { result } = ContractExecResult.decode(outcome.value)
  if (!result.ok) return result.error.kind
  return result.value.flags === 0 ? String(u64.decode(result.value.data)) : 'reverted'
}

beforeEach(() => {
  bed = new ClusterWorld(crypto)
  contract = bed.deploy()
})

describe('a cluster', () => {
  test('is deployed by all its workers, with its system contract, a contract, and keys of both on the chain', () => {
    expect(bed.world.reports.map(({ kind }) => kind)).toEqual(['ClusterDeployed', 'ClusterDeployed', 'ClusterDeployed'])
    expect(agreeing()).toBe(true)
    const { cluster } = bed.worker(0)
    expect(cluster?.deployed.length).toBe(2)
    expect(bed.world.contracts.size).toBe(2)
    for (const { id, publicKey } of cluster?.deployed ?? []) {
      const known = bed.world.contracts.get(bytesToKey(id))
      expect(toHex(known?.pubkey ?? id)).toBe(toHex(publicKey))
      expect(known?.channel.size).toBe(1)
    }
    expect(bed.world.agreed.length).toBeGreaterThan(0)
    expect(bed.world.differing).toEqual([])
  })

  test('runs commands in all three forms, each with a receipt that all workers make alike', () => {
    const first = bed.sendSealed({ contract, input: input(SCRIPT.count) })
    bed.sendPlain({ contract, input: input(SCRIPT.count) })
    bed.sendEncrypted({ contract, input: input(SCRIPT.count) })
    const last = bed.sendSealed({ contract, input: input(SCRIPT.say, 1, 2, 3) })
    bed.rounds(2)
    expect([counted(receiptOf(first)), counted(receiptOf(last))]).toEqual(['1', '4'])
    const said = receiptOf(last)
    expect([said.index, said.logs.map(({ message }) => message), said.events.map(({ data }) => toHex(data))]).toEqual([3, ['hello'], ['0x010203']])
    const envelopes = bed.workers.map(({ cluster }) => cluster?.receipts.at(-1)?.receipts.map(({ envelope }) => toHex(envelope)))
    expect(envelopes[1]).toEqual(envelopes[0])
    expect(envelopes[2]).toEqual(envelopes[0])
    bed.rounds(2)
    expect(bed.world.agreed.at(-1)).toMatchObject({ by: 2, receiptsRoot: bed.worker(0).cluster?.receipts.at(-1)?.root })
    expect(bed.world.differing).toEqual([])
  })

  test('keeps no change of a command that traps, loops, reverts or is sent by somebody without money, and its neighbours run', () => {
    const [trap, loop, revert] = [SCRIPT.trap, SCRIPT.loop, SCRIPT.revert].map((action) => bed.sendSealed({ contract, input: input(action) }))
    const poor = bed.prepare({ contract, input: input(SCRIPT.count), transfer: 10n ** 30n })
    bed.push(contract, poor.payload.bytes)
    const good = bed.sendSealed({ contract, input: input(SCRIPT.count) })
    bed.rounds(2)
    expect([trap, loop, revert, poor, good].map((one) => counted(receiptOf(one as typeof good)))).toEqual(['Module', 'Module', 'reverted', 'Module', '1'])
    expect(receiptOf(trap as typeof good).failure).toBe('told to')
    expect(agreeing()).toBe(true)
  })

  test('refuses what is forged, copied, old, of the future, for another contract or an unknown epoch, each with its code', () => {
    const now = bed.world.chain.head.number
    const good = bed.sendSealed({ contract, input: input(SCRIPT.count) }, { nonce: Uint8Array.of(5) })
    const again = bed.sendSealed({ contract, input: input(SCRIPT.count) }, { nonce: Uint8Array.of(5) })
    const forged = bed.sendSealed({ contract, input: input(SCRIPT.count) }, { from: new Uint8Array(32).fill(1) })
    const future = bed.sendSealed({ contract, input: input(SCRIPT.count) }, { block: now + 50 })
    const other = bed.sendSealed({ contract, input: input(SCRIPT.count) }, { to: new Uint8Array(32).fill(1) })
    const unknown = bed.sendSealed({ contract, input: input(SCRIPT.count) }, { epoch: 99n })
    const tampered = bed.prepare({ contract, input: input(SCRIPT.count) })
    const bytes = tampered.payload.bytes.slice()
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    bed.push(contract, bytes)
    bed.push(contract, Uint8Array.of(9, 9, 9))
    bed.rounds(2)
    expect([good, again, forged, future, other].map((one) => counted(receiptOf(one)))).toEqual(
      ['1', 'INVOCATION_REPLAYED', 'INVOCATION_SIGNATURE_INVALID', 'INVOCATION_FROM_FUTURE', 'INVOCATION_RECIPIENT_MISMATCH'])
    expect(receiptOf(unknown)).toMatchObject({ outcome: { kind: 'Refused', value: { code: 'COMMAND_EPOCH_UNKNOWN' } } })
    expect(bed.worker(0).cluster?.receipts.at(-1)?.receipts).toHaveLength(8)
    bed.rounds(2)
    expect([agreeing(), bed.world.differing]).toEqual([true, []])
  })

  test('refuses a command that names the contract\'s own key as its sender', () => {
    const target = bed.world.target(contract)
    const payload = CommandPayload.encode({
      kind: 'Sealed', value: { version: 1, epoch: target?.epoch ?? 0n, from: target?.publicKey ?? contract, iv: new Uint8Array(12), data: new Uint8Array(40) },
    })
    bed.push(contract, payload)
    bed.rounds(2)
    expect(bed.worker(0).cluster?.receipts.at(-1)?.receipts).toHaveLength(1)
    expect(agreeing()).toBe(true)
  })

  test('forgets a nonce only when its block is too old to count', () => {
    const copy = bed.sendSealed({ contract, input: input(SCRIPT.count) })
    bed.rounds(250)
    bed.push(contract, copy.payload.bytes)
    bed.rounds(1)
    expect(bed.worker(0).cluster?.nonces).toHaveLength(1)
    bed.rounds(10)
    expect(bed.worker(0).cluster?.nonces).toEqual([])
    bed.push(contract, copy.payload.bytes)
    bed.rounds(2)
    const receipts = bed.worker(0).cluster?.receipts ?? []
    expect(receipts.map((block) => block.receipts.length)).toEqual([1, 1, 1])
    expect(counted(receiptOf(copy))).toBe('1')
    expect(bed.worker(0).cluster?.contracts.root).toEqual(bed.worker(1).cluster?.contracts.root)
  })

  test('installs contracts that contracts make', () => {
    bed.sendSealed({ contract, input: input(SCRIPT.make, 1, 2) })
    bed.rounds(3)
    expect(bed.world.contracts.size).toBe(3)
    expect(agreeing()).toBe(true)
  })

  test('takes a pallet\'s command as the system contract\'s, free of gas', () => {
    const command = { kind: 'Plain', value: { kind: 'InkMessage', value: { nonce: new Uint8Array(0), message: input(SCRIPT.count), transfer: 0n, gasLimit: 10n ** 11n, storageDepositLimit: undefined } } } as const
    bed.world.say(createMessage(palletOrigin('PhalaPhatTokenomic'), commandTopicOf(contract), command))
    bed.rounds(2)
    const log = bed.worker(0).cluster?.logs.chunks.flatMap(({ records }) => records).at(-1)
    expect(log?.content).toMatchObject({ kind: 'Output', value: { contract } })
    expect(agreeing()).toBe(true)
  })
})

describe('keys', () => {
  test('of an epoch are erased when its grace is over, from memory and disk; commands of it are refused then', () => {
    const late = bed.prepare({ contract, input: input(SCRIPT.count) })
    const intime = bed.prepare({ contract, input: input(SCRIPT.count) })
    const [old] = bed.worker(0).cluster?.epochs ?? []
    const secret = old?.key.secret.reveal().slice() ?? new Uint8Array(64)
    bed.world.rotate()
    bed.rounds(2)
    bed.push(contract, intime.payload.bytes)
    bed.rounds(1)
    expect(counted(receiptOf(intime))).toBe('1')
    bed.rounds(6)
    bed.push(contract, late.payload.bytes)
    bed.rounds(2)
    expect(receiptOf(late)).toMatchObject({ outcome: { kind: 'Refused', value: { code: 'COMMAND_EPOCH_UNKNOWN', reason: '' } } })
    expect(old?.key.secret.reveal()).toEqual(new Uint8Array(64))
    for (const { sealed, checkpoint, live } of bed.workers) {
      for (const file of [sealed, checkpoint]) expect(toHex(file ?? new Uint8Array(0))).not.toContain(toHex(secret).slice(2))
      expect(live.cluster?.epochs.map(({ epoch }) => epoch)).toEqual([2n])
    }
    expect(counted(receiptOf(bedSends()))).toBe('2')
  })

  const bedSends = () => {
    const sent = bed.sendSealed({ contract, input: input(SCRIPT.count) })
    bed.rounds(2)
    return sent
  }

  test('that opened an epoch\'s secret are replaced', () => {
    const before = bed.worker(0).live.keys.ecdh.publicKey
    bed.world.rotate()
    bed.rounds(4)
    expect(toHex(bed.worker(0).live.keys.ecdh.publicKey)).not.toBe(toHex(before))
  })

  test('of an epoch that all workers missed, because they started again just then, hold up neither commands nor the next epoch\'s keys', () => {
    bed.world.rotate()
    bed.world.seal()
    for (const worker of bed.workers) worker.start()
    bed.rounds(12)
    expect(bed.world.epoch?.epoch).toBeGreaterThan(2n)
    const sent = bed.sendSealed({ contract, input: input(SCRIPT.count) })
    bed.rounds(2)
    expect([counted(receiptOf(sent)), agreeing(), bed.workers.map(({ cluster }) => cluster?.gaps.length)]).toEqual(['1', true, [0, 0, 0]])
  })

  test('a worker that starts again before its cluster\'s key arrives asks for it, and deploys where the others did', () => {
    bed = new ClusterWorld(crypto, { seed: 'late' })
    bed.world.create(bed.workers.map(({ publicKey }) => publicKey))
    bed.world.dispatch()
    bed.worker(2).checkpoint = undefined
    bed.worker(2).start()
    bed.rounds(1)
    expect(bed.worker(2).cluster).toBeUndefined()
    bed.rounds(8)
    expect(bed.worker(2).cluster?.id).toEqual(bed.world.id)
    bed.rounds(12)
    expect(agreeing()).toBe(true)
    expect(bed.world.agreed.some(({ by }) => by === 2)).toBe(true)
  })
})

describe('leaving', () => {
  test('a removed worker loses secrets and state, and goes on as a worker', () => {
    const { publicKey, cluster } = bed.worker(2)
    const secret = cluster?.secret
    bed.world.remove(publicKey)
    bed.rounds(3)
    const { live, sealed } = bed.worker(2)
    expect([live.cluster, live.joining, live.clusterKeys, live.clusters.membership, sealed]).toEqual([undefined, undefined, undefined, undefined, undefined])
    expect(secret?.reveal()).toEqual(new Uint8Array(64))
    expect(live.egress.some(([sender]) => sender.kind === 'Cluster')).toBe(false)
    bed.sendSealed({ contract, input: input(SCRIPT.count) })
    bed.rounds(3)
    expect(bed.worker(0).cluster?.contracts.root).toEqual(bed.worker(1).cluster?.contracts.root)
    expect(bed.worker(2).live.follow.head.number).toBe(bed.world.chain.head.number)
  })

  test.each([
    ['a member of a cluster that is being created', (): void => bed.world.create(bed.workers.map(({ publicKey }) => publicKey))],
    ['one that was just added', (): void => bed.world.add(bed.worker(2).publicKey)],
  ])('%s does not, once removed, begin the cluster anew by keys that were still on their way', (_, join) => {
    bed = new ClusterWorld(crypto, { seed: 'on their way' })
    const { publicKey } = bed.worker(2)
    join()
    bed.rounds(1)
    expect(bed.worker(2).live.clusters.membership).toBeDefined()
    bed.world.remove(publicKey)
    bed.rounds(1)
    bed.world.dispatch([publicKey])
    bed.rounds(2)
    const { cluster, joining, clusterKeys, clusters } = bed.worker(2).live
    expect([cluster, joining, clusterKeys, clusters.membership]).toEqual([undefined, undefined, undefined, undefined])
    expect(bed.worker(2).live.follow.head.number).toBe(bed.world.chain.head.number)
  })

  test('a destroyed cluster is left by all', () => {
    bed.world.destroy()
    bed.rounds(2)
    expect(bed.workers.map(({ live }) => live.cluster ?? live.clusterKeys ?? live.clusters.membership)).toEqual([undefined, undefined, undefined])
  })
})

describe('a machine that gives out', () => {
  test.each([['says so', SCRIPT.breakMachine], ['has a bug', SCRIPT.throwBug]])('halts the worker and leaves no result (%s)', (_, action) => {
    const before = roots()
    const { number } = bed.world.chain.head
    bed.sendSealed({ contract, input: input(action) })
    bed.world.seal()
    const worker = bed.worker(0)
    expect(() => worker.sync()).toThrow(expect.objectContaining({ code: 'WORKER_HALTED' }))
    expect(worker.live.failed).toContain('gave out')
    expect(worker.live.follow.head.number).toBe(number)
    expect(roots()[0]).toBe(before[0])
    worker.start()
    expect(worker.live.failed).toBeUndefined()
  })
})

test('a worker whose state differs says so', () => {
  bed.sendPlain({ contract, input: fillInput(1, 100) })
  const { cluster } = bed.worker(2)
  if (cluster === undefined) throw new Error('it runs here')
  bed.worker(2).state = { ...bed.worker(2).live, cluster: { ...cluster, contracts: cluster.contracts.apply([[Uint8Array.of(1), Uint8Array.of(1)]]) } }
  bed.rounds(4)
  expect(bed.workers.map(({ live }) => live.cluster?.differsSince !== undefined)).toEqual([false, false, true])
  expect(bed.world.differing.length).toBeGreaterThan(0)
})

test('a worker that learns in one step of an epoch\'s secret and of its removal replaces the key that opens the secret', () => {
  const removed = bed.worker(2)
  const { ecdh } = removed.live.keys
  bed.world.rotate()
  bed.world.seal()
  bed.world.remove(removed.publicKey)
  bed.world.seal()
  removed.sync()
  expect(removed.live.clusterKeys).toBeUndefined()
  expect(removed.live.keys.nextEcdh).toBeDefined()
  bed.rounds(12)
  const { keys } = removed.live
  expect([keys.ecdh, ...keys.formerEcdh.map(({ key }) => key)].map(({ publicKey }) => toHex(publicKey))).not.toContain(toHex(ecdh.publicKey))
})
