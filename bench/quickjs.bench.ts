/** Figures of JavaScript contracts: calls per second of a counter, of a bid in the example auction and of a loop, counted, against the same interpreter without counting; what keeping loaded scripts is worth; first use. */
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { bigintToLe, concatBytes, EMPTY, parseHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { JsMachine } from '@phalanx/worker/contracts'
import { buildContract, findContract } from '../apps/cli/src/contract/build-contract.ts'
import { createQuickJsMachine } from '../packages/worker/src/engines/quickjs/machine.ts'
import { readPublished } from '../packages/worker/src/engines/quickjs/published.ts'
import type { ContractBench } from '../packages/worker/src/testing/contracts.ts'
import { jsBench, jsContract } from '../packages/worker/src/testing/js-contracts.ts'
import { callsPerSecond, type CallCase } from './contract-calls.ts'
import type { Figure } from './goals.ts'

const AUCTION = resolve(import.meta.dirname, '../examples/sealed-bid-auction')

const COUNTER = jsContract('const key = text("n"); const next = (host.getStorage(key)?.[0] ?? 0) + 1 & 255; host.setStorage(key, Uint8Array.of(next)); return Uint8Array.of(next)')
const LOOP = jsContract('let sum = 0; for (let i = 0; i < 100000; i++) sum = (sum * 3 + i) | 0; return text(sum)')

const auction = async (crypto: Awaited<ReturnType<typeof loadCrypto>>): Promise<CallCase> => {
  const { code, metadata } = await buildContract(findContract(AUCTION), { crypto })
  const { constructors, messages } = metadata.spec
  const selector = (label: string): Uint8Array => parseHex([...constructors, ...messages].find((each) => each.label === label)?.selector ?? '')
  const title = utf8('a painting')
  return { code, constructorInput: concatBytes(selector('new'), Uint8Array.of(title.length << 2), title, new Uint8Array(4)), input: concatBytes(selector('bid'), bigintToLe(700n, 16)), calls: 500 }
}

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const on = (machine: JsMachine): ContractBench => jsBench({ crypto, machine })
  const published = await readPublished()
  const machine = createQuickJsMachine(published)
  const started = performance.now()
  on(machine).upload(COUNTER)
  const firstUseMs = performance.now() - started
  const [uncounted, anew] = [createQuickJsMachine(published, { isMetered: false }), createQuickJsMachine(published, { keepsLoaded: false })]
  const compare = (name: string, each: CallCase): Figure => {
    const [plain, counted] = callsPerSecond([on(uncounted), on(machine)], each) as [number, number]
    return { name: `contracts: JavaScript, ${name}`, figure: counted, unit: 'calls/s', against: 'the same QuickJS without gas and stack counting', ratio: counted / plain }
  }
  const bid = await auction(crypto)
  const [loadedAnew, kept] = callsPerSecond([on(anew), on(machine)], { ...bid, calls: 50 }) as [number, number]
  return [
    compare('a counter', { code: COUNTER, constructorInput: EMPTY, input: EMPTY, calls: 1_000 }),
    compare('a bid in the example auction', bid),
    compare('a loop of a hundred thousand rounds', { code: LOOP, constructorInput: EMPTY, input: EMPTY, calls: 20 }),
    { name: 'contracts: JavaScript, a bid, loaded state kept', figure: kept, unit: 'calls/s', against: 'loading the script for every call', ratio: kept / loadedAnew },
    { name: 'contracts: JavaScript, first use (build taken apart, counted, compiled)', figure: firstUseMs, unit: 'ms', against: 'nothing', ratio: 1 },
  ]
}
