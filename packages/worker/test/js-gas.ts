/** Owns scripts whose ends and gas must be equal everywhere. Run as a program it prints them as JSON. */
import { argv } from 'node:process'
import { EMPTY } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { loadQuickJs } from '../src/engines/quickjs/index.ts'
import { addressOf, type ContractBench } from '../src/testing/contracts.ts'
import { jsBench, jsContract, jsEndOf } from '../src/testing/js-contracts.ts'
import { wasmModule } from '../src/testing/wasm-module.ts'

/** Bodies of contracts: ordinary ones, those that use floats, and those that stop at a limit. */
const BODIES: readonly string[] = [
  'return input',
  'let sum = 0; for (let i = 0; i < 20000; i++) sum += i % 7; return text(sum)',
  'let x = 0.5; for (let i = 0; i < 3000; i++) x = Math.sin(x) * 3.7 + Math.sqrt(Math.abs(x)) / (0 / 0 || 1.1); return text(x)',
  'const all = []; for (let i = 0; i < 400; i++) all.push({ i, text: "n" + Math.random() }); all.sort((a, b) => a.text < b.text ? -1 : 1); return text(JSON.stringify(all).length)',
  'for (let i = 0; i < 30; i++) host.setStorage(text("key" + i), new Uint8Array(i * 100)); return text(host.getStorage(text("key29")).length)',
  'return text("a-b-c".replace(/-/g, "+") + new Date(host.nowMs === 7000n ? 1e12 : 0).toISOString() + (2n ** 500n) % 999983n)',
  'const m = new Map(); for (let i = 0; i < 2000; i++) m.set("k" + (i % 97), { m }); return text(m.size)',
  'return (async () => { let n = 0; for (let i = 0; i < 200; i++) n += await i; return text(n) })()',
  'const f = () => f() + 1; return f()',
  'const f = () => [1].map(f); return f()',
  'for (;;) {}',
  'const all = []; for (;;) all.push(new Uint8Array(100000))',
  'throw new TypeError("end")',
]

/** Calls itself with all the stack it may have at a call, until it is in the sixth frame, which uses up what one frame has. */
const NESTED = `
const depth = input.length
const deep = () => deep() + 1
const down = (left) => {
  if (left > 0) return down(left - 1)
  return host.call({ callee: host.address, value: 0n, input: new Uint8Array(depth + 1), allowReentry: true })
}
if (depth === 5) return deep()
for (let left = 62; ; left--) {
  const done = down(left)
  return text(done.ok ? new TextDecoder().decode(done.data) : done.error + ' in frame ' + (depth + 1))
}`

const [I32, I64] = [0x7f, 0x7e]
const signed = (value: number): readonly number[] => (value < 64 ? [0x41, value] : [0x41, (value & 0x7f) | 0x80, value >> 7])

/** An ink! contract that recurses `depth` times, with `width` parameters besides its counter, and calls another contract then. */
const inkCaller = (callee: Uint8Array, { depth, width }: { readonly depth: number; readonly width: number }): Uint8Array => {
  const rest = Array.from({ length: width }, (_, i) => [0x20, i + 1]).flat()
  const call = [...signed(8), ...signed(32), 0x42, 0, ...signed(0), ...signed(0), ...signed(0), 0x41, 0x7f, ...signed(0), 0x10, 0, 0x1a]
  return wasmModule({
    types: [[0x60, 8, I32, I32, I64, I32, I32, I32, I32, I32, 1, I32], [0x60, width + 1, ...new Array<number>(width + 1).fill(I32), 0]],
    imports: [{ module: 'seal1', name: 'call', type: 4 }],
    functions: [
      { body: [] },
      { body: [...signed(depth), ...new Array<readonly number[]>(width).fill(signed(1)).flat(), 0x10, 3] },
      { type: 5, body: [0x20, 0, 0x45, 0x04, 0x40, ...call, 0x05, 0x20, 0, ...signed(1), 0x6b, ...rest, 0x10, 3, 0x0b] },
    ],
    exports: { deploy: 0, call: 1 }, data: [[0, ...signed(32), 0x0b, 32, ...callee]],
  })
}

/** Five ink! frames near their stack limit around a script that uses up its own. */
const measureMixed = (bench: ContractBench, shape: { readonly depth: number; readonly width: number }): string => {
  let address = addressOf(bench.deploy(jsContract('const deep = () => deep() + 1; host.log(1, "in"); return deep()'), EMPTY))
  for (let i = 0; i < 5; i++) address = addressOf(bench.deploy(inkCaller(address, shape), EMPTY))
  const done = bench.call(address, EMPTY)
  const { end, failure, gas } = jsEndOf(done)
  return `${end} ${failure} ${done.effects.logs.length} ${gas}`
}

/** Ends and gas, as text: each call twice, the second on what the first left in the caches. */
export const measureJs = async (): Promise<readonly string[]> => {
  const crypto = await loadCrypto()
  const machine = await loadQuickJs()
  const mixed = [{ depth: 530, width: 0 }, { depth: 60, width: 60 }].map((shape) => measureMixed(jsBench({ crypto, machine }), shape))
  const scripts = [...BODIES, NESTED].map((body) => {
    const bench = jsBench({ crypto, machine })
    const address = addressOf(bench.deploy(jsContract(body), EMPTY))
    const calls = [0, 1].map(() => {
      const { end, answer, failure, gas } = jsEndOf(bench.call(address, EMPTY, { gasLimit: 100_000_000_000n }))
      return `${end} ${failure ?? answer} ${gas}`
    })
    return calls.join(' / ')
  })
  return [...mixed, ...scripts]
}

if (argv[2] === 'print') process.stdout.write(JSON.stringify(await measureJs()))
