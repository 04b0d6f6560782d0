/** Owns scripts whose ends and gas must be equal everywhere. Run as a program it prints them as JSON. */
import { argv } from 'node:process'
import { EMPTY } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { loadQuickJs } from '../src/engines/quickjs/index.ts'
import { addressOf } from '../src/testing/contracts.ts'
import { jsBench, jsContract, jsEndOf } from '../src/testing/js-contracts.ts'

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
for (let left = 85; ; left--) {
  const done = down(left)
  return text(done.ok ? new TextDecoder().decode(done.data) : done.error + ' in frame ' + (depth + 1))
}`

/** Ends and gas, as text: each call twice, the second on what the first left in the caches. */
export const measureJs = async (): Promise<readonly string[]> => {
  const crypto = await loadCrypto()
  const machine = await loadQuickJs()
  return [...BODIES, NESTED].map((body) => {
    const bench = jsBench({ crypto, machine })
    const address = addressOf(bench.deploy(jsContract(body), EMPTY))
    const calls = [0, 1].map(() => {
      const { end, answer, failure, gas } = jsEndOf(bench.call(address, EMPTY, { gasLimit: 100_000_000_000n }))
      return `${end} ${failure ?? answer} ${gas}`
    })
    return calls.join(' / ')
  })
}

if (argv[2] === 'print') process.stdout.write(JSON.stringify(await measureJs()))
