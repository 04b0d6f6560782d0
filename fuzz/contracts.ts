/** Fuzz targets of contracts: the reader of WebAssembly modules, whole uploads, inputs of running contracts, events for the worker. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, concatBytes, EMPTY, parseHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { argumentsCodec, SYSTEM_MESSAGES, systemCalls } from '@phalanx/primitives/ink'
import { BUILTIN_SYSTEM_CODE } from '@phalanx/primitives/messages'
import { PinkEvent } from '@phalanx/worker/contracts'
import { ENGINE_RULES, INK_RULES, instrument, readModule } from '@phalanx/worker/engines/wasm'
import { loadBundles } from '../tools/ink-bundles.ts'
import { BOB, ContractBench } from '../packages/worker/src/testing/contracts.ts'
import { wasmModule } from '../packages/worker/src/testing/wasm-module.ts'
import { codecTarget, sampleSeeds } from './codec-target.ts'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()
const small = [
  wasmModule({ functions: [{ body: [] }] }),
  wasmModule({ functions: [{ locals: [[2, 0x7f]], body: [0x03, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, 5, 0x48, 0x0d, 0, 0x0b] }], table: [0, 1], elements: [[0, 0x41, 0, 0x0b, 1, 0]], data: [[0, 0x41, 0, 0x0b, 1, 7]] }),
  wasmModule({ imports: [{ module: 'seal0', name: 'input', type: 4 }], types: [[0x60, 2, 0x7f, 0x7f, 0]], functions: [{ body: [0x41, 0, 0x41, 4, 0x10, 0] }] }),
]
const flipper = loadBundles({ mayFetch: false })?.get('flipper')?.code
const modules = flipper === undefined ? small : [...small, flipper]
const bench = new ContractBench({ crypto })

/** What the reader takes, the instrumentation writes as a module that the reader takes again, with two more exports. */
const reader: FuzzTarget = {
  name: 'contracts.module',
  seeds: modules,
  run(bytes) {
    const layout = readModule(bytes, ENGINE_RULES)
    const written = readModule(instrument(layout, ENGINE_RULES), { ...ENGINE_RULES, codeLengthMax: 2 ** 30, localsMax: 2 ** 16 })
    assert(written.exports.size === layout.exports.size + 2, 'two counters are exported besides')
    assert(written.imports.length === layout.imports.length, 'imports stay')
  },
}

/** An accepted upload runs to some end, within its gas, and leaves no half-done state. */
const upload: FuzzTarget = {
  name: 'contracts.upload',
  seeds: modules,
  run(bytes) {
    readModule(bytes, INK_RULES)
    const fresh = new ContractBench({ crypto })
    fresh.upload(bytes)
    const before = fresh.state.root
    const { result } = fresh.deploy(bytes, EMPTY)
    assert(result.result.ok || bytesEqual(fresh.state.root, before), 'a failure changes nothing')
  },
}

const made = flipper === undefined ? undefined : bench.deploy(flipper, Uint8Array.of(0x9b, 0xae, 0x9d, 0x5e, 1)).result.result
const address = made?.ok === true ? made.value.accountId : undefined

/** Any input of a running contract ends in a result. */
const input: FuzzTarget = {
  name: 'contracts.input',
  seeds: [Uint8Array.of(0x63, 0x3a, 0xa5, 0x51), Uint8Array.of(0x2f, 0x86, 0x5b, 0xd9)],
  run(bytes) {
    if (address !== undefined) bench.call(address, bytes)
  },
}

const systemBench = new ContractBench({ crypto })
const systemMade = systemBench.deploy(BUILTIN_SYSTEM_CODE, systemCalls.construct()).result.result
const system = systemMade.ok ? systemMade.value.accountId : EMPTY
const systemRoot = systemBench.state.root

/** Any input of the system contract, by somebody without rights, ends in an answer, changes nothing and tells the worker nothing. */
const systemInput: FuzzTarget = {
  name: 'contracts.system',
  seeds: Object.values(SYSTEM_MESSAGES).flatMap(({ label, selector, args }) =>
    sampleSeeds(label, argumentsCodec(args), 2).map((encoded) => concatBytes(parseHex(selector), encoded))),
  run(bytes) {
    const { effects } = systemBench.call(system, bytes, { origin: BOB })
    assert(effects.pinkEvents.length + effects.inkEvents.length === 0, 'a stranger has no say')
    assert(bytesEqual(systemBench.state.root, systemRoot), 'a stranger changes nothing')
  },
}

/** Targets of this file. */
export const targets: readonly FuzzTarget[] = [reader, upload, input, systemInput, codecTarget('contracts.PinkEvent', PinkEvent)]
