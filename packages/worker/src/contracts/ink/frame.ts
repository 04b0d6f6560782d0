/** Owns one running ink! frame: bounds-checked access to the contract's memory and what host functions share. Every copy is charged before it is made. */
import { bigintToLe, leToBigint } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { ContractErrorName, ReturnValue, VmHost } from '../vm.ts'
import { COPY_GAS } from './gas.ts'
import type { MachineMemory } from './machine.ts'

/** Pointer that stands for "leave this out", and length that stands for "there was nothing". */
export const SENTINEL = 0xffff_ffff

/** Longest value, output or event data. */
export const PAYLOAD_MAX = 1024 * 1024

/** The error that stops a contract. */
export const trap = (error: ContractErrorName, reason: string): AppError<'CONTRACT_TRAPPED'> => new AppError('CONTRACT_TRAPPED', { error, reason })

/** Cryptography that host functions offer. */
export type InkCrypto = Pick<Crypto, 'blake2b128' | 'blake2b256' | 'sha256' | 'keccak256' | 'secp256k1' | 'sr25519'>

/** What host functions work on. */
export class InkFrame {
  readonly host: VmHost
  readonly crypto: InkCrypto
  private readonly memory: MachineMemory
  /** Undefined once it was forwarded to another contract. */
  input: Uint8Array | undefined
  /** What seal_return handed over; set just before the run is stopped. */
  returned: ReturnValue | undefined = undefined
  isTerminated = false

  constructor(parts: { host: VmHost; crypto: InkCrypto; memory: MachineMemory }) {
    this.host = parts.host
    this.crypto = parts.crypto
    this.memory = parts.memory
    this.input = parts.host.input
  }

  private range(pointer: number, length: number): Uint8Array {
    const { bytes } = this.memory
    if (pointer + length > bytes.length) throw trap('OutOfBounds', 'a pointer leads out of the memory')
    return bytes.subarray(pointer, pointer + length)
  }

  /** Charges for moving bytes between contract and host. */
  chargeCopy(length: number): void {
    this.host.gas.charge(BigInt(length) * COPY_GAS)
  }

  /** A copy of memory of the contract. */
  read(pointer: number, length: number): Uint8Array {
    this.chargeCopy(length)
    return this.range(pointer, length).slice()
  }

  readU32(pointer: number): number {
    const [a, b, c, d] = this.range(pointer, 4) as unknown as [number, number, number, number]
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
  }

  /** A u128. */
  readBalance(pointer: number): bigint {
    return leToBigint(this.range(pointer, 16))
  }

  write(pointer: number, bytes: Uint8Array): void {
    this.chargeCopy(bytes.length)
    this.range(pointer, bytes.length).set(bytes)
  }

  /** Writes an output to a buffer whose size stands at `lengthPointer`, and its length there. */
  writeOutput(target: { readonly pointer: number; readonly lengthPointer: number; readonly mayBeLeftOut?: boolean }, bytes: Uint8Array): void {
    const { pointer, lengthPointer, mayBeLeftOut } = target
    if (mayBeLeftOut === true && pointer === SENTINEL) return
    if (this.readU32(lengthPointer) < bytes.length) throw trap('OutputBufferTooSmall', `${bytes.length} bytes do not fit into the buffer`)
    this.write(pointer, bytes)
    this.range(lengthPointer, 4).set(bigintToLe(BigInt(bytes.length), 4))
  }

  /** The input once more, for those who have not given it away. */
  takeInput(): Uint8Array {
    if (this.input === undefined) throw trap('InputForwarded', 'the input was forwarded before')
    return this.input
  }
}
