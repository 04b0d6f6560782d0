/**
 * Owns a cluster in memory behind the `Network` interface, for tests of clients: one chain of numbered blocks, workers that open, check and seal as real ones do, and
 * whatever a test wants them to answer. Contracts are not run.
 */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import {
  openCommand, openQuery, proveReceipt, receiptLeaf, ReceiptLeaf, receiptsRoot, sealReceipt, sealReply, verifyInvocation, verifyQuery, type OpenedQuery, type QueryAnswer,
  type QueryOutcome, type Receipt, type ReplyPoint,
} from '@phalanx/primitives/contracts'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Invocation } from '@phalanx/primitives/messages'
import type { WorkerClient } from '@phalanx/worker/wire'
import { accountOf, type Account, type AnySigner } from '../account.ts'
import type { BlockRef, ChainClient } from '../chain-client.ts'
import type { NamedCall } from '../cluster/calls.ts'
import type { ChainState } from '../cluster/chain-state.ts'
import type { Network } from '../cluster/network.ts'
import type { PickedWorker } from '../cluster/pick-worker.ts'
import { createFakeClock } from '../testing.ts'

/** What a test decides. */
export interface FakeAnswers {
  /** Answers a query that was opened and checked; `origin` is who asks. */
  query?(content: OpenedQuery['content'], origin: Uint8Array): QueryAnswer
  /** What became of a command. */
  command?(invocation: Invocation): Pick<Receipt, 'outcome'> & Partial<Receipt>
  /** Changes a reply on its way. */
  tamper?(reply: Uint8Array): Uint8Array
}

const hashOf = (crypto: Crypto, text: string): Uint8Array => crypto.blake2b256(new TextEncoder().encode(text))
/** Where `push_contract_message` has its payload: after 32 bytes of id and the compact length. */
const ID_BYTES = 32

/** A cluster in memory. */
export class FakeCluster {
  readonly id: Uint8Array
  contract: Uint8Array
  readonly genesis: Uint8Array
  readonly submitted: { readonly payer: Uint8Array; readonly calls: readonly NamedCall[] }[] = []
  /** Workers that were asked, by number, in order. */
  readonly asked: number[] = []
  /** Workers that do not answer, by number. */
  readonly down = new Set<number>()
  /** The epoch that the chain shows; commands for others are refused. */
  epoch = 1n
  /** Epochs whose commands workers still open. */
  openEpochs: bigint[] = [1n]
  block = 10
  /** Workers that hear of no block any more, by number. */
  readonly stuck = new Set<number>()
  readonly clock = createFakeClock(1_000_000)
  /** Root that the chain shows in place of the true one. */
  agreed: Uint8Array | undefined
  /** Workers that hand out receipts under another root, by number. */
  readonly lying = new Set<number>()
  /** What workers say of the block and state of their answers in place of the truth, by number. */
  readonly points = new Map<number, Partial<ReplyPoint>>()
  answers: FakeAnswers = {}
  readonly network: Network
  private readonly crypto: Crypto
  private readonly workers: readonly { readonly identity: Sr25519Pair; readonly ecdh: Sr25519Pair }[]
  private readonly contractKey: Sr25519Pair
  private readonly receipts = new Map<string, { readonly sealed: Uint8Array; readonly leaf: ReceiptLeaf; readonly block: number }>()
  private drawn = 0

  constructor(crypto: Crypto, workers = 2) {
    this.crypto = crypto
    const pair = (name: string): Sr25519Pair => crypto.sr25519.pairFromSeed(hashOf(crypto, name))
    this.workers = Array.from({ length: workers }, (_, i) => ({ identity: pair(`identity ${i}`), ecdh: pair(`ecdh ${i}`) }))
    this.contractKey = pair('contract')
    this.id = hashOf(crypto, 'cluster')
    this.contract = hashOf(crypto, 'contract id')
    this.genesis = hashOf(crypto, 'genesis')
    this.network = this.createNetwork()
  }

  private channelKey(epoch: bigint): Sr25519Pair {
    return this.crypto.sr25519.pairFromSeed(hashOf(this.crypto, `channel ${epoch}`))
  }

  private anchor(name: string): Uint8Array {
    return hashOf(this.crypto, `anchor ${name}`)
  }

  private draw(length: number): Uint8Array {
    return this.crypto.hkdfSha256({ ikm: this.genesis, salt: this.genesis, info: new TextEncoder().encode(`random ${this.drawn++}`), length })
  }

  private head(): BlockRef {
    return { number: this.block, hash: this.hashOfBlock(this.block) }
  }

  hashOfBlock(number: number): Uint8Array {
    return number === 0 ? this.genesis : hashOf(this.crypto, `block ${number}`)
  }

  private state(): ChainState {
    const key = this.channelKey(this.epoch)
    return {
      block: this.head(),
      contract: (id: Uint8Array) => (toHex(id) === toHex(this.contract)
        ? Promise.resolve({ id, cluster: this.id, deployer: this.genesis })
        : Promise.reject(new AppError('SDK_CONTRACT_NOT_FOUND', { url: 'memory', contract: toHex(id) }))),
      contractKey: () => Promise.resolve(this.contractKey.publicKey),
      channelKey: () => Promise.resolve({ epoch: this.epoch, publicKey: key.publicKey, anchor: this.anchor(`epoch ${this.epoch}`) }),
      hashOf: (number: number) => Promise.resolve(this.hashOfBlock(number)),
      agreedReceipts: (_: Uint8Array, block: number) => Promise.resolve(this.agreed ?? this.rootOf(block)),
    } as unknown as ChainState
  }

  private rootOf(block: number): Uint8Array {
    return receiptsRoot(this.crypto, [...this.receipts.values()].filter((one) => one.block === block).map(({ leaf }) => leaf))
  }

  private answerQuery(worker: number, sealed: Uint8Array): Uint8Array {
    const { crypto, genesis } = this
    const { identity, ecdh } = this.workers[worker] as (typeof this.workers)[number]
    const opened = openQuery(crypto, sealed, { genesis, keyOfEpoch: () => ({ pair: ecdh, anchor: this.anchor(`worker ${worker}`) }) })
    let outcome: QueryOutcome
    try {
      const standing = { genesis, worker: identity.publicKey, cluster: this.id, blockNumber: this.stuck.has(worker) ? 0 : this.block, hashOf: (number: number) => this.hashOfBlock(number) }
      const origin = verifyQuery(crypto, opened, standing)
      const { query } = this.answers
      if (query === undefined) throw new AppError('QUERY_REPLAYED', {})
      outcome = { ok: true, value: query(opened.content, origin) }
    } catch (error) {
      if (!isAppError(error)) throw error
      outcome = { ok: false, error: { code: error.code, text: error.message } }
    }
    const point = { blockNumber: this.block, blockHash: this.hashOfBlock(this.block), stateRoot: genesis, ...this.points.get(worker) }
    const reply = sealReply(crypto, opened, { point, outcome, secret: identity.secret, random: { nonce: this.draw(32), iv: this.draw(12) } })
    return this.answers.tamper?.(reply) ?? reply
  }

  private worker(number: number): PickedWorker {
    const { identity, ecdh } = this.workers[number] as (typeof this.workers)[number]
    const ask = async <T>(answer: () => T): Promise<T> => {
      this.asked.push(number)
      if (this.down.has(number)) throw new AppError('SDK_WORKER_UNREACHABLE', { url: `worker ${number}`, reason: 'down' })
      return Promise.resolve(answer())
    }
    const PhalanxAPI = {
      Query: ({ sealed }: { readonly sealed: Uint8Array }) => ask(() => ({ sealed: this.answerQuery(number, sealed) })),
      GetReceipt: ({ commandHash }: { readonly commandHash: Uint8Array }) => ask(() => {
        const found = this.stuck.has(number) ? undefined : this.receipts.get(toHex(commandHash))
        if (found === undefined) throw new AppError('WIRE_CALL_FAILED', { method: 'GetReceipt', status: 500, code: 'RECEIPT_NOT_YET', text: '' })
        const { sealed, leaf, block } = found
        return { sealed, index: 0, encodedLeaf: ReceiptLeaf.encode(leaf), proof: [...proveReceipt(this.crypto, [leaf], 0)], block, receiptsRoot: this.lying.has(number) ? this.genesis : this.rootOf(block) }
      }),
    }
    return {
      cluster: this.id, publicKey: identity.publicKey, endpoint: `worker ${number}`, key: { epoch: 7n, publicKey: ecdh.publicKey, anchor: this.anchor(`worker ${number}`) },
      proof: {} as PickedWorker['proof'], api: { PhalanxAPI } as unknown as WorkerClient,
    }
  }

  /** Executes a command's payload in a block of its own. */
  private execute(payload: Uint8Array): void {
    const { crypto, genesis, contractKey } = this
    this.block++
    const commandHash = crypto.blake2b256(payload)
    const holder = (epoch: bigint) => (this.openEpochs.includes(epoch) ? { pair: this.channelKey(epoch), anchor: this.anchor(`epoch ${epoch}`) } : undefined)
    let given: Partial<Receipt> & Pick<Receipt, 'outcome'>
    let sender: { readonly to: Uint8Array; readonly epoch: bigint }
    try {
      const opened = openCommand(crypto, { genesis, contractKey, channelOf: holder }, payload)
      if (opened.kind !== 'Sealed') throw new AppError('SDK_PLAINTEXT_REFUSED', { what: 'command' })
      const { invocation } = opened.value
      sender = { to: opened.value.sender, epoch: opened.value.epoch }
      verifyInvocation(crypto, invocation, { genesis, to: contractKey.publicKey, blockNumber: this.block })
      given = this.answers.command?.(invocation) ?? { outcome: { kind: 'Refused', value: { code: 'NONE', reason: 'the test says nothing' } } }
    } catch (error) {
      if (!isAppError(error, 'COMMAND_EPOCH_UNKNOWN')) throw error
      const former = BigInt(error.context.epoch)
      given = { outcome: { kind: 'Refused', value: { code: error.code, reason: error.message } } }
      // A sealed command begins with variant, version and epoch; then comes the sender.
      sender = { to: payload.slice(10, 42), epoch: former }
    }
    const receipt: Receipt = { contract: this.contract, commandHash, block: this.block, index: 0, failure: undefined, logs: [], events: [], gas: 5n, ...given }
    const sealed = sealReceipt(crypto, { receipt, to: sender.to, holder: { genesis, epoch: sender.epoch, pair: this.channelKey(sender.epoch), anchor: this.anchor(`epoch ${sender.epoch}`) } })
    this.receipts.set(toHex(commandHash), { sealed, leaf: receiptLeaf(crypto, receipt, sealed), block: this.block })
    this.block++
  }

  private createNetwork(): Network {
    const { crypto, genesis } = this
    const surroundings = {
      crypto, clock: this.clock, random: { bytes: (length: number) => this.draw(length) }, http: () => Promise.reject(new Error('no HTTP in memory')),
      createSocket: () => { throw new AppError('SDK_SOCKET_ABSENT', {}) }, logger: { debug() {}, info() {}, warn() {}, error() {} },
    }
    let own: BlockRef | undefined
    const submit = (payer: Account, calls: readonly NamedCall[]) => {
      this.submitted.push({ payer: payer.accountId, calls })
      for (const { call, args } of calls) {
        if (call !== 'push_contract_message') continue
        const mode = (args[ID_BYTES] as number) & 3
        const lengthBytes = [1, 2, 4][mode] as number
        this.execute(args.slice(ID_BYTES + lengthBytes, -16))
      }
      own = this.head()
      return Promise.resolve({ blockHash: own.hash, blockNumber: own.number, fee: 3n })
    }
    return {
      chain: {
        url: 'memory', finalizedHead: () => Promise.resolve(this.head()),
      } as unknown as ChainClient,
      surroundings, genesisHash: genesis, policy: 'chain',
      get newestOwn() { return own },
      state: () => Promise.resolve(this.state()),
      clusters: () => Promise.resolve([]),
      cluster: (id: Uint8Array) => Promise.resolve({ id, owner: genesis, systemContract: parseHex(`0x${'00'.repeat(32)}`), gasPrice: 1n, depositPerItem: 0n, depositPerByte: 0n, workers: [] }),
      pickWorker: (_cluster: Uint8Array, { except = [] } = {}) => {
        const number = this.workers.findIndex(({ identity }) => !except.some((tried) => toHex(tried) === toHex(identity.publicKey)))
        return number < 0 ? Promise.reject(new AppError('SDK_WORKER_NONE', { cluster: '', reasons: '' })) : Promise.resolve(this.worker(number))
      },
      forgetWorker: () => undefined,
      async waitFor<T>({ find }: { find(state: ChainState): Promise<T | undefined> }): Promise<T> {
        const found = await find(await this.state())
        if (found === undefined) throw new AppError('SDK_WAIT_TIMEOUT', { what: 'anything', waitedMs: 0 })
        return found
      },
      holdOut: (_limits, ask) => ask(() => undefined),
      account: (signer: AnySigner) => accountOf(crypto, signer),
      submit,
      close: () => undefined,
    }
  }
}
