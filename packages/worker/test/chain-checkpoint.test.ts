/** Beginning at a checkpoint of the chain: what is believed, every way to lie, and what the build trusts by itself. */
import { beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '@phalanx/primitives/testing'
import { concatBytes } from '@phalanx/primitives/bytes'
import { AuthoritySet, CHECKPOINT_BYTES_MAX, ChainCheckpoint, FollowedBlocks, headerHash, type Header } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import {
  assertLive, authoritiesHash, createTestCore, encodeCheckpoint, justifyBlock, replayFromGenesis, startWithIdentity, step, type Core, type LiveState, type TrustedAnchor,
} from '@phalanx/worker/testing'
import { createRealChain, type RealChain } from './real-chain.ts'

const crypto = await loadCrypto()
const core = createTestCore(crypto)
const entropy = new Uint8Array(32)
const thief = crypto.blake2b256(new Uint8Array(1))

let chain: RealChain
/** At block 9; finality was handed over in blocks 3 and 6. */
let honest: ChainCheckpoint
let headers: readonly Header[]

beforeAll(async () => {
  chain = await createRealChain(crypto)
  await chain.seal([{ kind: 'register' }])
  await chain.seal([{ kind: 'handOver', weight: 2 }])
  await chain.seal([{ kind: 'announce', by: 1 }])
  await chain.seal()
  await chain.seal([{ kind: 'handOver', weight: 3 }])
  for (let i = 0; i < 3; i++) await chain.seal([{ kind: 'minimum', patch: i }])
  honest = ChainCheckpoint.decode(await chain.checkpoint(chain.identity.publicKey))
  headers = FollowedBlocks.decode(await chain.blocks(9)).map(({ header }) => header)
})

const own = () => ({ publicKey: chain.identity.publicKey, secret: chain.identity.secret })
const beginEncoded = (checkpoint: Uint8Array, by: Core = core): LiveState =>
  assertLive(step(by, startWithIdentity(by, own(), chain.genesisHash), { kind: 'init', value: { genesis: chain.genesisInfo, checkpoint, operator: undefined, entropy } }).state)
const begin = (change: Partial<ChainCheckpoint> = {}, by: Core = core): LiveState => beginEncoded(ChainCheckpoint.encode({ ...honest, ...change }), by)
const skip = (state: LiveState, change: Partial<ChainCheckpoint> = {}): LiveState =>
  assertLive(step(core, state, { kind: 'skipTo', value: { checkpoint: ChainCheckpoint.encode({ ...honest, ...change }), entropy } }).state)
const followTo = async (to: number): Promise<LiveState> => replayFromGenesis(core, { ...chain, blocks: await chain.blocks(to) }, own())

const justify = (header: Header, setId: bigint, seed: Uint8Array): Uint8Array =>
  justifyBlock(crypto, { hash: headerHash(crypto, header), number: header.number }, { seeds: [seed], setId })
const withHop = (at: number, change: Partial<ChainCheckpoint['hops'][number]>): Partial<ChainCheckpoint> =>
  ({ hops: honest.hops.map((hop, i) => (i === at ? { ...hop, ...change } : hop)) })

describe('a worker that begins at a checkpoint', () => {
  test('knows what the chain knows, serves nothing under it, and follows on from there', async () => {
    const state = begin()
    expect([honest.hops.length, state.follow.head.number, state.follow.authorities.id, state.follow.authoritiesSince]).toEqual([2, 9, 2n, 7])
    expect([state.system.registration, state.system.anchor?.epoch, state.system.minimumVersion]).toEqual([{ confidenceLevel: 128, block: 2 }, 1n, [0, 0, 2]])
    // The chain's key is one of an earlier start: only an announcement of the fresh one, final above the checkpoint, lets it serve.
    expect(state.keys.ecdh.publicKey).not.toEqual(state.system.anchor?.ecdhPubkey)
    expect(state.egress[0]?.[1].messages).toHaveLength(1)
    await chain.seal()
    const next = FollowedBlocks.encode(FollowedBlocks.decode(await chain.blocks(10)).slice(9))
    const fed = step(core, state, { kind: 'feed', value: { blocks: next, genesisHash: undefined, iterations: 0n, entropy } }).state
    expect(assertLive(fed).follow.head.number).toBe(10)
  })

  test('may be nobody yet: then the view names no worker', async () => {
    const checkpoint = await chain.checkpoint(undefined, 9)
    const { state } = step(core, { kind: 'empty', sealed: undefined }, { kind: 'init', value: { genesis: chain.genesisInfo, checkpoint, operator: undefined, entropy } })
    expect([assertLive(state).system.registration, assertLive(state).egress]).toEqual([undefined, []])
  })

  test('may be unknown to the chain: absence is proven', async () => {
    const stranger = { ...own(), publicKey: crypto.sr25519.pairFromSeed(thief).publicKey }
    const checkpoint = await chain.checkpoint(stranger.publicKey, 9)
    const { state } = step(core, startWithIdentity(core, stranger, chain.genesisHash), { kind: 'init', value: { genesis: chain.genesisInfo, checkpoint, operator: undefined, entropy } })
    expect(assertLive(state).system.registration).toBeUndefined()
  })

  test('may have followed for a while: it keeps its keys and what it still has to say', async () => {
    const behind = await followTo(4)
    const state = skip(behind)
    expect([state.follow.head.number, state.keys.ecdh]).toEqual([9, behind.keys.ecdh])
    expect(state.follow.recent).toEqual(begin().follow.recent)
  })
})

describe('a checkpoint is refused', () => {
  const otherState = async (): Promise<Partial<ChainCheckpoint>> => ({ proof: ChainCheckpoint.decode(await chain.checkpoint(chain.identity.publicKey, 8)).proof })
  const lies: readonly (readonly [name: string, lie: () => Partial<ChainCheckpoint> | Promise<Partial<ChainCheckpoint>>, code: string])[] = [
    ['that names another genesis', () => ({ genesisHash: thief }), 'LIGHT_GENESIS_MISMATCH'],
    ['whose header was altered', () => ({ header: { ...honest.header, stateRoot: thief } }), 'JUSTIFICATION_INVALID'],
    ['that strangers made final', () => ({ justification: justify(honest.header, 2n, thief) }), 'JUSTIFICATION_INVALID'],
    ['that an earlier set made final', () => ({ justification: justify(honest.header, 1n, chain.authoritySeed) }), 'JUSTIFICATION_INVALID'],
    ['whose finality proof is of another block', () => ({ justification: justify(headers[7] as Header, 2n, chain.authoritySeed) }), 'JUSTIFICATION_INVALID'],
    ['that hides a hand-over', () => ({ hops: honest.hops.slice(0, 1) }), 'JUSTIFICATION_INVALID'],
    ['that begins with a later hand-over', () => ({ hops: honest.hops.slice(1) }), 'JUSTIFICATION_INVALID'],
    ['whose hand-over strangers made final', () => withHop(1, { justification: justify((honest.hops[1] as { header: Header }).header, 1n, thief) }), 'JUSTIFICATION_INVALID'],
    ['whose hand-overs are in disorder', () => ({ hops: [...honest.hops].reverse() }), 'LIGHT_CHECKPOINT_HOP'],
    ['whose hand-over hands over nothing', () => withHop(1, { header: headers[6] as Header }), 'LIGHT_CHECKPOINT_HOP'],
    ['whose hand-over lies above it', () => ({ ...withHop(1, { header: { ...(headers[5] as Header), number: 9 } }) }), 'LIGHT_CHECKPOINT_HOP'],
    ['that states another set', () => ({ authorities: { ...honest.authorities, list: [[thief, 1n] as const] } }), 'LIGHT_CHECKPOINT_SET'],
    ['that states another set number', () => ({ authorities: { ...honest.authorities, id: 1n } }), 'LIGHT_CHECKPOINT_SET'],
    ['whose proof is of an older state', otherState, 'LIGHT_CHECKPOINT_PROOF'],
    ['whose proof lacks a part', () => ({ proof: honest.proof.slice(0, -1) }), 'LIGHT_CHECKPOINT_PROOF'],
    ['whose proof holds more than it proves', () => ({ proof: [...honest.proof, Uint8Array.of(1, 2, 3)] }), 'LIGHT_CHECKPOINT_PROOF'],
    ['that lacks an ancestor', () => ({ ancestors: honest.ancestors.slice(0, -1) }), 'LIGHT_CHECKPOINT_ANCESTORS'],
    ['with an altered ancestor', () => ({ ancestors: honest.ancestors.map((header, i) => (i === 4 ? { ...header, extrinsicsRoot: thief } : header)) }), 'LIGHT_CHECKPOINT_ANCESTORS'],
    ['for another worker', () => ({ worker: thief }), 'LIGHT_CHECKPOINT_WORKER'],
    ['for no worker, from one that has an identity', () => ({ worker: undefined }), 'LIGHT_CHECKPOINT_WORKER'],
    ['of another format', () => ({ version: 2 }), 'CHECKPOINT_VERSION_UNSUPPORTED'],
  ]
  test.each(lies)('%s', async (_name, lie, code) => {
    const change = await lie()
    expect(codeOf(() => begin(change))).toBe(code)
    const behind = await followTo(1)
    const before = encodeCheckpoint(behind)
    expect(codeOf(() => skip(behind, change))).toBe(code)
    expect(encodeCheckpoint(behind)).toEqual(before)
  })

  test('of another chain with the same authorities', async () => {
    const other = await createRealChain(crypto, 5)
    for (let i = 0; i < 2; i++) await other.seal()
    const theirs = await other.checkpoint(chain.identity.publicKey)
    expect(codeOf(() => beginEncoded(theirs))).toBe('LIGHT_GENESIS_MISMATCH')
    expect(codeOf(() => beginEncoded(ChainCheckpoint.encode({ ...ChainCheckpoint.decode(theirs), genesisHash: chain.genesisHash })))).toBe('LIGHT_GENESIS_MISMATCH')
  })

  test('that is not above what the worker knows', async () => {
    const state = await followTo(9)
    expect(codeOf(() => skip(state))).toBe('LIGHT_CHECKPOINT_OLD')
    const older = ChainCheckpoint.decode(await chain.checkpoint(chain.identity.publicKey, 8))
    expect(codeOf(() => skip(state, older))).toBe('LIGHT_CHECKPOINT_OLD')
  })

  test('wherever one bit of it is turned', () => {
    const encoded = ChainCheckpoint.encode(honest)
    for (let at = 0; at < encoded.length; at += 53) {
      const altered = encoded.slice()
      altered[at] = (altered[at] as number) ^ (1 << (at % 8))
      expect(codeOf(() => beginEncoded(altered)), `byte ${at}`).toMatch(/^[A-Z]+_/)
    }
    expect(codeOf(() => beginEncoded(concatBytes(encoded, Uint8Array.of(0))))).toBe('CODEC_TRAILING_BYTES')
    expect(codeOf(() => beginEncoded(new Uint8Array(CHECKPOINT_BYTES_MAX + 1)))).toBe('CHECKPOINT_TOO_LARGE')
  })

  test('by a worker that has stopped for good, or that InitRuntime comes too late for', async () => {
    const state = await followTo(2)
    expect(codeOf(() => skip({ ...state, halted: 'two histories' }))).toBe('WORKER_HALTED')
    const again = { kind: 'init', value: { genesis: chain.genesisInfo, checkpoint: ChainCheckpoint.encode(honest), operator: undefined, entropy } } as const
    expect(codeOf(() => step(core, state, again))).toBe('WORKER_ALREADY_INITIALIZED')
  })
})

describe('a build that trusts a block', () => {
  const anchorAt = (number: number, setId: bigint, weight: bigint): TrustedAnchor => ({
    genesisHash: chain.genesisHash, number, hash: headerHash(crypto, headers[number - 1] as Header), setId,
    authoritiesHash: authoritiesHash(crypto, { id: setId, list: [[crypto.ed25519.publicKey(chain.authoritySeed), weight]] }),
  })
  const trusting = (...anchors: readonly TrustedAnchor[]): Core => createTestCore(crypto, { anchors })

  test('needs no proof of hand-overs before its set, and all after it', () => {
    const stolen = withHop(0, { justification: justify((honest.hops[0] as { header: Header }).header, 0n, thief) })
    expect(codeOf(() => begin(stolen))).toBe('JUSTIFICATION_INVALID')
    expect(begin(stolen, trusting(anchorAt(4, 1n, 2n))).follow.head.number).toBe(9)
    const later = withHop(1, { justification: justify((honest.hops[1] as { header: Header }).header, 1n, thief) })
    expect(codeOf(() => begin(later, trusting(anchorAt(4, 1n, 2n))))).toBe('JUSTIFICATION_INVALID')
  })

  test('begins at the trusted block itself', async () => {
    const checkpoint = await chain.checkpoint(chain.identity.publicKey, 6)
    expect(beginEncoded(checkpoint, trusting(anchorAt(6, 2n, 3n))).follow.authorities.id).toBe(2n)
    expect(codeOf(() => beginEncoded(checkpoint, trusting({ ...anchorAt(6, 2n, 3n), hash: thief })))).toBe('LIGHT_ANCHOR_MISMATCH')
  })

  test('refuses other sets, other hashes, earlier blocks and other chains', async () => {
    expect(codeOf(() => begin({}, trusting(anchorAt(4, 1n, 9n))))).toBe('LIGHT_ANCHOR_MISMATCH')
    expect(codeOf(() => begin({}, trusting({ ...anchorAt(7, 2n, 3n), hash: thief })))).toBe('LIGHT_ANCHOR_MISMATCH')
    expect(codeOf(() => begin({}, trusting({ ...anchorAt(7, 2n, 3n), number: 10 })))).toBe('LIGHT_CHECKPOINT_OLD')
    expect(codeOf(() => begin({}, trusting({ ...anchorAt(7, 5n, 3n) })))).toBe('LIGHT_CHECKPOINT_HOP')
    expect(codeOf(() => begin({}, trusting({ ...anchorAt(7, 2n, 3n), genesisHash: thief })))).toBe('LIGHT_ANCHOR_OTHER_CHAIN')
  })

  test('does not follow another history past it, and serves nothing before it', async () => {
    const build = trusting({ ...anchorAt(5, 1n, 2n), hash: thief })
    const blocks = await chain.blocks(9)
    expect(codeOf(() => replayFromGenesis(build, { ...chain, blocks }, own()))).toBe('LIGHT_ANCHOR_MISMATCH')
    expect(replayFromGenesis(build, { ...chain, blocks: await chain.blocks(4) }, own()).follow.head.number).toBe(4)
    expect(replayFromGenesis(trusting(anchorAt(5, 1n, 2n)), { ...chain, blocks }, own()).follow.head.number).toBe(9)
  })
})

test('the sets of the checkpoint used here are the ones described', () => {
  expect(AuthoritySet.encode(honest.authorities)).toEqual(AuthoritySet.encode({ id: 2n, list: [[crypto.ed25519.publicKey(chain.authoritySeed), 3n]] }))
})
