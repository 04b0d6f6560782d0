/** Owns a cluster of workers' cores on its chain, with clients that send commands in all three forms, for tests. */
import { assert } from '@phalanx/primitives/assert'
import { bytesToKey, concatBytes } from '@phalanx/primitives/bytes'
import { sealCommand, sealEncryptedData, type PreparedCommand } from '@phalanx/primitives/contracts'
import { type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { CommandPayload, InkCommand, invocationSigningPayload } from '@phalanx/primitives/messages'
import type { Random } from '@phalanx/primitives/ports'
import { createBuiltinVm } from '../contracts/system-contract/create-builtin-vm.ts'
import type { CodeVm } from '../contracts/vm.ts'
import type { Build } from '../core/state.ts'
import { ClusterChain } from './cluster-chain.ts'
import { ClusterMember } from './cluster-member.ts'
import { createTestRandom } from './outside.ts'
import { createScriptVm, SCRIPT_CODE } from './script-vm.ts'

/** What a client sends. */
export interface TestCommand {
  readonly contract: Uint8Array
  readonly input: Uint8Array
  readonly gasLimit?: bigint
  readonly transfer?: bigint
}

/** Choices for a sealed command that is to be wrong in some way. */
export interface SealedOptions {
  readonly nonce?: Uint8Array
  readonly block?: number
  readonly from?: Uint8Array
  readonly to?: Uint8Array
  readonly epoch?: bigint
}

/** A chain, workers, one user with money in the cluster. */
export class ClusterWorld {
  readonly world: ClusterChain
  readonly workers: ClusterMember[] = []
  readonly user: Sr25519Pair
  readonly crypto: Crypto
  readonly random: Random
  private readonly vms: readonly CodeVm[]
  private readonly build: Partial<Build>

  constructor(crypto: Crypto, options: { readonly seed?: string; readonly workers?: number; readonly vms?: readonly CodeVm[]; readonly build?: Partial<Build> } = {}) {
    this.crypto = crypto
    this.random = createTestRandom(crypto, options.seed ?? 'cluster')
    this.world = new ClusterChain(crypto, this.random)
    this.vms = options.vms ?? [createBuiltinVm({ crypto }), createScriptVm()]
    this.build = options.build ?? {}
    this.user = crypto.sr25519.pairFromSeed(this.random.bytes(32))
    for (let i = 0; i < (options.workers ?? 3); i++) this.hire()
    this.rounds(4)
  }

  /** A registered worker of no cluster. */
  hire(): ClusterMember {
    const { crypto, random, world, vms, build } = this
    const worker = new ClusterMember(crypto, { world, random, vms, build })
    this.workers.push(worker)
    world.register(worker.publicKey)
    return worker
  }

  worker(index: number): ClusterMember {
    return this.workers[index] as ClusterMember
  }

  /** Seals a block and feeds it to all; then messages of all are handed over, to be in the next block. */
  rounds(count = 1, size?: number): void {
    for (let i = 0; i < count; i++) {
      this.world.seal()
      for (const worker of this.workers) worker.sync(size)
      for (const worker of this.workers) worker.relay()
    }
  }

  /** A cluster with an epoch, one script contract and money for owner and user. */
  deploy(): Uint8Array {
    const { world } = this
    world.create(this.workers.map(({ publicKey }) => publicKey))
    world.dispatch()
    this.rounds(2)
    world.rotate()
    world.deposit(this.user.publicKey, 10n ** 24n)
    this.rounds(3)
    const codeHash = world.upload(SCRIPT_CODE)
    const contract = world.instantiate(codeHash, new Uint8Array(0), Uint8Array.of(1))
    this.rounds(4)
    return contract
  }

  private command({ input, gasLimit, transfer }: TestCommand, nonce: Uint8Array): InkCommand {
    return { kind: 'InkMessage', value: { nonce, message: input, transfer: transfer ?? 0n, gasLimit: gasLimit ?? 100_000_000_000n, storageDepositLimit: undefined } }
  }

  /** Sends a command that everybody can read. */
  sendPlain(command: TestCommand, sender = this.user.publicKey): void {
    this.world.push(command.contract, CommandPayload.encode({ kind: 'Plain', value: this.command(command, this.random.bytes(8)) }), { kind: 'AccountId', value: sender })
  }

  /** Sends a command in the reference's form. */
  sendEncrypted(command: TestCommand): void {
    const { crypto, random } = this
    const own = crypto.sr25519.pairFromSeed(random.bytes(32))
    const recipient = this.world.contracts.get(bytesToKey(command.contract))?.pubkey ?? command.contract
    const value = sealEncryptedData(crypto, { own, recipient, iv: random.bytes(12), plaintext: InkCommand.encode(this.command(command, random.bytes(8))) })
    this.world.push(command.contract, CommandPayload.encode({ kind: 'Encrypted', value }), { kind: 'AccountId', value: this.user.publicKey })
  }

  /** A sealed command of the user, not yet sent. */
  prepare(command: TestCommand, options: SealedOptions = {}): PreparedCommand {
    const { crypto, random, world } = this
    const target = world.target(command.contract)
    assert(target !== undefined, 'the contract has a channel key of the epoch in force')
    const nonce = options.nonce ?? random.bytes(8)
    const unsigned = {
      from: options.from ?? this.user.publicKey, nonce, block: options.block ?? world.chain.head.number,
      payload: { to: options.to ?? (world.contracts.get(bytesToKey(command.contract))?.pubkey as Uint8Array), input: InkCommand.encode(this.command(command, nonce)) },
    }
    const signature = crypto.sr25519.sign(this.user.secret, invocationSigningPayload(unsigned, world.chain.genesisHash), random.bytes(32))
    return sealCommand(crypto, {
      target: { ...target, epoch: options.epoch ?? target.epoch }, invocation: { ...unsigned, sig: { kind: 'Sr25519', value: signature } },
      random: { seed: random.bytes(32), iv: random.bytes(12) },
    })
  }

  /** Hands a sealed command in, by whoever. */
  push(contract: Uint8Array, payload: Uint8Array): void {
    this.world.push(contract, payload, { kind: 'AccountId', value: concatBytes(this.user.publicKey.subarray(0, 31), Uint8Array.of(9)) })
  }

  /** Sends a sealed command. */
  sendSealed(command: TestCommand, options: SealedOptions = {}): PreparedCommand {
    const prepared = this.prepare(command, options)
    this.push(command.contract, prepared.payload.bytes)
    return prepared
  }
}
