/**
 * Owns reading what the chain holds of clusters, contracts, their keys and agreed states, by its own metadata. What the node says is not proven here: nothing
 * secret depends on it but which keys are sealed to, and those of workers are compared with their evidence.
 */
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { u32, u64 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { VersionedWorkerEndpoints } from '@phalanx/primitives/messages'
import type { BlockRef, ChainClient } from '../chain-client.ts'
import { decodeDynamic, type DynamicValue } from '../dynamic.ts'
import '../errors.ts'
import type { MetadataIndex } from '../metadata-index.ts'

const PHAT = 'PhalaPhatContracts'
const REGISTRY = 'PhalaRegistry'
const HASH = /^0x[0-9a-f]{64}$/

/** A cluster as the chain has it; prices per unit of gas, item and byte. */
export interface ClusterEntry {
  readonly id: Uint8Array
  readonly owner: Uint8Array
  readonly systemContract: Uint8Array
  readonly gasPrice: bigint
  readonly depositPerItem: bigint
  readonly depositPerByte: bigint
}

/** A key that is anchored on the chain. `anchor` is the hash of the block in which it became so. */
export interface AnchoredKey {
  readonly epoch: bigint
  readonly publicKey: Uint8Array
  readonly anchor: Uint8Array
}

/** A contract as the chain has it. */
export interface ContractEntry {
  readonly id: Uint8Array
  readonly cluster: Uint8Array
  readonly deployer: Uint8Array
}

type Fields = Readonly<Record<string, DynamicValue>>

/** Reads one state of the chain: that after a finalised block. */
export class ChainState {
  readonly block: BlockRef
  private readonly chain: ChainClient
  private readonly metadata: MetadataIndex
  private readonly crypto: Pick<Crypto, 'twox64'>

  constructor(block: BlockRef, parts: { readonly chain: ChainClient; readonly metadata: MetadataIndex; readonly crypto: Pick<Crypto, 'twox64'> }) {
    this.block = block
    this.chain = parts.chain
    this.metadata = parts.metadata
    this.crypto = parts.crypto
  }

  private raw(pallet: string, item: string, keys: readonly Uint8Array[]): Promise<Uint8Array | undefined> {
    const hashed = keys.flatMap((key) => [this.crypto.twox64(key), key])
    return this.chain.storage(concatBytes(this.metadata.storagePrefix(pallet, item), ...hashed), this.block.hash)
  }

  private async read(pallet: string, item: string, ...keys: readonly Uint8Array[]): Promise<DynamicValue> {
    const bytes = await this.raw(pallet, item, keys)
    return bytes === undefined ? undefined : decodeDynamic(this.metadata.types, this.metadata.storage(pallet, item).type, bytes)
  }

  private malformed(what: string): AppError {
    return new AppError('SDK_RESPONSE_MALFORMED', { url: this.chain.url, what })
  }

  private fields(value: DynamicValue, item: string): Fields {
    if (typeof value !== 'object' || Array.isArray(value) || value instanceof Uint8Array) throw this.malformed(item)
    return value as Fields
  }

  private bytes(value: DynamicValue, item: string): Uint8Array {
    if (!(value instanceof Uint8Array)) throw this.malformed(item)
    return value
  }

  private big(value: DynamicValue, item: string): bigint {
    if (typeof value !== 'bigint') throw this.malformed(item)
    return value
  }

  private small(value: DynamicValue, item: string): number {
    if (typeof value !== 'number') throw this.malformed(item)
    return value
  }

  /** How many clusters were ever made: their ids count from 1. */
  async clusterCount(): Promise<bigint> {
    return this.big((await this.read(PHAT, 'ClusterCounter')) ?? 0n, 'ClusterCounter')
  }

  async cluster(id: Uint8Array): Promise<ClusterEntry | undefined> {
    const found = await this.read(PHAT, 'Clusters', id)
    if (found === undefined) return undefined
    const { owner, system_contract: system, gas_price: gasPrice, deposit_per_item: perItem, deposit_per_byte: perByte } = this.fields(found, 'Clusters')
    return {
      id, owner: this.bytes(owner, 'Clusters'), systemContract: this.bytes(system, 'Clusters'), gasPrice: this.big(gasPrice, 'Clusters'),
      depositPerItem: this.big(perItem, 'Clusters'), depositPerByte: this.big(perByte, 'Clusters'),
    }
  }

  /** Identity keys of a cluster's workers. */
  async workersOf(cluster: Uint8Array): Promise<readonly Uint8Array[]> {
    const list = (await this.read(PHAT, 'ClusterWorkers', cluster)) ?? []
    if (!Array.isArray(list)) throw this.malformed('ClusterWorkers')
    return (list as readonly DynamicValue[]).map((worker) => this.bytes(worker, 'ClusterWorkers'))
  }

  /** Contracts that run in a cluster. */
  async contractsOf(cluster: Uint8Array): Promise<readonly Uint8Array[]> {
    const list = (await this.read(PHAT, 'ClusterContracts', cluster)) ?? []
    if (!Array.isArray(list)) throw this.malformed('ClusterContracts')
    return (list as readonly DynamicValue[]).map((contract) => this.bytes(contract, 'ClusterContracts'))
  }

  /** @throws SDK_CONTRACT_NOT_FOUND */
  async contract(id: Uint8Array): Promise<ContractEntry> {
    const found = await this.read(PHAT, 'Contracts', id)
    if (found === undefined) throw new AppError('SDK_CONTRACT_NOT_FOUND', { url: this.chain.url, contract: toHex(id) })
    const { cluster, deployer } = this.fields(found, 'Contracts')
    return { id, cluster: this.bytes(cluster, 'Contracts'), deployer: this.bytes(deployer, 'Contracts') }
  }

  /** Public key of a contract that runs; undefined before it does. */
  async contractKey(id: Uint8Array): Promise<Uint8Array | undefined> {
    const key = await this.read(REGISTRY, 'ContractKeys', id)
    return key === undefined ? undefined : this.bytes(key, 'ContractKeys')
  }

  /** Public key of a cluster whose workers run it; undefined before they do. */
  async clusterKey(id: Uint8Array): Promise<Uint8Array | undefined> {
    const key = await this.read(REGISTRY, 'ClusterKeys', id)
    return key === undefined ? undefined : this.bytes(key, 'ClusterKeys')
  }

  /** Hash of the block with this number in the chain of this state. @throws SDK_RESPONSE_MALFORMED where there is none */
  async hashOf(number: number): Promise<Uint8Array> {
    if (number === this.block.number) return this.block.hash
    const hash = await this.chain.rpc.request('chain_getBlockHash', [number])
    if (typeof hash !== 'string' || !HASH.test(hash)) throw this.malformed('chain_getBlockHash')
    return parseHex(hash)
  }

  /** The key that commands to a contract are sealed to: of the newest epoch for which its cluster told one; undefined before the first. */
  async channelKey(contract: ContractEntry): Promise<AnchoredKey | undefined> {
    const epochs = (await this.read(PHAT, 'OpenEpochs', contract.cluster)) ?? []
    if (!Array.isArray(epochs)) throw this.malformed('OpenEpochs')
    for (const entry of [...(epochs as readonly DynamicValue[])].reverse()) {
      const { epoch, since } = this.fields(entry, 'OpenEpochs')
      const number = this.big(epoch, 'OpenEpochs')
      const key = await this.read(PHAT, 'ContractChannelKeys', contract.id, u64.encode(number))
      if (key !== undefined) return { epoch: number, publicKey: this.bytes(key, 'ContractChannelKeys'), anchor: await this.hashOf(this.small(since, 'OpenEpochs')) }
    }
    return undefined
  }

  /** The key that queries to a worker are sealed to. */
  async workerKey(worker: Uint8Array): Promise<AnchoredKey | undefined> {
    const epoch = await this.read(REGISTRY, 'EcdhEpoch', worker)
    if (epoch === undefined) return undefined
    const number = this.big(epoch, 'EcdhEpoch')
    const { ecdh_pubkey: key, announced_at: block } = this.fields(await this.read(REGISTRY, 'EcdhKeys', worker, u64.encode(number)), 'EcdhKeys')
    return { epoch: number, publicKey: this.bytes(key, 'EcdhKeys'), anchor: await this.hashOf(this.small(block, 'EcdhKeys')) }
  }

  /** Where a worker says that it answers. */
  async endpointsOf(worker: Uint8Array): Promise<readonly string[]> {
    const bytes = await this.raw(REGISTRY, 'Endpoints', [worker])
    return bytes === undefined ? [] : VersionedWorkerEndpoints.decode(bytes).value
  }

  /** Root over the receipts of a cluster's commands of a block, once more than half of its workers agree; undefined before. */
  async agreedReceipts(cluster: Uint8Array, block: number): Promise<Uint8Array | undefined> {
    const found = await this.read(PHAT, 'StateReports', u32.encode(block), cluster)
    if (found === undefined) return undefined
    const { kind, value } = this.fields(this.fields(found, 'StateReports')['agreed'], 'StateReports')
    return kind === 'Some' ? this.bytes(this.fields(value, 'StateReports')['receipts_root'], 'StateReports') : undefined
  }
}
