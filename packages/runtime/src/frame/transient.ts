/** Owns values that live for one block, roll back with storage and are not part of the state. */
import type { StorageHost } from './overlay.ts'

/** A list that a block gathers. */
export interface TransientList<T> {
  append(host: StorageHost, value: T): void
  all(host: StorageHost): readonly T[]
}

const NOTHING: readonly never[] = []

/** Declares a transient list; `name` is for people. */
export const transientList = <T>(name: string): TransientList<T> => {
  const item = { name }
  return {
    append: (host, value) => host.storage.appendTransient(item, value),
    all: (host) => host.storage.transient<readonly T[]>(item) ?? NOTHING,
  }
}

/** A value that a block keeps. */
export interface TransientValue<T> {
  get(host: StorageHost): T
  set(host: StorageHost, value: T): void
}

/** Declares a transient value with what it is at the start of a block. */
export const transientValue = <T>(name: string, initial: T): TransientValue<T> => {
  const item = { name }
  return {
    get: (host) => host.storage.transient<T>(item) ?? initial,
    set: (host, value) => host.storage.setTransient(item, value),
  }
}
