/** Fuzz targets of the chain's rules: chain specifications, every call as anybody and as root, and blocks built from them. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, parseUtf8, toHex, utf8 } from '@phalanx/primitives/bytes'
import { encodeExtrinsic, type Header } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { suriToSr25519 } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { createTrie } from '@phalanx/primitives/trie'
import { createDevChainSpec, createPhalanxRuntime } from '@phalanx/runtime'
import { codecTarget, sampleSeeds } from './codec-target.ts'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()
const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
const { RuntimeCall } = runtime.parts.enums
const specJson = createDevChainSpec({}, { crypto })
const spec = runtime.parseChainSpec(specJson, { crypto })
const env = { crypto, verified: () => true }
const genesis = runtime.genesis(spec, env)
const alice = suriToSr25519(crypto, '//Alice')
const TIME_MS = 1_800_000_000_000n

const parseSpec: FuzzTarget = {
  name: 'runtime.chainSpec',
  seeds: [utf8(JSON.stringify(specJson)), utf8('{}')],
  run(input) {
    let json: unknown
    try {
      json = JSON.parse(parseUtf8(input))
    } catch (cause) {
      throw new AppError('CODEC_INVALID_UTF8', {}, { cause })
    }
    runtime.genesis(runtime.parseChainSpec(json, { crypto }), env)
  },
}

const signedBy = (call: Uint8Array): Uint8Array =>
  encodeExtrinsic({
    signed: { address: { kind: 'Id', value: alice.publicKey }, signature: { kind: 'Sr25519', value: new Uint8Array(64) }, extra: { era: { kind: 'Immortal' }, nonce: 0, tip: 0n } },
    call,
  })

/** Builds a block with the extrinsic; another party's execution of the same block must come to the same roots. */
const inBlock = (extrinsic: Uint8Array): void => {
  const parent: Header = genesis.header
  const state = createTrie({ crypto, version: 1 }).apply(genesis.changes)
  const builder = runtime.buildBlock({ state, parent, timeMs: TIME_MS, env })
  const outcome = builder.apply(extrinsic)
  const block = builder.finish()
  const again = runtime.executeBlock({ state, parent, block: { header: block.header, extrinsics: block.extrinsics }, env })
  assert(bytesEqual(again.header.stateRoot, block.header.stateRoot), `another root: ${toHex(again.header.stateRoot)}`)
  if (outcome.kind !== 'applied') throw new AppError('TXPOOL_INVALID', { reason: outcome.kind })
}

const callSeeds = sampleSeeds('runtime.call', RuntimeCall, 200).filter((seed) => {
  try {
    return RuntimeCall.encode(RuntimeCall.decode(seed)).length > 0
  } catch {
    return false
  }
})

const asAnybody: FuzzTarget = { name: 'runtime.callAsAnybody', seeds: callSeeds, run: (input) => inBlock(signedBy(input)) }

const asRoot: FuzzTarget = {
  name: 'runtime.callAsRoot',
  seeds: callSeeds,
  run: (input) => inBlock(signedBy(RuntimeCall.encode({ pallet: 'Sudo', name: 'sudo', args: { call: RuntimeCall.decode(input) } }))),
}

const anyExtrinsic: FuzzTarget = {
  name: 'runtime.anyExtrinsic',
  seeds: callSeeds.map(signedBy),
  run: inBlock,
}

const apiParams: FuzzTarget = {
  name: 'runtime.apiParameters',
  seeds: [alice.publicKey, Uint8Array.of(0), ...callSeeds.slice(0, 10)],
  run(input) {
    const methods = ['AccountNonceApi_account_nonce', 'TransactionPaymentApi_query_info', 'Metadata_metadata_at_version', 'TaggedTransactionQueue_validate_transaction', 'BlockBuilder_apply_extrinsic', 'Core_execute_block']
    const method = methods[(input[0] ?? 0) % methods.length] ?? ''
    runtime.callApi({ state: genesis.state, at: genesis.header, method, params: input.subarray(1), env })
  },
}

/** What `npm run fuzz` and fuzz.test.ts run. */
export const targets: readonly FuzzTarget[] = [codecTarget('runtime.call', RuntimeCall, callSeeds.slice(0, 20)), parseSpec, asAnybody, asRoot, anyExtrinsic, apiParams]
