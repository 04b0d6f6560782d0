/** Fuzz targets of @phalanx/node: requests, parameters of every method, extrinsics on their way into the pool, stored records and files. */
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, parseUtf8, toHex, utf8 } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createTestChain, createTestNode, signTransfers } from '@phalanx/node/testing'
import { silentLogger } from '@phalanx/primitives/ports'
import { createEmbeddedEngine } from '../packages/node/src/engine/embedded.ts'
import type { RpcBackend } from '../packages/node/src/rpc/backend.ts'
import { parseJson, parseRequest } from '../packages/node/src/rpc/jsonrpc.ts'
import { parseParams } from '../packages/node/src/rpc/params.ts'
import { METHOD_TABLES } from '../packages/node/src/rpc/methods/index.ts'
import { readLog, readManifest } from '../packages/node/src/storage/file-check.ts'
import { openRecord, sealRecord } from '../packages/node/src/storage/records.ts'
import { packChecks, unpackChecks } from '../packages/node/src/verify/batch.ts'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()
const chain = createTestChain(crypto)
const node = await createTestNode(chain)
const transfers = signTransfers(chain, 8)
for (const transfer of transfers.slice(0, 4)) await node.submit(transfer)
await node.seal()
const head = toHex(node.head().hash)

/** Answers that come later must be AppErrors too: anything else ends the process. */
const settle = (answer: unknown): void => {
  if (answer instanceof Promise)
    answer.catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error
    })
}

const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value))

const envelope: FuzzTarget = {
  name: 'rpc envelope',
  seeds: [json({ jsonrpc: '2.0', id: 1, method: 'chain_getHeader', params: [] }), json([{ jsonrpc: '2.0', id: null, method: 'x' }]), utf8('{"jsonrpc":"2.0","id":"a","method":"b","params":{"c":[1,2]}}')],
  run(bytes) {
    const value = parseJson(parseUtf8(bytes))
    const requests = (Array.isArray(value) ? value : [value]).map(parseRequest)
    for (const one of requests) if ('error' in one) throw one.error
  },
}

const methods = METHOD_TABLES.flatMap((table) => Object.entries(table)).filter(([name]) => name !== 'phalanx_sealBlock')
const connection = {
  canSubscribe: true, isUnsafeAllowed: true, lastRequestMs: 0, lastAnswerMs: 0, stateOf: <T>(_owner: object, create: () => T): T => create(), onClose: () => undefined, nextId: () => '1',
}
const { chain: nodeChain, pool, runtime } = node
/** What every method is handed: the node's own parts, and a clock that never rings. */
const backend: RpcBackend = {
  chain: nodeChain, pool, runtime, env: { crypto }, crypto, logger: silentLogger, clock: { nowMs: () => 0, after: () => () => undefined },
  engine: createEmbeddedEngine({ sealing: { kind: 'manual' } }, { clock: { nowMs: () => 0, after: () => () => undefined }, logger: silentLogger, hasTransactions: () => false, onFatal: () => undefined }),
  info: { name: 'x', id: 'x', chainType: 'Development', properties: { ss58Format: 30 } }, name: 'x', version: 'x', methodNames: () => [],
}

const params: readonly unknown[] = [
  [], {}, [head], ['0x00', head], ['0x26aa', 10, '0x26aa', head], [['0x00', '0x3a636f6465'], head], ['Core_version', '', head], [toHex(transfers[4] ?? new Uint8Array(0))], [1], [[1, 2]], [1, 10],
  [head, [{ key: '0x26', type: 'descendantsValues' }], null], ['1', head], [head, head], ['0200'], { key: '0x00' },
]
const calls: FuzzTarget = {
  name: 'rpc calls',
  seeds: methods.flatMap((_method, index) => params.map((value) => concatBytes(Uint8Array.of(index), json(value)))),
  run(bytes) {
    const [, method] = methods[(bytes[0] ?? 0) % methods.length] as (typeof methods)[number]
    const values = parseParams(method.params, parseJson(parseUtf8(bytes.slice(1))))
    if (method.kind === 'call') settle(method.handle(backend, values, connection))
  },
}

const extrinsics: FuzzTarget = {
  name: 'extrinsics into the pool',
  seeds: [...transfers.slice(4), ...(node.chain.store.body(1) ?? [])],
  run(bytes) {
    const { state, header } = node.chain.head()
    const checks = chain.runtime.signatureChecksOf(bytes, { crypto, genesisHash: chain.genesisHash, number: 2, blockHash: (number) => node.chain.store.hashOf(number) })
    assert([...unpackChecks(packChecks(checks))].length === checks.length, 'checks survive packing')
    const validity = chain.runtime.validateTransaction({ state, parent: header, extrinsic: bytes, source: 'External', env: { crypto } })
    if (!validity.ok) throw new AppError('TXPOOL_INVALID', { reason: validity.error.kind })
  },
}

const key = Uint8Array.of(0x68, 0, 0, 0, 1)
const record: FuzzTarget = { name: 'stored record', seeds: [sealRecord(key, Uint8Array.of(1, 2, 3)), sealRecord(key, new Uint8Array(0))], run: (bytes) => void openRecord(key, bytes) }

/** A log of one record as LevelDB writes it, taken from a manifest. */
const manifestBytes = Uint8Array.from(Buffer.from('56f9b8f81c0001011a6c6576656c64622e4279746577697365436f6d70617261746f72', 'hex'))
const files: readonly FuzzTarget[] = [
  { name: 'database log', seeds: [manifestBytes], run: (bytes) => void readLog('file', bytes) },
  { name: 'database manifest', seeds: [manifestBytes], run: (bytes) => void readManifest('file', bytes) },
]

/** All targets. */
export const targets: readonly FuzzTarget[] = [envelope, calls, extrinsics, record, ...files]
