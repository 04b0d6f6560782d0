import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { silentLogger } from '@phalanx/primitives/ports'
import type { SignedMessage } from '@phalanx/primitives/messages'
import { createSigner } from '@phalanx/sdk'
import { backOffMs } from '@phalanx/sdk/back-off'
import { constantRandom, createFakeClock } from '@phalanx/sdk/testing'
import type { BatchLimits } from './courier.ts'
import { createRelay } from './create-relay.ts'
import { EGRESS_BACK_OFF, EGRESS_REPEAT_MS } from './step.ts'
import { createFakeChain, createFakeNode, createFakeWorker, type Fate } from './testing.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

const RUNS = process.env['PHALANX_LONG'] === '1' ? 2_000 : 60

/** How finely the clock moves. */
const TICK_MS = 500

const turns = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

/** Reasons by which a pool refuses: each is met in its own way. */
const REFUSALS = [
  [1010, 'Invalid Transaction: Transaction would exhaust the block limits'], [1010, 'Invalid Transaction: Transaction is outdated'], [1014, 'Priority is too low'],
  [1013, 'Already imported'], [1010, 'Invalid Transaction: Inability to pay some fees'], [1016, 'Immediately dropped'],
] as const

const network = (counts: readonly number[], limits: BatchLimits, nonce: number) => {
  const clock = createFakeClock(1_000_000)
  const random = constantRandom()
  const chain = createFakeChain()
  const node = createFakeNode(chain, 'ws://node')
  const workers = counts.map((count, i) => {
    const worker = Object.assign(createFakeWorker(`http://worker${i}`, i + 1), { initialized: true, registered: true, anchored: true, state: 'registered', genesis: chain.genesis })
    worker.messages = Array.from({ length: count }, (_, sequence): SignedMessage => ({
      message: { sender: { kind: 'Worker', value: worker.identity }, destination: Uint8Array.of(1), payload: new Uint8Array(i) }, sequence: BigInt(sequence), signature: new Uint8Array(64),
    }))
    return worker
  })
  const signer = createSigner({ suri: new Secret('//Alice') }, { crypto, random })
  chain.nonces.set(toHex(signer.accountId), nonce)
  const relay = createRelay(
    { nodes: ['ws://node'], workers: workers.map(({ client }) => ({ url: client.url })), signer, batchLimits: limits },
    { crypto, clock, random, logger: silentLogger, connectNode: () => node.client, connectWorker: (url) => workers.find(({ client }) => client.url === url)?.client ?? workers[0]!.client },
  )
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += TICK_MS) {
      clock.advance(TICK_MS)
      await turns()
    }
  }
  return { chain, node, workers, relay, pass }
}

/** Everything that goes wrong in one run, and how much there is to carry. */
interface Adversity {
  readonly counts: readonly number[]
  readonly limits: BatchLimits
  /** What becomes of extrinsics that the pool took, then of all others: included. */
  readonly fates: readonly Fate[]
  readonly refusals: readonly (typeof REFUSALS)[number][]
  /** Which messages the chain refuses that it could take. */
  readonly no: readonly boolean[]
  readonly outages: readonly boolean[]
  readonly restarts: readonly number[]
  /** Extrinsics of the account before. */
  readonly nonce: number
}

const ADVERSITIES: fc.Arbitrary<Adversity> = fc.record({
  counts: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 }),
  limits: fc.record({ messages: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 100, max: 3_000 }) }),
  fates: fc.array(fc.constantFrom<Fate>('included', 'unheard', 'dropped', 'vanished'), { maxLength: 12 }),
  refusals: fc.array(fc.constantFrom(...REFUSALS), { maxLength: 5 }),
  no: fc.array(fc.boolean(), { maxLength: 30 }),
  outages: fc.array(fc.boolean(), { maxLength: 4 }),
  restarts: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
  // On either side of every width of a compact number.
  nonce: fc.constantFrom(0, 50, 16_370, (1 << 30) - 10),
})

const TOO_MUCH = REFUSALS[0]

/** Once found: one message in each extrinsic, so many refused that the account's nonce outgrows one byte. */
const FOUND: readonly Adversity[] = [
  { counts: [10, 8, 11], limits: { messages: 1, bytes: 100 }, fates: [], refusals: [TOO_MUCH, TOO_MUCH], no: [true, true], outages: [false], restarts: [0], nonce: 0 },
  { counts: [3, 8, 10, 3], limits: { messages: 1, bytes: 100 }, fates: [], refusals: [TOO_MUCH, TOO_MUCH], no: [true, true, false, true, true, true], outages: [false], restarts: [1], nonce: 0 },
]

/**
 * How long all of it may take at most. Each mishap costs the messages that it befell one rest, the longer the more came before it, and after the
 * rest a look at the worker's messages, which is due at the latest when they would be offered again anyway. No mishap, one look: everything
 * is offered at once, whatever the bounds of an extrinsic. A node that is connected anew, if it was away or not, is unknown for a moment.
 */
const patienceMs = ({ fates, refusals, no, outages, restarts }: Adversity): number => {
  const connections = outages.length + 1
  const mishaps = fates.filter((fate) => fate !== 'included').length + refusals.length + no.filter(Boolean).length + connections + restarts.length
  const restsMs = Array.from({ length: mishaps }, (_, i) => backOffMs(EGRESS_BACK_OFF, { failures: i + 1, fraction: 0 })).reduce((sum, ms) => sum + ms, 0)
  return restsMs + (mishaps + 1) * (EGRESS_REPEAT_MS + TICK_MS)
}

test('any interleaving of failures delivers each message exactly once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(ADVERSITIES, async (adversity) => {
      const { counts, limits, fates, refusals, no, outages, restarts, nonce } = adversity
      const { chain, node, workers, relay, pass } = network(counts, limits, nonce)
      const [nextFates, nextNo] = [[...fates], [...no]]
      chain.fate = () => nextFates.shift() ?? 'included'
      chain.refuses = () => (nextNo.shift() === true ? 'PhalaMq.Whatever' : undefined)
      for (const [rpcCode, reason] of refusals) chain.refusals.push(new AppError('SDK_RPC_REFUSED', { method: 'submit', rpcCode, reason }))
      chain.head = 1
      node.announce()
      await turns()
      for (const isOut of outages) {
        node.setOnline(!isOut)
        await pass(1_000)
      }
      for (const i of restarts) {
        relay.restart(`http://worker${i % workers.length}`)
        await pass(TICK_MS)
      }
      node.setOnline(true)
      const total = counts.reduce((sum, count) => sum + count, 0)
      for (let leftMs = patienceMs(adversity); leftMs > 0 && chain.delivered.length < total; leftMs -= TICK_MS) await pass(TICK_MS)
      counts.forEach((count, i) => {
        const mine = chain.delivered.filter(({ message }) => message.payload.length === i).map(({ sequence }) => Number(sequence))
        expect(mine).toEqual(Array.from({ length: count }, (_, sequence) => sequence))
      })
      // What the relay believes to have delivered, the chain has.
      expect(relay.snapshot().accounts.reduce((sum, { delivered }) => sum + delivered, 0)).toBeLessThanOrEqual(total)
      relay.close()
    }),
    { numRuns: RUNS, examples: FOUND.map((adversity) => [adversity]) },
  )
}, 600_000)
