import { resolve } from 'node:path'
import { bytesEqual, EMPTY, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import type { Trie } from '@phalanx/primitives/trie'
import type { ContractDefinition } from '@phalanx/sdk/contract'
import { answerCodec, encodeInput } from '@phalanx/sdk/contract/abi'
import { createTestCluster } from '@phalanx/sdk/contract/testing'
import { callContract, createContractState, createJsVm, depositBalance, inspect, instantiate, uploadCode, type ExecutionEnv, type HttpRequest, type QueryEnv } from '@phalanx/worker/contracts'
import { loadQuickJs } from '@phalanx/worker/engines/quickjs'
import { describe, expect, test } from 'vitest'
import { buildContract, findContract } from './build-contract.ts'
import probe from './testing/probe.ts'
import vault from './testing/vault.ts'

const EXAMPLE = resolve(import.meta.dirname, '../../../../examples/sealed-bid-auction')
const { default: auction } = (await import(`${EXAMPLE}/contract.ts`)) as { readonly default: ContractDefinition }

const crypto = await loadCrypto()
const vms = [createJsVm({ crypto, machine: await loadQuickJs() })]
const hash = (bytes: Uint8Array): Uint8Array => crypto.blake2b256(bytes)
const zero = new Uint8Array(32)
const CONFIG = { clusterId: zero, owner: zero, gasPrice: 0n, depositPerItem: 0n, depositPerByte: 0n, treasury: new Uint8Array(32).fill(9), systemContract: undefined }
const PLAIN = { transfer: 0n, gasLimit: 10n ** 12n, gasFree: true, storageDepositLimit: undefined, deposit: 0n }
const built = async (path: string) => (await buildContract(findContract(resolve(import.meta.dirname, path)), { crypto })).code
const code = { auction: await built(EXAMPLE), probe: await built('testing/probe.ts'), vault: await built('testing/vault.ts') }

/** How a message ended, in the same words for both machines. */
type End = { readonly returned: unknown } | { readonly reverted: unknown } | { readonly stopped: string }

interface Step {
  readonly who: Uint8Array
  readonly name: string
  readonly args?: Record<string, unknown>
  readonly value?: bigint
  readonly mode?: ExecutionEnv['mode']
}

/** Contracts on the machine that workers run, on one state. */
class WorkerBench {
  state: Trie
  blockNumber = 1
  readonly logs: string[] = []
  readonly events: string[] = []
  private readonly cache = new Map<string, Uint8Array>()
  private readonly http: (request: HttpRequest) => { statusCode: number; reasonPhrase: string; headers: []; body: Uint8Array }

  constructor(accounts: readonly Uint8Array[], http: WorkerBench['http'] = () => ({ statusCode: 204, reasonPhrase: '', headers: [], body: EMPTY })) {
    this.http = http
    this.state = accounts.reduce((state, who) => depositBalance(state, crypto, { who, value: 10n ** 15n }), createContractState({ config: CONFIG }, { crypto }))
  }

  upload(bytes: Uint8Array): Uint8Array {
    const { state, codeHash } = uploadCode(this.state, { crypto, vms }, { owner: zero, code: bytes, deterministic: true })
    this.state = state
    return codeHash
  }

  private query(answers: QueryEnv['answers']): QueryEnv {
    const { cache } = this
    return {
      randomSeed: zero, workerPublicKey: zero, untrustedNowMs: 5n, answers,
      cache: {
        get: (_, key) => cache.get(toHex(key)), set: (_, key, value) => cache.set(toHex(key), value).size > 0, setExpiration: () => {},
        remove(_, key) { const before = cache.get(toHex(key)); cache.delete(toHex(key)); return before },
      },
    }
  }

  private env(mode: ExecutionEnv['mode'], answers: QueryEnv['answers'] = []): ExecutionEnv {
    const base = { crypto, vms, mode, blockNumber: this.blockNumber, nowMs: BigInt(this.blockNumber) * 1000n, clusterSecret: crypto.sr25519.pairFromSeed(zero).secret, callNonce: zero }
    return mode === 'Query' ? { ...base, query: this.query(answers) } : base
  }

  deploy(definition: ContractDefinition, bytes: Uint8Array, options: { readonly from: Uint8Array; readonly name?: string; readonly args: Record<string, unknown>; readonly value?: bigint; readonly salt?: Uint8Array }): { readonly address: Uint8Array; readonly end: End } {
    const { from, name = 'new', args, value = 0n, salt = EMPTY } = options
    const entry = definition.constructors[name]
    if (entry === undefined) throw new Error(name)
    const codeHash = this.upload(bytes)
    const done = instantiate(this.state, this.env('Transaction'), { ...PLAIN, origin: from, transfer: value, codeHash, salt, input: encodeInput(hash, { name, entry, args }) })
    if (done.kind !== 'Executed') throw new Error('asks for something')
    this.state = done.state
    const { result } = done.result
    const end = result.ok ? readEnd(entry, result.value.result, undefined) : { stopped: done.failure ?? '' }
    return { address: result.ok ? result.value.accountId : zero, end }
  }

  call(definition: ContractDefinition, address: Uint8Array, { who, name, args = {}, value = 0n, mode }: Step): End {
    const entry = definition.messages[name]
    if (entry === undefined) throw new Error(name)
    const way = mode ?? (entry.kind === 'query' ? 'Query' : 'Transaction')
    const answers: ReturnType<WorkerBench['http']>[][] = []
    for (;;) {
      const env = this.env(way, answers.map((round) => round.map((response) => ({ ok: true, value: response }))))
      const done = callContract(this.state, env, { ...PLAIN, origin: who, contract: address, transfer: value, input: encodeInput(hash, { name, entry, args }) })
      if (done.kind === 'NeedsEffect') {
        answers.push(done.value.requests.map((request) => this.http(request)))
        continue
      }
      this.state = done.state
      this.logs.push(...done.effects.logs.map(({ level, message }) => `${level} ${message}`))
      if (way === 'Transaction') this.events.push(...done.effects.inkEvents.map(({ topics, data }) => [...topics, data].map(toHex).join()))
      const { result } = done.result
      return result.ok ? readEnd(entry, result.value, done.failure) : { stopped: done.failure ?? '' }
    }
  }
}

const readEnd = (entry: ContractDefinition['messages'][string] | ContractDefinition['constructors'][string], value: { readonly flags: number; readonly data: Uint8Array }, failure: string | undefined): End => {
  if (value.data.length === 0) return { returned: undefined }
  const answer = answerCodec(entry).decode(value.data)
  if (!answer.ok) return { reverted: answer.error }
  if (answer.value.ok) return value.flags === 0 ? { returned: answer.value.value } : { stopped: failure ?? '' }
  return { reverted: answer.value.error }
}

describe('the auction on a worker\'s machine', () => {
  test('answers by what two senders said in secret', () => {
    const [seller, alice, bob] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array, Uint8Array]
    const bench = new WorkerBench([seller, alice, bob])
    const { address, end } = bench.deploy(auction, code.auction, { from: seller, args: { lot: 'a painting', closesAfter: 2 } })
    expect(end).toEqual({ returned: undefined })
    expect(bench.call(auction, address, { who: alice, name: 'bid', args: { amount: 40n } })).toEqual({ returned: undefined })
    expect(bench.call(auction, address, { who: bob, name: 'result' })).toEqual({ reverted: { kind: 'StillOpen' } })
    expect(bench.call(auction, address, { who: bob, name: 'bid', args: { amount: 55n } })).toEqual({ returned: undefined })
    expect(bench.call(auction, address, { who: alice, name: 'result' })).toEqual({ returned: { lot: 'a painting', winner: bob, price: 40n, bidders: 2 } })
    expect(bench.logs).toEqual(['3 a bid was placed', '3 a bid was placed'])
  })
})

/** The same steps on the machine for unit tests. */
class MemoryBench {
  readonly cluster: Awaited<ReturnType<typeof createTestCluster>>

  constructor(cluster: Awaited<ReturnType<typeof createTestCluster>>) {
    this.cluster = cluster
  }

  private endOf(run: () => unknown): End {
    try {
      return { returned: run() }
    } catch (error) {
      if (isAppError(error, 'SDK_CONTRACT_TEST_REVERTED')) return { reverted: error.context.error }
      if (isAppError(error, 'SDK_CONTRACT_TEST_STOPPED')) return { stopped: error.context.reason }
      throw error
    }
  }

  deploy(name: string, args: Record<string, unknown>, from: Uint8Array): { readonly address: Uint8Array; readonly end: End } {
    let address: Uint8Array = zero
    const end = this.endOf(() => {
      address = this.cluster.deploy(probe as ContractDefinition, { from, entry: name, args, value: 1000n, salt: utf8(name) }).address
    })
    return { address, end }
  }

  call(address: Uint8Array, { who, name, args = {}, value = 0n, mode }: Step): End {
    const messages = this.cluster.at(probe as ContractDefinition, address).as(who)
    return this.endOf(() => messages[name]?.(args, { value, ...(mode === undefined ? {} : { mode }) }))
  }
}

/** Ends without what differs by design: reasons, of which only the one of the first contract is compared, and addresses. */
const comparable = (end: End, addresses: readonly Uint8Array[]): unknown => {
  const strip = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return addresses.some((address) => bytesEqual(address, value)) ? 'the contract' : toHex(value)
    if (Array.isArray(value)) return value.map(strip)
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, content]) => [name, strip(content)])) : value
  }
  return 'stopped' in end ? 'stopped' : strip(end)
}

describe('the machine for unit tests and the one of workers', async () => {
  const cluster = await createTestCluster()
  const [alice, bob] = [cluster.account('alice'), cluster.account('bob')]
  const answer = (request: HttpRequest) => ({ statusCode: 200, reasonPhrase: 'OK', headers: [] as [], body: utf8(`${request.method} ${request.url}`) })
  cluster.answerHttp(answer)
  const memory = new MemoryBench(cluster)
  const worker = new WorkerBench([alice, bob], answer)
  const there = memory.deploy('new', { total: 5n }, alice)
  const here = worker.deploy(probe, code.probe, { from: alice, args: { total: 5n }, value: 1000n, salt: utf8('new') })
  const vaultHashes = { memory: cluster.upload(vault), worker: worker.upload(code.vault) }
  const addresses = [there.address, here.address]

  const both = (step: Step): { readonly memory: unknown; readonly worker: unknown; readonly stopped: readonly string[] } => {
    const ends = [memory.call(there.address, step), worker.call(probe, here.address, step)] as const
    return { memory: comparable(ends[0], addresses), worker: comparable(ends[1], addresses), stopped: ends.flatMap((end) => ('stopped' in end ? [end.stopped] : [])) }
  }

  const steps: readonly (readonly [what: string, step: Step, expected?: unknown])[] = [
    ['keep values, maps and lists', { who: alice, name: 'store', args: { name: 'a', count: 3, pair: utf8('p'), notes: ['x', 'ÿ', ''] } }, { returned: 8n }],
    ['keep long keys apart', { who: alice, name: 'store', args: { name: 'k'.repeat(200), count: 4, pair: new Uint8Array(3000), notes: [] } }, { returned: 12n }],
    ['read them', { who: bob, name: 'load', args: { name: 'k'.repeat(200), who: alice, count: 4 } }],
    ['read what is not there', { who: bob, name: 'load', args: { name: 'k'.repeat(201), who: bob, count: 4 } }],
    ['remove', { who: bob, name: 'clear', args: { name: 'a' } }, { returned: '' }],
    ['read after that', { who: bob, name: 'load', args: { name: 'a', who: alice, count: 3 } }],
    ['keep nothing of a dry run', { who: bob, name: 'store', args: { name: 'dry', count: 1, pair: utf8(''), notes: [] }, mode: 'Estimating' }, { returned: 13n }],
    ['run commands in queries', { who: bob, name: 'store', args: { name: 'dry', count: 1, pair: utf8(''), notes: [] }, mode: 'Query' }, { returned: 13n }],
    ['revert with a declared error', { who: alice, name: 'fail', args: { how: 0 } }, { reverted: { kind: 'Because', value: { why: 'äöü', code: 0 } } }],
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((how) => [`stop what goes wrong, ${how}`, { who: alice, name: 'fail', args: { how } }, 'stopped'] as const),
    ['let pass what does not', { who: alice, name: 'fail', args: { how: 99 } }, { returned: undefined }],
    ['tell events and write logs', { who: bob, name: 'note', args: { about: 'this', long: new Uint8Array(100).fill(1) } }, { returned: undefined }],
    ['tell events of nothing', { who: bob, name: 'note', args: { about: undefined, long: new Uint8Array(2) } }],
    ['know what they are told', { who: bob, name: 'facts' }],
    ['take and pay money', { who: bob, name: 'pay', args: { to: bob, part: 30n }, value: 70n }, { returned: 70n }],
    ['take no money where none is asked for', { who: bob, name: 'clear', args: { name: 'a' }, value: 1n }, 'stopped'],
    ['see balances', { who: bob, name: 'balances', args: { who: new Uint8Array(32).fill(77) } }, { returned: [0n, 0n] }],
    ['sign and verify', { who: bob, name: 'keys' }, { returned: [true, true, true, true, true] }],
    ['sign in commands', { who: bob, name: 'signInCommand' }, { returned: 64 }],
    ['do not sign with sr25519 in commands', { who: bob, name: 'signSrInCommand' }, 'stopped'],
    ['draw in commands', { who: bob, name: 'draw', args: { length: 100 } }, { returned: [100, false] }],
    ['draw in queries', { who: bob, name: 'drawInQuery', args: { length: 600 } }, { returned: [600, false] }],
    ['keep a cache', { who: bob, name: 'cached' }, { returned: [undefined, 'kept', 'kept', undefined] }],
    ['ask the outside', { who: bob, name: 'fetch', args: { url: 'http://example.org/' } }, { returned: [200, 'GET http://example.org/'] }],
    ['ask nobody in commands', { who: bob, name: 'fetch', args: { url: 'http://example.org/' }, mode: 'Transaction' }, 'stopped'],
    ['write nothing in queries', { who: bob, name: 'writeInQuery' }, 'stopped'],
    ['know that somebody calls', { who: bob, name: 'root' }, { returned: true }],
  ]

  test('make the same contract', () => {
    expect([comparable(there.end, addresses), comparable(here.end, addresses)]).toEqual([{ returned: undefined }, { returned: undefined }])
    const failing = worker.deploy(probe, code.probe, { from: alice, name: 'failing', args: {}, salt: utf8('failing'), value: 0n })
    expect(failing.end).toEqual({ reverted: { kind: 'Because', value: { why: 'it must', code: 5 } } })
    expect(memory.deploy('failing', {}, alice).end).toMatchObject({ stopped: expect.stringContaining('takes no payment') })
  })

  test.each(steps.map(([what, step, expected]) => ({ what, step, expected })))('$what alike', ({ step, expected }) => {
    const ends = both(step)
    expect(ends.worker).toEqual(ends.memory)
    if (expected !== undefined) expect(ends.memory).toEqual(expected)
    if (ends.stopped.length > 0) expect(ends.stopped[1]).toContain(ends.stopped[0]?.slice(0, 18))
  })

  test('tell whoever reads a receipt why a worker stopped a contract', () => {
    const why = (name: string, args: Record<string, unknown>, value = 0n): unknown => worker.call(probe, here.address, { who: alice, name, args, value })
    expect(why('clear', { name: '' }, 1n)).toEqual({ stopped: 'SDK_CONTRACT_STOPPED: probe.clear takes no payment' })
    expect(why('fail', { how: 6 })).toEqual({ stopped: 'CODEC_OUT_OF_RANGE: at names: expected u32, got -1' })
    expect(why('fail', { how: 1 })).toEqual({ stopped: expect.stringMatching(/^TypeError: thrown by hand \(contract\.js:\d+:\d+\)$/) })
  })

  test('make, call and end other contracts alike', () => {
    const make = { who: alice, name: 'makeVault', value: 500n }
    for (const [codeHashes, expected] of [[{ memory: zero, worker: zero }, 'stopped'], [vaultHashes, { returned: 1 }], [vaultHashes, 'stopped']] as const) {
      const ends = [
        memory.call(there.address, { ...make, args: { codeHash: codeHashes.memory, code: 7, endowment: 100n } }),
        worker.call(probe, here.address, { ...make, args: { codeHash: codeHashes.worker, code: 7, endowment: 100n } }),
      ]
      expect(ends.map((end) => comparable(end, addresses))).toEqual([expected, expected])
    }
    const found: unknown[] = []
    for (const [name, args, value] of [
      ['take', { code: 7, amount: 10n }], ['take', { code: 8, amount: 10n }], ['tryTake', { code: 7, amount: 20n }], ['tryTake', { code: 8, amount: 1n }], ['tryTake', { code: 7, amount: 5000n }],
      ['tryCrash', {}], ['tryNobody', {}], ['put', {}, 25n], ['putUnpayable', {}, 25n], ['takes', {}], ['callSelf', {}], ['callGarbage', {}], ['endVault', { to: bob }], ['takes', {}],
    ] as const) {
      const ends = both({ who: bob, name, args, ...(value === undefined ? {} : { value }) })
      expect([name, ends.worker]).toEqual([name, ends.memory])
      found.push(ends.memory)
    }
    expect(found).toEqual([
      { returned: 91n }, 'stopped', { returned: { ok: true, value: 71n } }, { returned: { ok: false, error: { kind: 'Reverted', value: 'Locked' } } },
      { returned: { ok: false, error: { kind: 'Reverted', value: 'TooMuch' } } }, { returned: false }, { returned: false }, { returned: 25n }, 'stopped', { returned: 2 }, 'stopped',
      { returned: 1 }, { returned: true }, 'stopped',
    ])
  })

  test('say the same to the outside', () => {
    const own = ({ contract }: { readonly contract: Uint8Array }): boolean => bytesEqual(contract, there.address)
    expect(worker.logs.filter((line) => !line.includes('vault'))).toEqual(cluster.logs.filter(own).map(({ level, message }) => `${level} ${message}`))
    expect(cluster.at(probe, there.address).events().length).toBe(3)
    expect(worker.events.length).toBe(3)
    expect(inspect(worker.state, crypto).account(here.address).free).toBe(cluster.balanceOf(there.address))
  })
})
