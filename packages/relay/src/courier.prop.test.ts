import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { silentLogger } from '@phalanx/primitives/ports'
import type { SignedMessage } from '@phalanx/primitives/messages'
import { createSigner } from '@phalanx/sdk'
import { constantRandom, createFakeClock } from '@phalanx/sdk/testing'
import { createRelay } from './create-relay.ts'
import { createFakeChain, createFakeNode, createFakeWorker, type Fate } from './testing.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

const RUNS = process.env['PHALANX_LONG'] === '1' ? 2_000 : 60

const turns = async (): Promise<void> => {
  for (let i = 0; i < 40; i++) await Promise.resolve()
}

/** Reasons by which a pool refuses: each is met in its own way. */
const REFUSALS = [
  [1010, 'Invalid Transaction: Transaction would exhaust the block limits'], [1010, 'Invalid Transaction: Transaction is outdated'], [1014, 'Priority is too low'],
  [1013, 'Already imported'], [1010, 'Invalid Transaction: Inability to pay some fees'], [1016, 'Immediately dropped'],
] as const

const network = (counts: readonly number[], limits: { readonly messages: number; readonly bytes: number }) => {
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
  const relay = createRelay(
    { nodes: ['ws://node'], workers: workers.map(({ client }) => ({ url: client.url })), signer, batchLimits: limits },
    { crypto, clock, random, logger: silentLogger, connectNode: () => node.client, connectWorker: (url) => workers.find(({ client }) => client.url === url)?.client ?? workers[0]!.client },
  )
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 500) {
      clock.advance(500)
      await turns()
    }
  }
  return { chain, node, workers, relay, pass }
}

test('any interleaving of failures delivers each message exactly once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        counts: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 }),
        limits: fc.record({ messages: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 100, max: 3_000 }) }),
        fates: fc.array(fc.constantFrom<Fate>('included', 'unheard', 'dropped', 'vanished'), { maxLength: 12 }),
        refusals: fc.array(fc.constantFrom(...REFUSALS), { maxLength: 5 }),
        no: fc.array(fc.boolean(), { maxLength: 30 }),
        outages: fc.array(fc.boolean(), { maxLength: 4 }),
        restarts: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
      }),
      async ({ counts, limits, fates, refusals, no, outages, restarts }) => {
        const { chain, node, workers, relay, pass } = network(counts, limits)
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
          await pass(500)
        }
        node.setOnline(true)
        // Longer than all back-offs together: eight refusals of one message in a row wait some two minutes.
        for (let round = 0; round < 20 && chain.delivered.length < counts.reduce((sum, count) => sum + count, 0); round++) await pass(30_000)
        counts.forEach((count, i) => {
          const mine = chain.delivered.filter(({ message }) => message.payload.length === i).map(({ sequence }) => Number(sequence))
          expect(mine).toEqual(Array.from({ length: count }, (_, sequence) => sequence))
        })
        relay.close()
      },
    ),
    { numRuns: RUNS },
  )
}, 600_000)
