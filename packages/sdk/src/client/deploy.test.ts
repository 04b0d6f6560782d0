import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret } from '@phalanx/primitives/crypto'
import { bytesEqual, toHex, utf8 } from '@phalanx/primitives/bytes'
import { ContractExecResult, ContractInstantiateResult, type LogRecord, type QueryAnswer } from '@phalanx/primitives/contracts'
import { isAppError } from '@phalanx/primitives/errors'
import { contractIdOf } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { command, constructor, defineContract, u32, variant } from '../contract/index.ts'
import { contractMetadata } from '../contract/metadata.ts'
import { createSigner } from '../signer.ts'
import { constantRandom } from '../testing.ts'
import { contractOf } from './contract-of.ts'
import { deploy, type DeployStage } from './deploy.ts'
import { FakeCluster } from './testing.ts'

const crypto = await loadCrypto()
const Problem = variant('Problem', { TooMany: { index: 0 } })
const shop = defineContract({
  name: 'shop',
  constructors: { new: constructor({ args: { size: u32 }, errors: Problem, run: () => undefined }), empty: constructor({ run: () => undefined }) },
  messages: { buy: command({ run: () => undefined }) },
})
const code = utf8('//phalanx-contract:1\n')
const codeHash = crypto.blake2b256(code)
const metadata = contractMetadata(shop, (bytes) => crypto.blake2b256(bytes))
const bundle = { ...metadata, source: { hash: toHex(codeHash), wasm: toHex(code) } }
const alice = createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom(1) })
const salt = Uint8Array.of(1)

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error)
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error = await errorOf(promise)
  return isAppError(error) ? error.code : String(error)
}

const figures = {
  gasConsumed: { refTime: 1n, proofSize: 0n }, gasRequired: { refTime: 10n, proofSize: 0n }, storageDeposit: { kind: 'Charge', value: 5n }, debugMessage: new Uint8Array(0), events: undefined,
} as const
const called = (data: Uint8Array): QueryAnswer =>
  ({ kind: 'Called', value: { output: ContractExecResult.encode({ ...figures, result: { ok: true, value: { flags: 0, data } } }), failure: undefined, logs: [] } })
const instantiated = (flags: number, data: Uint8Array): QueryAnswer => {
  const output = ContractInstantiateResult.encode({ ...figures, result: { ok: true, value: { result: { flags, data }, accountId: new Uint8Array(32) } } })
  return { kind: 'Instantiated', value: { output, failure: undefined, logs: [] } }
}
const YES = Uint8Array.of(0, 1)
const NO = Uint8Array.of(0, 0)

let cluster: FakeCluster
let uploaded: boolean
let takesCode: boolean
let tried: QueryAnswer
beforeEach(() => {
  cluster = new FakeCluster(crypto)
  ;[uploaded, takesCode, tried] = [false, true, instantiated(0, Uint8Array.of(0, 0))]
  cluster.contract = contractIdOf(crypto, { deployer: alice.accountId, codeHash, clusterId: cluster.id, salt })
  cluster.answers = {
    query({ query }) {
      if (query.kind === 'EstimateInstantiate') return tried
      if (query.kind === 'Logs') return { kind: 'Logs', value: { next: 0n, records: [] } }
      const isThere = takesCode && (uploaded || cluster.submitted.some(({ calls }) => calls.some(({ call }) => call === 'cluster_upload_resource')))
      // The free balance is a number of 16 bytes, whether code exists one byte.
      return called(toHex(query.kind === 'Call' ? query.value.input : new Uint8Array(0)).startsWith('0x6fc58436') ? (isThere ? YES : NO) : new Uint8Array(17))
    },
  }
})

const callsOf = (): readonly (readonly string[])[] => cluster.submitted.map(({ calls }) => calls.map(({ call }) => call))

describe('a deployment', () => {
  test('uploads, tries, brings the costs along, instantiates, and gives a handle', async () => {
    const stages: DeployStage[] = []
    const handle = await deploy<typeof shop>({ bundle, cluster: cluster.id, args: { size: 3 }, salt, onStage: (stage) => stages.push(stage) }, { network: cluster.network, signer: alice })
    expect(callsOf()).toEqual([['cluster_upload_resource'], ['transfer_to_cluster', 'instantiate_contract']])
    expect(stages).toMatchObject([{ kind: 'uploaded', value: { isNew: true } }, { kind: 'instantiating', value: { contract: cluster.contract } }])
    expect([bytesEqual(handle.id, cluster.contract), Object.keys(handle.send)]).toEqual([true, ['buy']])
  })

  test('uploads nothing that is there, and takes the constructor that is named', async () => {
    uploaded = true
    await deploy({ bundle: JSON.stringify(bundle), cluster: cluster.id, entry: 'empty', salt, deposit: 0n }, { network: cluster.network, signer: alice })
    expect(callsOf()).toEqual([['instantiate_contract']])
    expect(await codeOf(deploy({ bundle, cluster: cluster.id, entry: 'none', salt }, { network: cluster.network, signer: alice }))).toBe('SDK_ENTRY_NOT_FOUND')
  })

  test('ends before anything is instantiated where the constructor would revert', async () => {
    tried = instantiated(1, Uint8Array.of(0, 1, 0))
    const error = await errorOf(deploy<typeof shop>({ bundle, cluster: cluster.id, args: { size: 3 }, salt }, { network: cluster.network, signer: alice }))
    expect(isAppError(error, 'SDK_MESSAGE_REVERTED') && error.context.error).toEqual({ kind: 'TooMany' })
    expect(callsOf()).toEqual([['cluster_upload_resource']])
  })

  test('says why code is not taken where the signer may know', async () => {
    takesCode = false
    expect(await codeOf(deploy<typeof shop>({ bundle, cluster: cluster.id, args: { size: 3 }, salt }, { network: cluster.network, signer: alice }))).toBe('SDK_CODE_REFUSED')
  })

  test('ends before anything is sent where the bundle is none, or its code another', async () => {
    const parts = { network: cluster.network, signer: alice }
    expect(await codeOf(deploy({ bundle: metadata, cluster: cluster.id }, parts))).toBe('SDK_BUNDLE_WITHOUT_CODE')
    expect(await codeOf(deploy({ bundle: { ...bundle, source: { ...bundle.source, wasm: '0x00' } }, cluster: cluster.id }, parts))).toBe('SDK_INK_METADATA_MALFORMED')
    expect(await codeOf(deploy({ bundle, cluster: cluster.id, args: { size: 2 ** 32 } }, parts))).toBe('SDK_ARGUMENTS_MALFORMED')
    expect(callsOf()).toEqual([])
  })
})

describe('logs', () => {
  const record = (sequence: bigint): LogRecord => ({
    sequence, block: 1, content: { kind: 'Log', value: { contract: cluster.contract, entry: cluster.contract, mode: 2, timeMs: 0n, level: 3, message: `line ${sequence}` } },
  })

  /** A ring of so many records, in pages of two. */
  const answerLogs = (count: () => bigint): void => {
    cluster.answers = {
      query({ query }) {
        if (query.kind !== 'Logs') return called(NO)
        const { start } = query.value
        const from = start.kind === 'From' ? start.value : count() - BigInt(start.value)
        const end = from + 2n < count() ? from + 2n : count()
        return { kind: 'Logs', value: { next: end, records: Array.from({ length: Number(end - from) }, (_, i) => record(from + BigInt(i))) } }
      },
    }
  }
  const handle = () => contractOf({ id: cluster.contract, definition: shop }, { network: cluster.network, signer: alice })

  test('come page by page until there are no more', async () => {
    answerLogs(() => 5n)
    const seen: bigint[] = []
    for await (const { sequence } of handle().logs()) seen.push(sequence)
    expect(seen).toEqual([0n, 1n, 2n, 3n, 4n])
    const last: bigint[] = []
    for await (const { sequence } of handle().logs({ last: 1 })) last.push(sequence)
    expect(last).toEqual([4n])
  })

  test('go on with blocks where followed, and end when told to', async () => {
    let count = 1n
    answerLogs(() => count)
    const controller = new AbortController()
    // Every wait of the fake finds the next block there, and each brings a line.
    const { network } = cluster
    const waitFor: typeof network.waitFor = async (wait) => {
      cluster.block++
      count++
      return network.waitFor(wait)
    }
    const following = contractOf({ id: cluster.contract, definition: shop }, { network: { ...network, waitFor }, signer: alice })
    const seen: bigint[] = []
    for await (const { sequence } of following.logs({ follow: true, signal: controller.signal })) {
      seen.push(sequence)
      if (seen.length === 4) controller.abort()
    }
    expect(seen).toEqual([0n, 1n, 2n, 3n])
  })
})
