/**
 * Owns the raw memory of libsodium: group operations of ristretto255, blake2b, keccak and point checks on fixed scratch space,
 * without the allocations and conversions of the wrapper functions. Does not own protocols (sr25519.ts).
 */
import wrappers from 'libsodium-wrappers-sumo'

import { assert } from '../../assert.ts'

/** The emscripten module behind libsodium-wrappers, as far as we call it. Every function takes heap addresses; 0 means success. */
interface SodiumModule {
  /** Replaced when memory grows, so read it anew at every use. */
  readonly HEAPU8: Uint8Array
  _malloc(length: number): number
  _free(address: number): void
  _crypto_generichash(out: number, outLength: number, message: number, lengthLow: number, lengthHigh: number, key: number, keyLength: number): number
  _crypto_core_keccak1600_permute_24(state: number): void
  _crypto_core_ed25519_is_valid_point(point: number): number
  _crypto_core_ristretto255_is_valid_point(point: number): number
  _crypto_core_ristretto255_add(out: number, a: number, b: number): number
  _crypto_core_ristretto255_sub(out: number, a: number, b: number): number
  _crypto_core_ristretto255_from_hash(out: number, hash: number): number
  _crypto_core_ristretto255_scalar_reduce(out: number, wide: number): void
  _crypto_core_ristretto255_scalar_mul(out: number, a: number, b: number): void
  _crypto_core_ristretto255_scalar_add(out: number, a: number, b: number): void
  _crypto_core_ristretto255_scalar_sub(out: number, a: number, b: number): void
  _crypto_scalarmult_ristretto255(out: number, scalar: number, point: number): number
  _crypto_scalarmult_ristretto255_base(out: number, scalar: number): number
}

/** Messages up to this many bytes are hashed in scratch space; longer ones get memory of their own. */
const MESSAGE_SCRATCH = 64 * 1024

/** Bytes of a keccak state, and what libsodium sets aside for one. */
const KECCAK_BYTES = 200
const KECCAK_ROOM = 224

/** Ristretto255 and blake2b over byte arrays. Points and scalars are 32 bytes; lengths are the caller's duty. */
export interface Sodium {
  blake2b(message: Uint8Array, length: number, key: Uint8Array | undefined): Uint8Array
  /** keccak-f[1600] in place on 200 bytes. */
  keccak(state: Uint8Array): void
  /** Canonical, on the curve, in the prime-order subgroup and not of small order. */
  isEd25519PrimeOrderPoint(point: Uint8Array): boolean
  isRistrettoPoint(point: Uint8Array): boolean
  /** scalar · point; undefined for an invalid point or when the result is the identity. */
  multiply(scalar: Uint8Array, point: Uint8Array): Uint8Array | undefined
  /** scalar · base point; the identity (32 zero bytes) for scalar 0. */
  multiplyBase(scalar: Uint8Array): Uint8Array
  /** a + b; undefined for invalid points. */
  add(a: Uint8Array, b: Uint8Array): Uint8Array | undefined
  /** a - b; undefined for invalid points. */
  subtract(a: Uint8Array, b: Uint8Array): Uint8Array | undefined
  /** Maps 64 uniform bytes to a point. */
  pointFromHash(hash: Uint8Array): Uint8Array
  /** 64 bytes modulo the group order. */
  reduce(wide: Uint8Array): Uint8Array
  multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  addScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  subtractScalars(a: Uint8Array, b: Uint8Array): Uint8Array
}

/** Waits for libsodium's Wasm and lays out the scratch space. */
export const loadSodium = async (): Promise<Sodium> => {
  await wrappers.ready
  return createSodium((wrappers as unknown as { libsodium: SodiumModule }).libsodium)
}

const createSodium = (module: SodiumModule): Sodium => {
  const inputA = module._malloc(64 * 4 + KECCAK_ROOM + MESSAGE_SCRATCH)
  assert(inputA !== 0, 'libsodium could not allocate its scratch space')
  const inputB = inputA + 64
  const output = inputA + 128
  const keyAt = inputA + 192
  const stateAt = inputA + 256
  const messageAt = stateAt + KECCAK_ROOM

  const read = (length: number): Uint8Array => module.HEAPU8.slice(output, output + length)
  /** Inputs may be secrets: nothing of them stays behind. */
  const wipe = (): void => {
    module.HEAPU8.fill(0, inputA, output + 64)
  }
  const binary = (operation: (out: number, a: number, b: number) => number | void, a: Uint8Array, b: Uint8Array): Uint8Array | undefined => {
    module.HEAPU8.set(a, inputA)
    module.HEAPU8.set(b, inputB)
    const status = operation(output, inputA, inputB)
    const result = status === undefined || status === 0 ? read(32) : undefined
    wipe()
    return result
  }
  const scalars = (operation: (out: number, a: number, b: number) => void, a: Uint8Array, b: Uint8Array): Uint8Array =>
    binary((out, left, right) => operation(out, left, right), a, b) as Uint8Array

  const hashAt = (address: number, message: Uint8Array, length: number, key: Uint8Array | undefined): Uint8Array => {
    const heap = module.HEAPU8
    heap.set(message, address)
    if (key !== undefined) heap.set(key, keyAt)
    const status = module._crypto_generichash(output, length, address, message.length, 0, key === undefined ? 0 : keyAt, key?.length ?? 0)
    assert(status === 0, 'blake2b refuses lengths its caller has checked')
    if (key !== undefined) heap.fill(0, keyAt, keyAt + 64)
    return read(length)
  }

  return {
    blake2b(message, length, key) {
      if (message.length <= MESSAGE_SCRATCH) return hashAt(messageAt, message, length, key)
      const address = module._malloc(message.length)
      assert(address !== 0, 'libsodium could not allocate memory for a message')
      try {
        return hashAt(address, message, length, key)
      } finally {
        module._free(address)
      }
    },
    keccak(state) {
      const heap = module.HEAPU8
      heap.set(state, stateAt)
      module._crypto_core_keccak1600_permute_24(stateAt)
      state.set(heap.subarray(stateAt, stateAt + KECCAK_BYTES))
      heap.fill(0, stateAt, stateAt + KECCAK_BYTES)
    },
    isEd25519PrimeOrderPoint(point) {
      module.HEAPU8.set(point, inputA)
      return module._crypto_core_ed25519_is_valid_point(inputA) === 1
    },
    isRistrettoPoint(point) {
      module.HEAPU8.set(point, inputA)
      return module._crypto_core_ristretto255_is_valid_point(inputA) === 1
    },
    multiply: (scalar, point) => binary(module._crypto_scalarmult_ristretto255, scalar, point),
    multiplyBase(scalar) {
      module.HEAPU8.set(scalar, inputA)
      const status = module._crypto_scalarmult_ristretto255_base(output, inputA)
      const result = status === 0 ? read(32) : new Uint8Array(32)
      wipe()
      return result
    },
    add: (a, b) => binary(module._crypto_core_ristretto255_add, a, b),
    subtract: (a, b) => binary(module._crypto_core_ristretto255_sub, a, b),
    pointFromHash(hash) {
      module.HEAPU8.set(hash, inputA)
      module._crypto_core_ristretto255_from_hash(output, inputA)
      return read(32)
    },
    reduce(wide) {
      module.HEAPU8.set(wide, inputA)
      module._crypto_core_ristretto255_scalar_reduce(output, inputA)
      const result = read(32)
      wipe()
      return result
    },
    multiplyScalars: (a, b) => scalars(module._crypto_core_ristretto255_scalar_mul, a, b),
    addScalars: (a, b) => scalars(module._crypto_core_ristretto255_scalar_add, a, b),
    subtractScalars: (a, b) => scalars(module._crypto_core_ristretto255_scalar_sub, a, b),
  }
}
