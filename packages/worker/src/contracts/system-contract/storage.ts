/**
 * Owns what the built-in system contract keeps, in the cells in which the reference's contract keeps it: an uploaded successor finds
 * everything in its place, and so does this one after a predecessor.
 */
import { bigintToLe, concatBytes } from '@phalanx/primitives/bytes'
import { text, type Codec, type TypeOf } from '@phalanx/primitives/codec'
import { isAppError } from '@phalanx/primitives/errors'
import { InkAccountId, SYSTEM_STORAGE } from '@phalanx/primitives/ink'
import { stopWith } from '../execution/extension-function.ts'
import type { VmHost } from '../vm.ts'

const KEY_BYTES_MAX = 128
const VALUE_BYTES_MAX = 1024 * 1024
const KEY_BYTES = 4
const ROOT_KEY = 0

/** A block and the driver that was set in it. */
export type DriverSince = TypeOf<(typeof SYSTEM_STORAGE)['drivers2']['value']>

/** A key and the name or account that it is for. @throws CONTRACT_TRAPPED where it would be longer than keys may be */
const cellKey = (rootKey: number, suffix: Uint8Array): Uint8Array => {
  const key = concatBytes(bigintToLe(BigInt(rootKey), KEY_BYTES), suffix)
  if (key.length > KEY_BYTES_MAX) throw stopWith('DecodingFailed', `a name is longer than ${KEY_BYTES_MAX - 2 * KEY_BYTES} bytes`)
  return key
}

/** Typed access to the cells. */
export class SystemStorage {
  private readonly host: VmHost

  constructor(host: VmHost) {
    this.host = host
  }

  private read<T>(key: Uint8Array, codec: Codec<T>): T | undefined {
    const stored = this.host.getStorage(key)
    try {
      return stored === undefined ? undefined : codec.decode(stored)
    } catch (error) {
      throw isAppError(error) ? stopWith('ContractTrapped', `the storage holds something else than a system contract's: ${error.message}`) : error
    }
  }

  private write<T>(key: Uint8Array, codec: Codec<T>, value: T): void {
    const encoded = codec.encode(value)
    if (encoded.length > VALUE_BYTES_MAX) throw stopWith('ValueTooLarge', `a value is longer than ${VALUE_BYTES_MAX} bytes`)
    this.host.setStorage(key, encoded)
  }

  /** Account that instantiated the contract. @throws CONTRACT_TRAPPED where this is no system contract's storage */
  owner(): Uint8Array {
    const owner = this.read(cellKey(ROOT_KEY, new Uint8Array(0)), SYSTEM_STORAGE.owner.value)
    if (owner === undefined) throw stopWith('ContractTrapped', 'the storage holds no system contract')
    return owner
  }

  setOwner(owner: Uint8Array): void {
    this.write(cellKey(ROOT_KEY, new Uint8Array(0)), SYSTEM_STORAGE.owner.value, owner)
  }

  isAdmin(account: Uint8Array): boolean {
    return this.host.storageLength(cellKey(SYSTEM_STORAGE.administrators.rootKey, InkAccountId.encode(account))) !== undefined
  }

  addAdmin(account: Uint8Array): void {
    this.write(cellKey(SYSTEM_STORAGE.administrators.rootKey, InkAccountId.encode(account)), SYSTEM_STORAGE.administrators.value, [])
  }

  /** The driver of a name, also one that an early predecessor set, which noted no blocks. */
  driver(name: string): DriverSince | undefined {
    const key = text.encode(name)
    const found = this.read(cellKey(SYSTEM_STORAGE.drivers2.rootKey, key), SYSTEM_STORAGE.drivers2.value)
    if (found !== undefined) return found
    const early = this.read(cellKey(SYSTEM_STORAGE.drivers.rootKey, key), SYSTEM_STORAGE.drivers.value)
    return early === undefined ? undefined : [0, early]
  }

  setDriver(name: string, driver: DriverSince): void {
    this.write(cellKey(SYSTEM_STORAGE.drivers2.rootKey, text.encode(name)), SYSTEM_STORAGE.drivers2.value, driver)
  }

  /** Drivers that a name had before, oldest first; undefined where there were none. */
  driverHistory(name: string): readonly DriverSince[] | undefined {
    return this.read(cellKey(SYSTEM_STORAGE.driversHistory.rootKey, text.encode(name)), SYSTEM_STORAGE.driversHistory.value)
  }

  setDriverHistory(name: string, history: readonly DriverSince[]): void {
    this.write(cellKey(SYSTEM_STORAGE.driversHistory.rootKey, text.encode(name)), SYSTEM_STORAGE.driversHistory.value, history)
  }
}
