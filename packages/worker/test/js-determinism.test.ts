/** A script's end and gas are the same in every run, on every instance, in every process and under every compiler of the engine. */
import { execFile } from 'node:child_process'
import { execPath } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { assert } from '@phalanx/primitives/assert'
import { EMPTY } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { expect, test } from 'vitest'
import { Meter } from '../src/contracts/execution/meter.ts'
import { MessageWriter } from '../src/contracts/js/message.ts'
import { preparedQuickJs } from '../src/engines/quickjs/index.ts'
import { createPreparedMachine, createQuickJsMachine } from '../src/engines/quickjs/machine.ts'
import { readPublished } from '../src/engines/quickjs/published.ts'
import { prepareMachines } from '../src/queries/start-thread.ts'
import { addressOf } from '../src/testing/contracts.ts'
import { jsBench, jsContract, jsEndOf } from '../src/testing/js-contracts.ts'
import { measureJs } from './js-gas.ts'

const crypto = await loadCrypto()
const published = await readPublished()
const newMachine = () => createQuickJsMachine(published)
const PROGRAM = fileURLToPath(new URL('./js-gas.ts', import.meta.url))
const BODY = 'const seen = new Map(); for (let i = 0; i < 100; i++) seen.set("k" + i, [Math.random(), i / 3]); host.setStorage(text("k"), text(seen.size)); return text([...seen.values()].join().length)'

const measureApart = async (flag: string): Promise<readonly string[]> => {
  const { stdout } = await promisify(execFile)(execPath, [flag, '--import', 'tsx', PROGRAM, 'print'])
  return JSON.parse(stdout) as readonly string[]
}

/** Gas of a script on the machine alone. Other numbers than these are other rules: workers that disagree on them part ways. */
const GOLDEN = { loop: 1_280_775_440n, allocation: 17_223_627_317n }

const preparedElsewhere = async () => {
  await prepareMachines()
  const prepared = preparedQuickJs()
  assert(prepared !== undefined, 'a thread prepared the machine')
  return createPreparedMachine(() => prepared)
}

test.each([['made here', newMachine], ['prepared in another thread', preparedElsewhere]] as const)('known scripts take the gas they always took, on a machine %s', async (_, create) => {
  const machine = await create()
  const used = (body: string): bigint => {
    const source = jsContract(body)
    const gas = { left: 10n ** 12n, charge(amount: bigint) { this.left -= amount } }
    const opening = new MessageWriter().number(1).bytes(EMPTY).finish()
    expect(machine.run({ hash: crypto.blake2b256(source), source }, { opening, gas, host: { nowMs: 0n, answer: () => EMPTY } }).kind).toBe('Done')
    return 10n ** 12n - gas.left
  }
  expect({
    loop: used('let sum = 0; for (let i = 0; i < 1000; i++) sum += i / 3; return text(sum)'),
    allocation: used('const all = []; for (let i = 0; i < 1000; i++) all.push({ i, text: "n" + i }); return text(JSON.stringify(all).length)'),
  }).toEqual(GOLDEN)
})

test('whatever gas there is, no more than that is used, and all of it where it is too little', () => {
  const source = jsContract('host.gasLeft(); const room = new Uint8Array(3000000); return text(room.length)')
  const opening = new MessageWriter().number(1).bytes(EMPTY).finish()
  const fresh = createQuickJsMachine(published, { keepsLoaded: false })
  const kept = newMachine()
  for (let limit = 1n; limit < 10n ** 10n; limit = (limit * 3n) / 2n + 1n) {
    const ends = [fresh, kept, kept].map((machine) => {
      const gas = new Meter(limit)
      try {
        const end = machine.run({ hash: crypto.blake2b256(source), source }, { opening, gas, host: { nowMs: 0n, answer: () => new Uint8Array(16) } })
        return `${end.kind === 'Done' ? 'done' : end.value.reason} ${gas.left}`
      } catch (error) {
        return isAppError(error, 'CONTRACT_TRAPPED') ? `${error.context.reason} ${gas.left}` : error
      }
    })
    expect(new Set(ends).size).toBe(1)
    expect(ends[0]).toMatch(/^done |^the gas is used up 0$/)
  }
})

test('a hundred runs of one script take equal gas, and so does one on another machine', () => {
  const machine = newMachine()
  const bench = jsBench({ crypto, machine })
  const address = addressOf(bench.deploy(jsContract(BODY), EMPTY))
  const start = bench.state
  const ends = Array.from({ length: 100 }, () => {
    bench.state = start
    return jsEndOf(bench.call(address, EMPTY))
  })
  const other = jsBench({ crypto, machine: newMachine() })
  ends.push(jsEndOf(other.call(addressOf(other.deploy(jsContract(BODY), EMPTY)), EMPTY)))
  expect(new Set(ends.map(({ answer, gas }) => `${answer} ${gas}`)).size).toBe(1)
  expect(ends[0]?.end).toBe('ok')
})

test('a script loaded anew takes the gas of one whose state after loading was kept, and runs out at the same gas', () => {
  const benches = [jsBench({ crypto, machine: newMachine() }), jsBench({ crypto, machine: createQuickJsMachine(published, { keepsLoaded: false }) })]
  const addresses = benches.map((bench) => addressOf(bench.deploy(jsContract(`const late = ${JSON.stringify('x'.repeat(2000))}; ${BODY}`), EMPTY)))
  const callAll = (gasLimit: bigint) => benches.map((bench, i) => {
    const start = bench.state
    const end = jsEndOf(bench.call(addresses[i] as Uint8Array, EMPTY, { gasLimit }))
    bench.state = start
    return end
  })
  const [kept, anew] = callAll(10n ** 12n)
  expect(anew).toEqual(kept)
  const need = kept?.gas ?? 0n
  for (const limit of [need, need - 1n, need / 2n, need / 10n, 10_000_000n, 1n]) {
    const [a, b] = callAll(limit)
    expect([limit, b]).toEqual([limit, a])
    expect(a?.end).toBe(limit === need ? 'ok' : 'OutOfGas')
  }
})

test('a script that looks at its call while it loads is loaded anew for each call', () => {
  const bench = jsBench({ crypto, machine: newMachine() })
  const address = addressOf(bench.deploy(jsContract('return text([globalThis.first, globalThis.when])').slice(), EMPTY))
  expect(jsEndOf(bench.call(address, EMPTY)).answer).toBe(',')
  const looks = new TextEncoder().encode(`//phalanx-contract:1
const at = host.blockNumber, when = Date.now(), chance = Math.random()
globalThis.phalanxContract = () => new TextEncoder().encode([at, when].join())`)
  const looking = addressOf(bench.deploy(looks, EMPTY))
  expect([7, 8].map((blockNumber) => jsEndOf(bench.call(looking, EMPTY, { env: { blockNumber, nowMs: BigInt(blockNumber) } })).answer)).toEqual(['7,7', '8,8'])
})

test('ends and gas are equal in this process and in others, with either compiler; six frames that use all their stack fit the native one', async () => {
  const here = await measureJs()
  expect(here.at(-1)).toMatch(/^ok Trapped in frame 5 /)
  expect(await measureApart('--liftoff-only')).toEqual(here)
  expect(await measureApart('--no-liftoff')).toEqual(here)
})
