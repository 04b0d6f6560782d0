/** Execution of blocks without signature checks, and metadata, beside what foreign libraries need for a part of the same work. */
import { metadata as foreignMetadata } from '@polkadot-api/substrate-bindings'
import { GenericExtrinsic, Metadata as PolkadotMetadata, TypeRegistry } from '@polkadot/types'
import { concatBytes } from '@phalanx/primitives/bytes'
import { encodeExtrinsic, type Header } from '@phalanx/primitives/chain'
import { u32 } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { State } from '@phalanx/primitives/trie'
import { createDevChainSpec, createPhalanxRuntime, type BlockOutcome } from '@phalanx/runtime'

const ACCOUNTS = 2000
const PER_BLOCK = 1000
const BLOCKS = 10

interface Figure {
  readonly name: string
  readonly figure: number
  readonly unit: string
  readonly against: string
  readonly ratio: number
}

const accountOf = (index: number): Uint8Array => concatBytes(u32.encode(index + 1), new Uint8Array(28).fill(7))
const ROUNDS = 5
/** Seconds of the fastest of a few rounds: other work on the machine only ever adds. */
const seconds = (work: () => void): number => {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    work()
    best = Math.min(best, (performance.now() - start) / 1000)
  }
  return best
}

/** A chain with many accounts and blocks of transfers, ready to be executed. */
const prepare = async () => {
  const crypto = await loadCrypto()
  const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
  const env = { crypto, verified: () => true }
  const balances = Array.from({ length: ACCOUNTS }, (_, i) => [`0x${Buffer.from(accountOf(i)).toString('hex')}`, (10n ** 16n).toString()])
  const spec = runtime.parseChainSpec(createDevChainSpec({ genesis: { Balances: { balances } } }, { crypto }), { crypto })
  const genesis = runtime.genesis(spec, env)
  const blocks: { readonly state: State; readonly parent: Header; readonly block: BlockOutcome }[] = []
  let { state, header: parent }: { state: State; header: Header } = genesis
  for (let number = 0; number < BLOCKS; number++) {
    const builder = runtime.buildBlock({ state, parent, timeMs: BigInt(1_700_000_000_000 + 1000 * number), env })
    for (let i = 0; i < PER_BLOCK; i++) {
      const from = (number * PER_BLOCK + i) % ACCOUNTS
      const args = { dest: { kind: 'Id', value: accountOf((from * 7 + 1) % ACCOUNTS) }, value: BigInt(1_000_000 + i) }
      const call = runtime.parts.enums.RuntimeCall.encode({ pallet: 'Balances', name: 'transferKeepAlive', args })
      const extra = { era: { kind: 'Immortal' }, nonce: Math.floor((number * PER_BLOCK + i) / ACCOUNTS), tip: 0n } as const
      builder.apply(encodeExtrinsic({ signed: { address: { kind: 'Id', value: accountOf(from) }, signature: { kind: 'Sr25519', value: new Uint8Array(64).fill(1) }, extra }, call }))
    }
    const block = builder.finish()
    blocks.push({ state, parent, block })
    state = block.state
    parent = block.header
  }
  return { runtime, env, blocks }
}

/** Runs the benchmark. */
export const bench = async (): Promise<readonly Figure[]> => {
  const { runtime, env, blocks } = await prepare()
  const execute = (): void => { for (const { state, parent, block } of blocks) runtime.executeBlock({ state, parent, block, env }) }
  const transfers = BLOCKS * PER_BLOCK
  const ours = transfers / seconds(execute)
  const registry = new TypeRegistry()
  registry.setMetadata(new PolkadotMetadata(registry, runtime.metadata(15)))
  const decodeOnly = transfers / seconds(() => {
    for (const { block } of blocks) for (const extrinsic of block.extrinsics) new GenericExtrinsic(registry, extrinsic)
  })
  const bytes = runtime.metadata(15)
  const foreign = foreignMetadata.dec(bytes)
  const build = seconds(() => { createPhalanxRuntime({ stateVersion: 1 }, { crypto: env.crypto }).metadata(15) }) * 1000
  const reencode = seconds(() => { foreignMetadata.enc(foreign) }) * 1000
  return [
    { name: 'transfers executed, state root included, without signature checks', figure: ours, unit: '/s', against: '@polkadot/types only decoding them', ratio: ours / decodeOnly },
    { name: 'runtime assembled and its metadata V15 built', figure: build, unit: 'ms', against: 'substrate-bindings encoding it', ratio: reencode / build },
  ]
}
