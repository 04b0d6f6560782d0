/** Fuzz targets of @phalanx/runtime: calls, extrinsics on a chain, chain specifications, runtime API parameters. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { encodeExtrinsic } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { createDevChainSpec, createPhalanxRuntime } from '@phalanx/runtime'
import { codecTarget, sampleSeeds } from './codec-target.ts'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()
const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
const spec = createDevChainSpec({}, { crypto })
const env = { crypto }
const { state, header } = runtime.genesis(runtime.parseChainSpec(spec, { crypto }), env)
const { RuntimeCall } = runtime.parts.enums
const TIME_MS = 1_760_000_000_000n

/** Whatever arrives, a block can be built on, and executing it again gives the same root. */
const extrinsic: FuzzTarget = {
  name: 'runtime.extrinsic',
  seeds: sampleSeeds('runtime.call', RuntimeCall).map((call) => encodeExtrinsic({ call })),
  run(input) {
    const builder = runtime.buildBlock({ state, parent: header, timeMs: TIME_MS, env })
    builder.apply(input)
    const built = builder.finish()
    const again = runtime.executeBlock({ state, parent: header, block: built, env })
    assert(bytesEqual(built.header.stateRoot, again.header.stateRoot), 'a second execution gives the same root')
  },
}

const poolTransaction: FuzzTarget = {
  name: 'runtime.validateTransaction',
  seeds: extrinsic.seeds ?? [],
  run: (input) => void runtime.validateTransaction({ state, parent: header, extrinsic: input, source: 'External', env }),
}

const parseJson = (input: Uint8Array): unknown => {
  try {
    return JSON.parse(parseUtf8(input)) as unknown
  } catch (cause) {
    throw new AppError('CHAIN_SPEC_MALFORMED', { field: 'the top', expected: 'JSON' }, { cause })
  }
}

const chainSpec: FuzzTarget = {
  name: 'runtime.chainSpec',
  seeds: [utf8(JSON.stringify(spec))],
  run: (input) => void runtime.parseChainSpec(parseJson(input), { crypto }),
}

const METHODS = [
  'Core_version', 'Metadata_metadata_at_version', 'AccountNonceApi_account_nonce', 'TransactionPaymentApi_query_info', 'TaggedTransactionQueue_validate_transaction',
  'MqApi_sender_sequence', 'GrandpaApi_grandpa_authorities', 'Nothing_here',
]

const apiCall: FuzzTarget = {
  name: 'runtime.callApi',
  seeds: METHODS.map((_method, i) => Uint8Array.of(i, 0, 0, 0)),
  run(input) {
    const method = METHODS[(input[0] ?? 0) % METHODS.length] as string
    runtime.callApi({ state, at: header, method, params: input.subarray(1), env })
  },
}

/** Fuzz targets of this package. */
export const targets: readonly FuzzTarget[] = [
  codecTarget('runtime.call', RuntimeCall),
  extrinsic,
  poolTransaction,
  chainSpec,
  apiCall,
]
