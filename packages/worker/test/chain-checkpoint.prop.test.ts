/** A worker that begins at a checkpoint of a real chain stands where one stands that has followed every block. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { WorkerEvent } from '@phalanx/primitives/messages'
import { assertLive, comparableState, createTestCore, encodeCheckpoint, replayFromGenesis, startWithIdentity, step } from '@phalanx/worker/testing'
import { createRealChain, type Deed } from './real-chain.ts'

const isLong = process.env['PHALANX_LONG'] === '1'
const crypto = await loadCrypto()
const core = createTestCore(crypto)

const event: fc.Arbitrary<WorkerEvent> = fc.oneof(
  fc.record({ kind: fc.constant('Registered' as const), value: fc.record({ confidenceLevel: fc.integer({ min: 1, max: 5 }) }) }),
  fc.record({ kind: fc.constant('BenchStart' as const), value: fc.record({ duration: fc.integer({ min: 0, max: 4 }) }) }),
  fc.record({ kind: fc.constant('BenchScore' as const), value: fc.integer({ min: 0, max: 6000 }) }),
  fc.record({ kind: fc.constant('Started' as const), value: fc.record({ sessionId: fc.integer({ min: 0, max: 3 }), initV: fc.constant(1n), initP: fc.constant(1) }) }),
  fc.constantFrom<WorkerEvent>({ kind: 'Stopped' }, { kind: 'EnterUnresponsive' }, { kind: 'ExitUnresponsive' }),
)
const small = fc.integer({ min: 0, max: 4 })
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('tell' as const), event }) },
  fc.record({ kind: fc.constant('tellOther' as const), event }),
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'register' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('announce' as const), by: small }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('report' as const), iterations: small }) },
  fc.record({ kind: fc.constant('allow' as const), measurement: small }),
  fc.record({ kind: fc.constant('dismiss' as const), measurement: small }),
  fc.record({ kind: fc.constant('minimum' as const), patch: small }),
  fc.record({ kind: fc.constant('consensus' as const), version: small }),
  fc.record({ kind: fc.constant('systemCode' as const), byte: small }),
  fc.record({ kind: fc.constant('contractRuntime' as const), minor: small }),
  fc.record({ kind: fc.constant('clusterGrace' as const), blocks: small }),
  fc.record({ kind: fc.constant('handOver' as const), weight: fc.integer({ min: 1, max: 9 }) }),
)
const history = fc.array(fc.array(deed, { maxLength: 3 }), { minLength: 1, maxLength: isLong ? 300 : 24 })

const entropy = new Uint8Array(32)

test('a checkpoint leaves a worker where every block since genesis would have left it', async () => {
  const once = async (blocks: readonly (readonly Deed[])[], skipFrom: number): Promise<void> => {
    const chain = await createRealChain(crypto)
    const { genesisInfo, genesisHash, identity } = chain
    const own = (): typeof identity => ({ publicKey: identity.publicKey, secret: identity.secret })
    for (const deeds of blocks) await chain.seal(deeds)
    const height = chain.height()
    const checkpoint = await chain.checkpoint(identity.publicKey)
    const begun = step(core, startWithIdentity(core, own(), genesisHash), { kind: 'init', value: { genesis: genesisInfo, checkpoint, operator: undefined, entropy } })
    const replayed = replayFromGenesis(core, { genesisInfo, genesisHash, blocks: await chain.blocks(height) }, own())
    const expected = comparableState(encodeCheckpoint(replayed))
    expect(comparableState(encodeCheckpoint(assertLive(begun.state)))).toEqual(expected)
    // A worker that stopped on the way and skips the rest knows the same of the chain; what it has said meanwhile stays its own.
    const from = 1 + (skipFrom % height)
    const behind = replayFromGenesis(core, { genesisInfo, genesisHash, blocks: await chain.blocks(from) }, own())
    if (from === height) return
    const skipped = assertLive(step(core, behind, { kind: 'skipTo', value: { checkpoint, entropy } }).state)
    expect([skipped.follow, skipped.clusters]).toEqual([replayed.follow, replayed.clusters])
    const { announcedAt: _a, bench: _b, session: _s, ...said } = skipped.system
    expect(said).toEqual((({ announcedAt: _a, bench: _b, session: _s, ...rest }) => rest)(replayed.system))
  }
  await fc.assert(fc.asyncProperty(history, fc.nat(1000), once), { numRuns: isLong ? 60 : 8 })
}, 600_000)
