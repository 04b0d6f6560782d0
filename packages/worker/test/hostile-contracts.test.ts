/**
 * Hostile contracts and commands in a cluster of three workers, hostile queries to a whole worker: each ends with its code, nothing of it stays, and neighbours
 * in the same block, or asked at the same time, do not notice.
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { concatBytes, EMPTY, parseHex, parseUtf8, toHex, utf8 } from '@phalanx/primitives/bytes'
import { u64 } from '@phalanx/primitives/codec'
import { ContractExecResult, contractErrorName, openReceipt, querySigningPayload, sealQuery, wrapBytes, type ClusterQuery, type PreparedCommand, type QueryOutcome, type Receipt, type SignerChain, type VerifiedReply } from '@phalanx/primitives/contracts'
import { HttpRequest } from '@phalanx/primitives/contracts/extension'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findReceipt } from '../src/contracts/cluster/recent-receipts.ts'
import '../src/errors.ts'
import { requestClusterState } from '../src/contracts/cluster/snapshot.ts'
import { UsedNonces } from '../src/contracts/query/used-nonces.ts'
import type { CodeVm } from '../src/contracts/vm.ts'
import { createEntropy } from '../src/core/entropy.ts'
import { loadMachines } from '../src/load-machines.ts'
import { clusterStateHandlers } from '../src/methods/cluster.ts'
import type { MethodContext } from '../src/methods/context.ts'
import { createHttpFetch } from '../src/queries/http-fetch.ts'
import { ClusterWorld } from '../src/testing/cluster-world.ts'
import { jsContract } from '../src/testing/js-contracts.ts'
import { QueryWorld } from '../src/testing/query-world.ts'
import { createScriptVm, SCRIPT } from '../src/testing/script-vm.ts'

const crypto = await loadCrypto()
const machines = await loadMachines(crypto)
const script = createScriptVm()
const js = machines.find(({ kind }) => kind === 'js') as CodeVm
/** Neighbours run on a machine of tests, hostile contracts on the real one; both count as one kind. */
const either: CodeVm = {
  kind: 'js', recognises: (code) => script.recognises(code) || js.recognises(code), validate: (code, options) => (script.recognises(code) ? script : js).validate(code, options),
  run: (code, host) => (script.recognises(code.bytes) ? script : js).run(code, host),
}
const vms = [either, ...machines.filter((machine) => machine !== js)]
const MIB = 1024 * 1024

/** First byte of an input, and what the contract then does after it has stored something. */
const ACTIONS = {
  look: `return text(host.getStorage(text('k')) === undefined ? 'clean' : 'dirty')`,
  loop: 'for (;;) {}',
  recurse: 'const f = () => f() + 1; return f()',
  allocate: `const all = []; for (;;) all.push(new Uint8Array(${MIB}))`,
  trap: `throw new Error('told to')`,
  garbage: `return 'no bytes'`,
  long: `return new Uint8Array(${MIB + 1})`,
  callItself: 'for (;;) host.call({ callee: host.address, value: 0n, input: new Uint8Array([6]), allowReentry: true })',
  events: `for (;;) host.emitEvent([], new Uint8Array(${MIB}))`,
  // Level, compact length of four bytes, text: what host.log makes, without its cost.
  logs: `const line = new Uint8Array(${MIB}).fill(120); line.set([1, ${((MIB - 5) << 2 | 2) & 255}, ${(MIB - 5) >> 6 & 255}, ${(MIB - 5) >> 14 & 255}, ${(MIB - 5) >> 22}]); for (;;) host.chainExtension(10, line)`,
  manyLogs: `for (;;) host.log(1, '')`,
  storage: `for (let i = 0; ; i++) host.setStorage(text('k' + i % 7), new Uint8Array(${MIB}))`,
  unknownFunction: 'host.chainExtension(999, new Uint8Array(0)); return text("went on")',
  badArguments: 'host.chainExtension(22, new Uint8Array([255, 255, 255, 255])); return text("went on")',
  ask: 'return host.chainExtension(1, input.subarray(1)).output',
} as const
type Action = keyof typeof ACTIONS
const NAMES = Object.keys(ACTIONS) as readonly Action[]
const HOSTILE = jsContract(`
  if (input[0] !== ${NAMES.indexOf('look')} && host.mode === 'Transaction') host.setStorage(text('k'), text('v'))
  switch (input[0]) {
${NAMES.map((name, i) => `    case ${i}: { ${ACTIONS[name]} }`).join('\n')}
  }`)
const inputOf = (action: Action, rest: Uint8Array = EMPTY): Uint8Array => concatBytes(Uint8Array.of(NAMES.indexOf(action)), rest)

/** How an execution ended: the answer as text, or the error with its reason. */
const endOf = (encoded: Uint8Array, failure: string | undefined): string => {
  const { result } = ContractExecResult.decode(encoded)
  return result.ok ? parseUtf8(result.value.data) : `${contractErrorName(result.error) ?? result.error.kind}: ${failure ?? ''}`
}

const ENDS: readonly (readonly [Action, RegExp])[] = [
  ['loop', /^OutOfGas: the gas is used up/], ['recurse', /^ContractTrapped: the stack is used up|^ContractTrapped: InternalError/], ['allocate', /^(OutOfGas|ContractTrapped): /],
  ['trap', /^ContractTrapped: told to/], ['garbage', /^ContractTrapped: /], ['long', /^ContractTrapped: RangeError/], ['callItself', /^(OutOfGas|ContractTrapped|MaxCallDepthReached): /],
  ['events', /^ContractTrapped: one execution keeps at most/], ['logs', /^ContractTrapped: one execution keeps at most/], ['storage', /^ContractTrapped: one execution keeps at most/],
  ['manyLogs', /^(OutOfGas|ContractTrapped): /], ['unknownFunction', /^NoChainExtension: /], ['badArguments', /^DecodingFailed: /],
]

/** Those that need gas to come to the limit of what an execution may keep. */
const FLOODS: readonly Action[] = ['events', 'logs', 'storage']

/** Those that end soon on the gas of a query. */
const QUICK: readonly Action[] = ['recurse', 'trap', 'garbage', 'long', 'events', 'logs', 'unknownFunction', 'badArguments']

describe('commands', () => {
  let bed: ClusterWorld
  let neighbour: Uint8Array
  let hostile: Uint8Array
  const receiptOf = (contract: Uint8Array, { commandHash, own, target }: PreparedCommand, worker = 0): Receipt => {
    const found = findReceipt(bed.worker(worker).cluster?.receipts ?? [], { contract, commandHash })
    return openReceipt(crypto, found?.receipt.envelope ?? EMPTY, { commandHash, own, target })
  }
  const codeOf = ({ outcome, failure }: Receipt): string => (outcome.kind === 'Refused' ? outcome.value.code : endOf(outcome.value, failure))
  const count = (): PreparedCommand => bed.sendSealed({ contract: neighbour, input: Uint8Array.of(SCRIPT.count) })
  const countOf = (command: PreparedCommand): bigint => {
    const { outcome } = receiptOf(neighbour, command)
    const result = outcome.kind === 'Executed' ? ContractExecResult.decode(outcome.value).result : undefined
    return result?.ok === true ? u64.decode(result.value.data) : -1n
  }
  const look = (): string => {
    const looked = bed.sendSealed({ contract: hostile, input: inputOf('look') })
    bed.rounds(2)
    return codeOf(receiptOf(hostile, looked))
  }
  const rootsOf = (): number => new Set(bed.workers.map(({ cluster }) => toHex(cluster?.contracts.root ?? EMPTY))).size

  beforeAll(() => {
    bed = new ClusterWorld(crypto, { vms, seed: 'hostile' })
    neighbour = bed.deploy()
    hostile = bed.world.instantiate(bed.world.upload(HOSTILE), EMPTY, Uint8Array.of(3))
    bed.rounds(4)
  })

  test('of contracts that loop, recurse, allocate, trap, return garbage or flood their worker end with their code between neighbours that run', { timeout: 60_000 }, () => {
    const before = count()
    const sent = ENDS.map(([action]) => bed.sendSealed({ contract: hostile, input: inputOf(action), gasLimit: FLOODS.includes(action) ? 250_000_000_000n : 20_000_000_000n }))
    const after = count()
    bed.rounds(2)
    for (const [i, [action, expected]] of ENDS.entries()) {
      const receipt = receiptOf(hostile, sent[i] as PreparedCommand)
      expect(codeOf(receipt), action).toMatch(expected)
      // Log lines stay where a call fails, as many as a receipt has room for.
      expect([receipt.events.length, receipt.logs.length <= 256], action).toEqual([0, true])
    }
    expect([countOf(before), countOf(after)]).toEqual([1n, 2n])
    expect(look()).toBe('clean')
    bed.rounds(2)
    expect([rootsOf(), bed.world.differing]).toEqual([1, []])
    expect(bed.workers.every(({ live }) => live.failed === undefined)).toBe(true)
  })

  test('that are tampered with, malformed or of no version have their code in a receipt', () => {
    const now = bed.worker(0).cluster?.nonces.length
    const good = bed.prepare({ contract: neighbour, input: Uint8Array.of(SCRIPT.count) })
    const payload = good.payload.bytes
    const flipped = (at: number): Uint8Array => payload.map((byte, i) => (i === at ? byte ^ 1 : byte))
    // Variant, version, epoch (8), sender (32), IV (12), length, data.
    const bad: readonly (readonly [Uint8Array, string])[] = [
      [flipped(1), 'SEALED_VERSION_UNSUPPORTED'], [flipped(9), 'COMMAND_EPOCH_UNKNOWN'], [payload.map((byte, i) => (i >= 10 && i < 42 ? 0xff : byte)), 'SEALED_NOT_OPENED'], [flipped(45), 'SEALED_NOT_OPENED'],
      [flipped(payload.length - 1), 'SEALED_NOT_OPENED'], [Uint8Array.of(9, 9, 9), 'CODEC_INVALID_VARIANT'], [EMPTY, 'CODEC_UNEXPECTED_END'],
      [payload.subarray(0, 70), 'CODEC_UNEXPECTED_END'], [concatBytes(payload, Uint8Array.of(0)), 'CODEC_TRAILING_BYTES'],
    ]
    for (const [bytes] of bad) bed.push(neighbour, bytes)
    bed.push(neighbour, payload)
    bed.rounds(2)
    for (const [bytes, expected] of bad) {
      const found = findReceipt(bed.worker(0).cluster?.receipts ?? [], { contract: neighbour, commandHash: crypto.blake2b256(bytes) })
      const target = bed.world.target(neighbour)
      expect(codeOf(openReceipt(crypto, found?.receipt.envelope ?? EMPTY, { commandHash: crypto.blake2b256(bytes), own: good.own, target })), toHex(bytes.subarray(0, 12))).toBe(expected)
    }
    expect(countOf(good)).toBe(3n)
    expect([rootsOf(), bed.worker(0).cluster?.nonces.length]).toEqual([1, (now ?? 0) + 1])
  })

  test('with undecodable arguments to the system contract change nothing', () => {
    const system = bed.worker(0).cluster?.deployed.find(({ id }) => toHex(id) !== toHex(neighbour) && toHex(id) !== toHex(hostile))?.id ?? EMPTY
    const sent = [EMPTY, Uint8Array.of(1, 2, 3, 4), new Uint8Array(4000).fill(0xff)].map((input) => bed.sendSealed({ contract: system, input }))
    const after = count()
    bed.rounds(2)
    for (const one of sent) expect(receiptOf(system, one).outcome).toSatisfy((outcome: Receipt['outcome']) => {
      if (outcome.kind !== 'Executed') return false
      const { result } = ContractExecResult.decode(outcome.value)
      return !result.ok || (result.value.flags & 1) === 1
    })
    expect([countOf(after), rootsOf()]).toEqual([4n, 1])
  })
})

test('a member\'s request for the cluster\'s state, overheard and sent again, costs nobody another state', () => {
  const bed = new ClusterWorld(crypto, { seed: 'overheard' })
  const contract = bed.deploy()
  const joiner = bed.hire()
  bed.rounds(4)
  bed.world.add(joiner.publicKey)
  bed.sendSealed({ contract, input: Uint8Array.of(SCRIPT.count) })
  bed.rounds(3)
  const entropy = (): Uint8Array => bed.random.bytes(32)
  const contextOf = ({ live }: (typeof bed.workers)[number]): MethodContext =>
    ({ core: { crypto }, state: () => live, entropy, contracts: { stateRequests: new UsedNonces() } }) as unknown as MethodContext
  const [first, second] = [contextOf(bed.worker(0)), contextOf(bed.worker(1))]
  const request = (): Uint8Array => requestClusterState(crypto, joiner.live, createEntropy(crypto, entropy())).encoded
  const save = (context: MethodContext, encodedRequest: Uint8Array): unknown => clusterStateHandlers.SaveClusterState(context, { receiver: '', minBlockNumber: 0, signature: '', encodedRequest })
  const overheard = request()
  expect(save(first, overheard)).toMatchObject({ filename: '' })
  expect(() => save(first, overheard)).toThrow(expect.objectContaining({ code: 'QUERY_REPLAYED' }))
  // Another member may be asked with it, and the same one by a new request.
  expect(save(second, overheard)).toMatchObject({ filename: '' })
  expect(save(first, request())).toMatchObject({ filename: '' })
})

describe('queries', () => {
  let world: QueryWorld
  let hostile: Uint8Array
  let server: Server
  let base: string
  const outcomeOf = ({ outcome }: { readonly outcome: QueryOutcome }): string => {
    if (!outcome.ok) return outcome.error.code
    return outcome.value.kind === 'Called' ? endOf(outcome.value.value.output, outcome.value.value.failure) : outcome.value.kind
  }
  const query = (input: Uint8Array): ClusterQuery => ({ kind: 'Call', value: { contract: hostile, input, transfer: 0n, deposit: 0n } })
  const fetching = (url: string): ClusterQuery => query(inputOf('ask', HttpRequest.encode({ url, method: 'GET', headers: [], body: EMPTY })))
  /** A query with signers of the test's making. */
  const askSigned = async (signerOf: (signed: Uint8Array) => SignerChain): Promise<VerifiedReply> => {
    const content = world.content(query(inputOf('look')))
    const random = { seed: world.random.bytes(32), iv: world.random.bytes(12) }
    return world.send(sealQuery(crypto, { target: await world.target(), content, signer: signerOf(querySigningPayload(content)), random }))
  }

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/huge') response.end(Buffer.alloc(3 * MIB))
      else if (request.url === '/away') response.writeHead(302, { Location: 'http://169.254.169.254/latest' }).end()
      else if (request.url !== '/slow') response.end('ok')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    base = `http://127.0.0.1:${port}`
    // The server of this test counts as outside; everything else is checked as ever.
    const [near, real] = [createHttpFetch({ isAllowed: (address) => address === '127.0.0.1' }), createHttpFetch()]
    world = await QueryWorld.create(crypto, { vms, contracts: { queryLimitMs: 700 }, parts: { httpFetch: (request, options) => (request.url.startsWith(base) ? near : real)(request, options) } })
    await world.deploy()
    hostile = await world.instantiate({ code: HOSTILE })
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  test('of hostile contracts end with their code and leave no trace', { timeout: 60_000 }, async () => {
    const root = (await world.client.PhactoryAPI.GetClusterInfo({})).info?.stateRoot
    for (const [action, expected] of ENDS.filter(([name]) => QUICK.includes(name))) {
      expect(outcomeOf(await world.ask(query(inputOf(action)))), action).toMatch(expected)
    }
    expect(outcomeOf(await world.ask(query(inputOf('look'))))).toBe('clean')
    expect((await world.client.PhactoryAPI.GetClusterInfo({})).info?.stateRoot).toBe(root)
  })

  test('that fetch something huge, slow or private are told so, and one asked meanwhile is answered first', async () => {
    const ended: string[] = []
    const slow = world.ask(fetching(`${base}/slow`)).then((reply) => ended.push(outcomeOf(reply)))
    const quick = world.ask(query(inputOf('look'))).then((reply) => ended.push(outcomeOf(reply)))
    await Promise.all([slow, quick])
    expect(ended[0]).toBe('clean')
    expect(ended[1]).toMatch(/^ContractTrapped: HTTP request: Timeout|^QUERY_TIMED_OUT/)
    expect(outcomeOf(await world.ask(fetching(`${base}/huge`)))).toContain('ResponseTooLarge')
    for (const url of ['http://127.0.0.1:22/', 'http://169.254.169.254/latest', 'http://[::ffff:10.0.0.1]/', 'http://168.63.129.16/', `${base}/away`])
      expect(outcomeOf(await world.ask(fetching(url))), url).toContain('NotAllowed')
  })

  test('with certificates that are over, or by signatures of another kind than they say, are refused under seal', async () => {
    const sign = (message: Uint8Array): Uint8Array => crypto.sr25519.sign(world.user.secret, message, world.random.bytes(32))
    const leaf = { pubkey: world.user.publicKey, ttl: 0x7fff_ffff, configBits: 0 }
    const chain = (kind: 'Sr25519' | 'Sr25519WrapBytes' | 'Ed25519' | 'EvmEcdsa', signature: Uint8Array, ttl = leaf.ttl): SignerChain =>
      ({ signature: { type: { kind }, signature }, leaf: { ...leaf, ttl }, issuer: undefined })
    expect(outcomeOf(await askSigned((message) => chain('Sr25519', sign(message))))).toBe('clean')
    expect(outcomeOf(await askSigned((message) => chain('Sr25519WrapBytes', sign(wrapBytes(message)))))).toBe('clean')
    expect(outcomeOf(await askSigned((message) => chain('Sr25519', sign(message), 1)))).toBe('CERTIFICATE_EXPIRED')
    const wrong = [
      chain('Sr25519', EMPTY), chain('Sr25519', sign(utf8('else'))), chain('Ed25519', new Uint8Array(64)), chain('EvmEcdsa', new Uint8Array(65)), chain('EvmEcdsa', new Uint8Array(3)),
    ]
    for (const one of wrong) expect(outcomeOf(await askSigned(() => one))).toBe('CERTIFICATE_SIGNATURE_INVALID')
    expect(outcomeOf(await askSigned((message) => chain('Sr25519', sign(wrapBytes(message)))))).toBe('CERTIFICATE_SIGNATURE_INVALID')
    expect(outcomeOf(await askSigned((message) => chain('Sr25519WrapBytes', sign(message))))).toBe('CERTIFICATE_SIGNATURE_INVALID')
  })

  test('whose leaf nobody issued, or somebody else did, are not their root\'s', async () => {
    const stranger = crypto.sr25519.pairFromSeed(parseHex(`0x${'5a'.repeat(32)}`))
    const leaf = { pubkey: stranger.publicKey, ttl: 1_000_000, configBits: 0 }
    const signed = (message: Uint8Array): SignerChain['signature'] => ({ type: { kind: 'Sr25519' }, signature: crypto.sr25519.sign(stranger.secret, message, world.random.bytes(32)) })
    const root = { pubkey: world.user.publicKey, ttl: 1_000_000, configBits: 0 }
    expect(outcomeOf(await askSigned((message) => ({ signature: signed(message), leaf, issuer: { signature: signed(message), root } })))).toBe('CERTIFICATE_SIGNATURE_INVALID')
    expect(outcomeOf(await askSigned((message) => ({ signature: signed(message), leaf, issuer: { signature: signed(EMPTY), root } })))).toBe('CERTIFICATE_SIGNATURE_INVALID')
  })
})
