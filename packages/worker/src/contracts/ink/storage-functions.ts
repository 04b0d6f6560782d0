/** Owns the seal functions for contract storage. Keys have 32 bytes in the first interface, 1 to 128 in the later ones. */
import { CODE, type SealFunction } from './abi.ts'
import { PAYLOAD_MAX, SENTINEL, trap, type InkFrame } from './frame.ts'

const FIXED_KEY = 32
const KEY_MAX = 128

const readKey = (frame: InkFrame, pointer: number, length = FIXED_KEY): Uint8Array => {
  if (length > KEY_MAX || length === 0) throw trap('DecodingFailed', `a storage key has ${length} bytes, 1 to ${KEY_MAX} are allowed`)
  return frame.read(pointer, length)
}

const readValue = (frame: InkFrame, pointer: number, length: number): Uint8Array => {
  if (length > PAYLOAD_MAX) throw trap('ValueTooLarge', `a value has ${length} bytes, ${PAYLOAD_MAX} are allowed`)
  return frame.read(pointer, length)
}

const set = (frame: InkFrame, key: Uint8Array, value: Uint8Array | undefined): number => frame.host.setStorage(key, value) ?? SENTINEL

const get = (frame: InkFrame, key: Uint8Array, output: { readonly pointer: number; readonly lengthPointer: number }): number => {
  const value = frame.host.getStorage(key)
  if (value === undefined) return CODE.keyNotFound
  frame.writeOutput(output, value)
  return CODE.success
}

const setFixed: SealFunction['run'] = (frame, args) => set(frame, readKey(frame, args.n(0)), readValue(frame, args.n(1), args.n(2)))

/** Storage functions by interface and name. */
export const STORAGE_FUNCTIONS: Readonly<Record<string, SealFunction>> = {
  'seal0.set_storage': { signature: 'iii>', run: (frame, args) => void setFixed(frame, args) },
  'seal1.set_storage': { signature: 'iii>i', run: setFixed },
  'seal2.set_storage': { signature: 'iiii>i', run: (frame, args) => set(frame, readKey(frame, args.n(0), args.n(1)), readValue(frame, args.n(2), args.n(3))) },
  'seal0.clear_storage': { signature: 'i>', run: (frame, args) => void set(frame, readKey(frame, args.n(0)), undefined) },
  'seal1.clear_storage': { signature: 'ii>i', run: (frame, args) => set(frame, readKey(frame, args.n(0), args.n(1)), undefined) },
  'seal0.get_storage': { signature: 'iii>i', run: (frame, args) => get(frame, readKey(frame, args.n(0)), { pointer: args.n(1), lengthPointer: args.n(2) }) },
  'seal1.get_storage': { signature: 'iiii>i', run: (frame, args) => get(frame, readKey(frame, args.n(0), args.n(1)), { pointer: args.n(2), lengthPointer: args.n(3) }) },
  'seal0.contains_storage': { signature: 'i>i', run: (frame, args) => frame.host.storageLength(readKey(frame, args.n(0))) ?? SENTINEL },
  'seal1.contains_storage': { signature: 'ii>i', run: (frame, args) => frame.host.storageLength(readKey(frame, args.n(0), args.n(1))) ?? SENTINEL },
  'seal0.take_storage': {
    signature: 'iiii>i',
    run(frame, args) {
      const key = readKey(frame, args.n(0), args.n(1))
      const code = get(frame, key, { pointer: args.n(2), lengthPointer: args.n(3) })
      if (code === CODE.success) frame.host.setStorage(key, undefined)
      return code
    },
  },
}
