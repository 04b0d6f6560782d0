/** Figures of contracts: calls per second of a small message and of a loop, counted, against the same modules without counting; deploy time. */
import { performance } from 'node:perf_hooks'
import { concatBytes, EMPTY, parseHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { ContractBench } from '../packages/worker/src/testing/contracts.ts'
import { wasmModule } from '../packages/worker/src/testing/wasm-module.ts'
import { loadBundles } from '../tools/ink-bundles.ts'
import { callsPerSecond, type CallCase } from './contract-calls.ts'
import type { Figure } from './goals.ts'

const CALLS = 1_000
const LOOP_CALLS = 40

/** Counts down from 1,000,000 with a multiplication in each round. */
const LOOP = wasmModule({
  functions: [
    { body: [] },
    {
      locals: [[2, 0x7f]],
      body: [0x41, 0xc0, 0x84, 0x3d, 0x21, 0, 0x03, 0x40, 0x20, 1, 0x41, 3, 0x6c, 0x20, 0, 0x6a, 0x21, 1, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],
    },
  ],
  exports: { deploy: 0, call: 1 },
})

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const compare = (name: string, each: CallCase): Figure => {
    const [plain, counted] = callsPerSecond([new ContractBench({ crypto, isMetered: false }), new ContractBench({ crypto })], each) as [number, number]
    return { name: `contracts: ${name}`, figure: counted, unit: 'calls/s', against: 'the same without gas and stack counting', ratio: counted / plain }
  }
  const loop = compare('WebAssembly, a loop of a million rounds', { code: LOOP, constructorInput: EMPTY, input: EMPTY, calls: LOOP_CALLS })
  const bundles = loadBundles()
  const flipper = bundles?.get('flipper')
  const token = bundles?.get('psp22_emitable')
  if (flipper === undefined || token === undefined) return [loop]
  const text = (value: string): Uint8Array => concatBytes(Uint8Array.of(value.length << 2), utf8(value))
  const selector = (bundle: typeof flipper, label: string): Uint8Array => parseHex([...bundle.messages, ...bundle.constructors].find((each) => each.label === label)?.selector ?? '')
  const deployed = new ContractBench({ crypto })
  const started = performance.now()
  deployed.deploy(token.code, concatBytes(selector(token, 'new'), text('Token'), text('TKN'), Uint8Array.of(6)))
  const deployMs = performance.now() - started
  return [
    loop,
    compare('WebAssembly, flipper flip', { code: flipper.code, constructorInput: concatBytes(selector(flipper, 'new'), Uint8Array.of(1)), input: selector(flipper, 'flip'), calls: CALLS }),
    compare('WebAssembly, PSP22 approve', {
      code: token.code, constructorInput: concatBytes(selector(token, 'new'), text('Token'), text('TKN'), Uint8Array.of(6)),
      input: concatBytes(selector(token, 'PSP22::approve'), new Uint8Array(32).fill(7), new Uint8Array(16).fill(1)), calls: CALLS,
    }),
    { name: 'contracts: check, upload and instantiate PSP22', figure: deployMs, unit: 'ms', against: 'nothing', ratio: 1 },
  ]
}
