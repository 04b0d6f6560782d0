/** Owns a contract for tests that does nothing but call a function of the chain extension, whichever its input names. */
import { leb, wasmModule } from './wasm-module.ts'

const I32 = 0x7f
const PAIR_TYPE = [0x60, 2, I32, I32, 0]
const EXTENSION_TYPE = [0x60, 5, I32, I32, I32, I32, I32, 1, I32]
/** Types of the module: those that every test module has come first. */
const [RETURN, PAIR, EXTENSION] = [3, 4, 5]

/** `i32.const` of a number that is not negative. */
const i32 = (value: number): number[] => [0x41, ...(leb(value).at(-1) as number >= 0x40 ? [...leb(value).slice(0, -1), (leb(value).at(-1) as number) | 0x80, 0] : leb(value))]
const load = (at: number): number[] => [...i32(at), 0x28, 2, 0]
const store = (at: number, value: readonly number[]): number[] => [...i32(at), ...value, 0x36, 2, 0]

/** Hands its input (function number u32, arguments) to the chain extension and returns status u32, length u32, output. */
export const extensionCaller = wasmModule({
  types: [PAIR_TYPE, EXTENSION_TYPE],
  imports: [{ module: 'seal0', name: 'input', type: PAIR }, { module: 'seal0', name: 'call_chain_extension', type: EXTENSION }, { module: 'seal0', name: 'seal_return', type: RETURN }],
  functions: [
    { body: [] },
    {
      body: [
        ...store(1020, i32(2048)), ...i32(1024), ...i32(1020), 0x10, 0, ...store(4092, i32(4096)),
        ...store(4088, [...load(1024), ...i32(1028), ...load(1020), ...i32(4), 0x6b, ...i32(4096), ...i32(4092), 0x10, 1]),
        ...i32(0), ...i32(4088), ...load(4092), ...i32(8), 0x6a, 0x10, 2,
      ],
    },
  ],
  exports: { deploy: 0, call: 1 },
})
