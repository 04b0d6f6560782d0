import { beforeAll, describe, expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { silentLogger } from '@phalanx/primitives/ports'
import { SignedMessage } from '@phalanx/primitives/messages'
import { createSigner } from '@phalanx/sdk'
import { constantRandom, createFakeClock } from '@phalanx/sdk/testing'
import { createRelay } from './create-relay.ts'
import { answerStatus } from './snapshot.ts'
import { createFakeChain, createFakeNode, createFakeWorker, FAKE_MQ, FAKE_REGISTRY, type FakeWorker } from './testing.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

/** Lets everything that waits for nothing but promises happen. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await Promise.resolve()
}

const setUp = (options: { readonly nodes?: number; readonly workers?: number; readonly genesis?: readonly number[]; readonly isDark?: boolean } = {}) => {
  const clock = createFakeClock(1_000_000)
  const chains = (options.genesis ?? [1]).map((byte) => createFakeChain(byte))
  const [chain] = chains
  if (chain === undefined) throw new Error('no chain')
  const nodes = Array.from({ length: options.nodes ?? chains.length }, (_, i) => createFakeNode(chains[Math.min(i, chains.length - 1)] ?? chain, `ws://node${i}`))
  const workers = Array.from({ length: options.workers ?? 1 }, (_, i) => createFakeWorker(`http://worker${i}`, i + 1))
  const random = constantRandom()
  if (options.isDark === true) for (const { faults } of nodes) faults.isOffline = true
  if (options.isDark === true) for (const worker of workers) worker.isOffline = true
  const relay = createRelay(
    { nodes: nodes.map(({ client }) => client.url), workers: workers.map(({ client }) => ({ url: client.url })), signer: createSigner({ suri: new Secret('//Alice') }, { crypto, random }) },
    {
      crypto, clock, random, logger: silentLogger,
      connectNode: (url) => nodes.find(({ client }) => client.url === url)?.client ?? nodes[0]!.client,
      connectWorker: (url) => workers.find(({ client }) => client.url === url)?.client ?? workers[0]!.client,
    },
  )
  const row = (i = 0) => {
    const found = relay.snapshot().workers[i]
    if (found === undefined) throw new Error('no such worker')
    return found
  }
  return {
    clock, chain, chains, nodes, workers, relay, row,
    node: (i = 0) => nodes[i] ?? nodes[0]!,
    worker: (i = 0): FakeWorker => workers[i] ?? workers[0]!,
    /** The chain grows and all nodes say so. */
    async grow(blocks: number): Promise<void> {
      chain.head += blocks
      for (const node of nodes) if (!node.faults.isOffline) node.announce()
      await turns()
    },
    /** Time passes in steps, so that timers and promises take turns. */
    async pass(ms: number): Promise<void> {
      for (let at = 0; at < ms; at += 100) {
        clock.advance(100)
        await turns()
      }
    },
  }
}

/** What a registered worker looks like when it has seen the chain say so. */
const seeRegistration = (worker: FakeWorker): void => void Object.assign(worker, { registered: true, anchored: true, state: 'registered' })

const message = (worker: FakeWorker, sequence: bigint): SignedMessage => ({
  message: { sender: { kind: 'Worker', value: worker.identity }, destination: new Uint8Array([1]), payload: new Uint8Array([2]) }, sequence, signature: new Uint8Array(64),
})

describe('a relay', () => {
  test('brings workers from nothing to running', async () => {
    const net = setUp({ workers: 3 })
    await net.grow(5)
    await net.pass(500)
    expect(net.chain.calls.filter(({ pallet, call }) => pallet === FAKE_REGISTRY && call === 7).map(({ args }) => args[0])).toEqual([1, 2, 3])
    net.workers.forEach(seeRegistration)
    await net.grow(1)
    await net.pass(500)
    expect(net.relay.snapshot().workers.map(({ phase }) => phase)).toEqual(['running', 'running', 'running'])
    expect(answerStatus('/health', net.relay.snapshot()).status).toBe(200)
    net.relay.close()
  })

  test('waits with a reason when a worker is not there, and goes on when it comes', async () => {
    const net = setUp({ isDark: true })
    net.node().setOnline(true)
    await net.pass(3_000)
    expect(net.row()).toMatchObject({ phase: 'connecting', code: 'SDK_WORKER_UNREACHABLE' })
    expect(answerStatus('/health', net.relay.snapshot()).status).toBe(503)
    net.worker().isOffline = false
    await net.pass(15_000)
    expect(net.worker().initialized).toBe(true)
    net.relay.close()
  })

  test('starts before its node and recovers when the node goes and comes', async () => {
    const net = setUp({ isDark: true })
    net.worker().isOffline = false
    await net.pass(1_000)
    expect(net.row()).toMatchObject({ phase: 'connecting', code: 'RELAY_NODE_NONE' })
    net.node().setOnline(true)
    seeRegistration(net.worker())
    await net.pass(15_000)
    await net.grow(3)
    await net.pass(1_000)
    expect(net.row().phase).toBe('running')
    net.node().setOnline(false)
    await net.pass(1_000)
    expect(net.row()).toMatchObject({ phase: 'degraded', code: 'RELAY_NODE_NONE' })
    net.node().setOnline(true)
    await net.grow(3)
    await net.pass(15_000)
    expect(net.row()).toMatchObject({ phase: 'running', block: 6 })
    net.relay.close()
  })

  test('catches a worker up that restarted with less than it had', async () => {
    const net = setUp()
    seeRegistration(net.worker())
    await net.grow(100)
    await net.pass(2_000)
    expect(net.row()).toMatchObject({ phase: 'running', block: 100 })
    net.worker().nextBlock = 41
    await net.grow(1)
    await net.pass(15_000)
    expect(net.row()).toMatchObject({ phase: 'running', block: 101 })
    expect(net.worker().fed.some(({ from }) => from === 41)).toBe(true)
    net.relay.close()
  })

  test('takes altered blocks from another node and blames the first', async () => {
    const net = setUp({ nodes: 2 })
    seeRegistration(net.worker())
    net.node(0).faults.poisonFrom = 10
    await net.grow(50)
    await net.pass(10_000)
    expect(net.row()).toMatchObject({ phase: 'running', block: 50 })
    expect(net.relay.snapshot().nodes[0]?.trouble).toContain('refused what it gave')
    net.relay.close()
  })

  test('is not wedged by altered blocks from its only node', async () => {
    const net = setUp()
    seeRegistration(net.worker())
    net.node().faults.poisonFrom = 10
    await net.grow(50)
    await net.pass(5_000)
    expect(net.row()).toMatchObject({ phase: 'degraded', code: 'LIGHT_MESSAGES_MISMATCH' })
    net.node().faults.poisonFrom = undefined
    await net.pass(30_000)
    expect(net.row()).toMatchObject({ phase: 'running', block: 50 })
    net.relay.close()
  })

  test('is not held up by a node that promises blocks it does not have', async () => {
    const net = setUp({ nodes: 2 })
    net.node(0).faults.claimedHead = 1_000_000
    await net.grow(5)
    await net.pass(10_000)
    expect(net.chain.calls.some(({ pallet }) => pallet === FAKE_REGISTRY)).toBe(true)
    net.relay.close()
  })

  test('halts on a node of another chain, and uses the right one among several', async () => {
    const net = setUp({ genesis: [1] })
    net.worker().genesis = new Uint8Array(32).fill(9)
    Object.assign(net.worker(), { initialized: true })
    await net.grow(3)
    await net.pass(1_000)
    expect(net.row()).toMatchObject({ phase: 'halted', code: 'RELAY_GENESIS_MISMATCH' })
    net.relay.close()
    const two = setUp({ genesis: [1, 9] })
    Object.assign(two.worker(), { genesis: new Uint8Array(32).fill(9), initialized: true })
    seeRegistration(two.worker())
    const other = two.chains[1]
    if (other !== undefined) other.head = 4
    two.node(1).announce()
    await two.grow(2)
    await two.pass(6_000)
    expect(two.row()).toMatchObject({ phase: 'running', block: 4 })
    two.relay.close()
  })

  test('names what is wrong with its account and with a registration, and tries again', async () => {
    const net = setUp()
    net.chain.refusals.push(new AppError('SDK_RPC_REFUSED', { method: 'submit', rpcCode: 1010, reason: 'Invalid Transaction: Inability to pay some fees' }))
    net.chain.outcomes.push({ ok: false, name: 'PhalaRegistry.PRuntimeRejected', docs: 'Not listed.' })
    await net.grow(2)
    await net.pass(200)
    expect(net.row()).toMatchObject({ phase: 'registering', code: 'RELAY_FEES_TOO_LOW', fix: expect.stringContaining('funds') })
    await net.pass(600)
    expect(net.row()).toMatchObject({ phase: 'registering', code: 'RELAY_REGISTRATION_REFUSED', reason: expect.stringContaining('PRuntimeRejected') })
    await net.pass(5_000)
    expect(net.chain.calls.length).toBe(2)
    expect(net.row()).toMatchObject({ phase: 'registering', code: undefined })
    net.relay.close()
  })

  test('counts nonces for all workers together and recovers when another used one', async () => {
    const net = setUp({ workers: 2 })
    net.chain.refusals.push(new AppError('SDK_RPC_REFUSED', { method: 'submit', rpcCode: 1014, reason: 'Priority is too low' }))
    await net.grow(2)
    await net.pass(1_000)
    expect(net.chain.calls.filter(({ call }) => call === 7).length).toBe(2)
    net.relay.close()
  })

  test('sends each message once, only what the chain lacks, and reports a gap', async () => {
    const net = setUp()
    seeRegistration(net.worker())
    const identity = `0x${'01'.repeat(32)}`
    net.chain.sequences.set(identity, 3n)
    net.worker().messages = [1n, 2n, 3n, 4n].map((sequence) => message(net.worker(), sequence))
    await net.grow(1)
    await net.pass(500)
    expect(net.chain.calls.filter(({ pallet }) => pallet === FAKE_MQ).map(({ args }) => SignedMessage.decode(args).sequence)).toEqual([3n, 4n])
    net.worker().messages = [message(net.worker(), 9n)]
    await net.grow(1)
    await net.pass(500)
    expect(net.row()).toMatchObject({ phase: 'degraded', code: 'RELAY_EGRESS_GAP' })
    net.relay.close()
  })

  test('tells Prometheus about every worker and phase', async () => {
    const net = setUp()
    await net.pass(500)
    const { contentType, body } = answerStatus('/metrics', net.relay.snapshot())
    expect(contentType).toContain('0.0.4')
    expect(body).toMatch(/phalanx_relay_worker_phase\{worker="http:\/\/worker0",phase="running"\} [01]\n/)
    expect(answerStatus('/nothing', net.relay.snapshot()).status).toBe(404)
    net.relay.close()
  })

  test.each([[{ nodes: 0 }], [{ workers: 0 }]])('refuses to start with %o', (options) => {
    expect(() => setUp(options)).toThrowError(expect.objectContaining({ code: 'RELAY_OPTIONS_INVALID' }) as Error)
  })
})

describe('a chain that is far ahead', () => {
  test('is joined at a checkpoint, from another node where the first one lies', async () => {
    const net = setUp({ nodes: 2 })
    net.node(0).faults.poisonFrom = 1
    await net.grow(9_000)
    await net.pass(3_000)
    expect(net.worker().checkpoints).toEqual([9_000])
    expect(net.worker().fed).toEqual([])
    expect(net.relay.snapshot().nodes[0]?.trouble).toContain('refused what it gave')
  })

  test('is followed block by block where no node gives a checkpoint', async () => {
    const net = setUp()
    net.node().client.checkpoint = () => Promise.reject(new AppError('SDK_RPC_REFUSED', { url: 'ws://node0', method: 'phalanx_getCheckpoint', code: -32601, reason: 'no such method' } as never))
    await net.grow(4_200)
    await net.pass(60_000)
    expect(net.worker().nextBlock).toBe(4_201)
    expect(net.worker().checkpoints).toEqual([])
  })
})
