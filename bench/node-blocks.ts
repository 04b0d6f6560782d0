/** Owns the material of the node's benchmarks: a chain spec with many endowed accounts, signed transfers, and blocks made of them. */
import { AdditionalSigned, encodeExtrinsic, headerHash, signingPayload, SignedExtra, type Header } from '@phalanx/primitives/chain'
import { encodeSs58, suriToEd25519Seed } from '@phalanx/primitives/crypto'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { createTrie } from '@phalanx/primitives/trie'
import { createDevChainSpec, createPhalanxRuntime, type AssembledRuntime, type ChainSpec } from '@phalanx/runtime'
import { createAttestation, joinAttestations, readAuthorities } from '../packages/node/src/engine/finality.ts'
import type { ForeignBlock } from '@phalanx/node'

const STATE_VERSION = 1
const SS58_PREFIX = 30
const ENDOWMENT = 10n ** 18n
const AMOUNT = 10n ** 12n

/** A chain to measure on. */
export interface BenchChain {
  readonly runtime: AssembledRuntime
  readonly spec: ChainSpec
  readonly pairs: readonly Sr25519Pair[]
  readonly genesisHash: Uint8Array
}

/** A development chain with `accounts` endowed accounts. */
export const createBenchChain = (crypto: Crypto, accounts: number): BenchChain => {
  const runtime = createPhalanxRuntime({ stateVersion: STATE_VERSION }, { crypto })
  const pairs = Array.from({ length: accounts }, (_, i) => crypto.sr25519.pairFromSeed(crypto.blake2b256(Uint8Array.of(i & 255, i >> 8, 7))))
  const balances = pairs.map(({ publicKey }) => [encodeSs58(crypto, { prefix: SS58_PREFIX, payload: publicKey }), ENDOWMENT.toString()])
  const spec = runtime.parseChainSpec(createDevChainSpec({ genesis: { Balances: { balances } } }, { crypto }), { crypto })
  const genesisHash = headerHash(crypto, runtime.genesis(spec, { crypto }).header)
  return { runtime, spec, pairs, genesisHash }
}

/** `count` signed transfers, the accounts taking turns, nonces in order. */
export const signTransfers = (crypto: Crypto, chain: BenchChain, count: number): readonly Uint8Array[] => {
  const { runtime, pairs, genesisHash } = chain
  const { specVersion, transactionVersion } = runtime.version
  const additional: AdditionalSigned = { specVersion, transactionVersion, genesisHash, eraHash: genesisHash }
  return Array.from({ length: count }, (_, i) => {
    const from = pairs[i % pairs.length] as Sr25519Pair
    const to = pairs[(i * 7 + 1) % pairs.length] as Sr25519Pair
    const call = runtime.parts.services.RuntimeCall.encode({
      pallet: 'Balances', name: 'transferKeepAlive', args: { dest: { kind: 'Id', value: to.publicKey }, value: AMOUNT },
    })
    const extra: SignedExtra = { era: { kind: 'Immortal' }, nonce: Math.floor(i / pairs.length), tip: 0n }
    const payload = signingPayload(crypto, { call, extraBytes: SignedExtra.encode(extra), additional })
    const signature = crypto.sr25519.sign(from.secret, payload, crypto.blake2b256(payload))
    return encodeExtrinsic({ signed: { address: { kind: 'Id', value: from.publicKey }, signature: { kind: 'Sr25519', value: signature }, extra }, call })
  })
}

/** Finalised blocks of `perBlock` transfers each. */
export const buildBlocks = (crypto: Crypto, chain: BenchChain, transfers: readonly Uint8Array[], perBlock: number): readonly ForeignBlock[] => {
  const { runtime, spec } = chain
  const env = { crypto, verified: () => true }
  const seed = suriToEd25519Seed(crypto, '//Alice')
  const genesis = runtime.genesis(spec, env)
  let state = createTrie({ crypto, version: STATE_VERSION }).apply(genesis.changes) as ReturnType<AssembledRuntime['genesis']>['state']
  let parent: Header = genesis.header
  const authorities = readAuthorities(runtime, { state, header: parent }, env)
  const blocks: ForeignBlock[] = []
  for (let at = 0; at < transfers.length; at += perBlock) {
    const builder = runtime.buildBlock({ state, parent, timeMs: 1_700_000_000_000n + BigInt(at), env })
    for (const transfer of transfers.slice(at, at + perBlock)) {
      const outcome = builder.apply(transfer)
      if (outcome.kind !== 'applied' || !outcome.ok) throw new RangeError(`transfer refused: ${JSON.stringify(outcome, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`)
    }
    const { header, extrinsics, state: after } = builder.finish()
    const target = { hash: headerHash(crypto, header), number: header.number }
    const attestation = createAttestation(crypto, { seed, authorities, target }) as Uint8Array
    blocks.push({ header, extrinsics, justification: joinAttestations(target, [attestation]) })
    parent = header
    state = after
  }
  return blocks
}
