/**
 * Owns the script that runs in every context before a contract: it makes `host`, TextEncoder, TextDecoder and a seeded
 * Math.random, takes away what differs between runs, and calls the entry point. It talks to the worker over one buffer (the box)
 * in the layout of message.ts. Its bytes bear on gas: a change of them is a change of the rules of the cluster.
 *
 * What it takes from the context it takes before the contract runs, so that a contract that changes built-in objects does not
 * change `host`. Nothing here guards the worker: that is the module's memory and the checks of host-calls.ts.
 */
import { PRELUDE_HOST } from './prelude-host.ts'
import { PRELUDE_TEXT } from './prelude-text.ts'

const BOX = String.raw`
(function (native, firstBox) {
'use strict'
const global = globalThis
const { apply, getOwnPropertyDescriptor, defineProperty, getPrototypeOf, ownKeys } = Reflect
const { freeze } = Object
const U8 = Uint8Array, U32 = Uint32Array, U64 = BigUint64Array, Err = Error, TypeErr = TypeError, RangeErr = RangeError
const Str = String, Big = BigInt
const typedArray = getPrototypeOf(U8.prototype)
const tagOf = getOwnPropertyDescriptor(typedArray, Symbol.toStringTag).get
const lengthOf = getOwnPropertyDescriptor(typedArray, 'length').get
const bufferOf = getOwnPropertyDescriptor(typedArray, 'buffer').get
const offsetOf = getOwnPropertyDescriptor(typedArray, 'byteOffset').get
const byteLengthOf = getOwnPropertyDescriptor(typedArray, 'byteLength').get
const { set: setAll, slice } = typedArray
const { then: promiseThen } = Promise.prototype
const PromiseOf = Promise
const { isSafeInteger } = Number
const { fromCharCode } = String
const { charCodeAt, slice: sliceText } = String.prototype

// The box. What it is asked with is put into arrays made once, since to make them takes longer than the asking.
const NONE = [], PAIR = [undefined, undefined]
let box8, box32, box64, boxLength, at
const adopt = (buffer) => {
  box8 = new U8(buffer)
  box32 = new U32(buffer)
  box64 = new U64(buffer)
  boxLength = apply(lengthOf, box8, NONE)
  // So that slices of it are made by the built-in constructor, whatever became of the prototype.
  defineProperty(box8, 'constructor', { value: undefined })
}
adopt(firstBox)
const send = () => {
  box32[1] = at
  const grown = native()
  if (grown !== undefined) adopt(grown)
  at = 8
}
const begin = (operation, size) => {
  if (size + 8 > boxLength) {
    box32[0] = 0
    box32[2] = size + 8
    at = 16
    send()
  }
  box32[0] = operation
  at = 8
}
// Written to be short in steps, not in lines: every host call runs through these.
const putNumber = (value) => {
  box32[at >> 2] = value
  at += 8
}
const putBig = (value) => {
  box64[at >> 3] = value
  at += 8
}
const putBalance = (value) => {
  putBig(value)
  putBig(value >> 64n)
}
const putBytes = (bytes, length) => {
  box32[at >> 2] = length
  PAIR[0] = bytes
  PAIR[1] = at += 8
  apply(setAll, box8, PAIR)
  PAIR[0] = undefined
  at += (length + 7) & ~7
}
const takeNumber = () => {
  const value = box32[at >> 2]
  at += 8
  return value
}
const takeBig = () => {
  const value = box64[at >> 3]
  at += 8
  return value
}
const takeBalance = () => {
  const low = takeBig()
  return low | (takeBig() << 64n)
}
const takeBytes = () => {
  const length = box32[at >> 2]
  PAIR[0] = at += 8
  PAIR[1] = at + length
  at += (length + 7) & ~7
  return apply(slice, box8, PAIR)
}
const takeOptional = () => (takeNumber() === 0 ? undefined : takeBytes())

// What arguments must be.
const PAYLOAD_MAX = 1048576
const isBytes = (value) => typeof value === 'object' && value !== null && apply(tagOf, value, NONE) === 'Uint8Array'
/** Checks bytes. Gives their length. */
const bytesOf = (value, name, max) => {
  if (typeof value !== 'object' || value === null || apply(tagOf, value, NONE) !== 'Uint8Array') throw new TypeErr(name + ' must be a Uint8Array')
  const length = apply(lengthOf, value, NONE)
  if (length > max) throw new RangeErr(name + ' has ' + length + ' bytes, ' + max + ' are allowed')
  return length
}
const fixed = (value, name, length) => {
  if (bytesOf(value, name, length) !== length) throw new RangeErr(name + ' must have ' + length + ' bytes')
}
const keyOf = (key) => {
  const length = bytesOf(key, 'key', 128)
  if (length === 0) throw new RangeErr('key must not be empty')
  return length
}
const big = (value, name, bits) => {
  if (typeof value !== 'bigint') throw new TypeErr(name + ' must be a bigint')
  if (value < 0n || value >> bits !== 0n) throw new RangeErr(name + ' must be from 0 to 2^' + bits + ' - 1')
}
const whole = (value, name, max) => {
  if (!isSafeInteger(value) || value < 0 || value > max) throw new RangeErr(name + ' must be a whole number up to ' + max)
}
const record = (value, name) => {
  if (typeof value !== 'object' || value === null) throw new TypeErr(name + ' must be an object')
  return value
}

`

const RUN = String.raw`
// Random numbers: sfc32 from the seed of the frame.
let words
const next = () => {
  const sum = (words[0] + words[1] + words[3]) | 0
  words[3] = (words[3] + 1) | 0
  words[0] = words[1] ^ (words[1] >>> 9)
  words[1] = (words[2] + (words[2] << 3)) | 0
  words[2] = (((words[2] << 21) | (words[2] >>> 11)) + sum) | 0
  return sum >>> 0
}
defineProperty(Math, 'random', {
  value: function random() {
    if (words === undefined) {
      const seed = host.randomSeed(encode('Math.random'))
      words = [0, 4, 8, 12].map((i) => seed[i] | (seed[i + 1] << 8) | (seed[i + 2] << 16) | (seed[i + 3] << 24))
      for (let i = 0; i < 12; i++) next()
    }
    return ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992
  },
  writable: true, enumerable: false, configurable: true,
})
// The pinned QuickJS gives negative results for negative numbers here.
const { asUintN: wrongAsUintN } = Big
defineProperty(Big, 'asUintN', {
  value: { asUintN(bits, value) { return value < 0n && typeof value === 'bigint' ? value & ((1n << Big(bits)) - 1n) : apply(wrongAsUintN, Big, [bits, value]) } }.asUintN,
  writable: true, enumerable: false, configurable: true,
})
for (const name of ['WeakRef', 'FinalizationRegistry', 'SharedArrayBuffer', 'Atomics']) delete global[name]

// The run.
const LOCATED = ['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError', 'InternalError', 'URIError', 'EvalError', 'AggregateError']
const REASON_MAX = 1024
const explain = (error) => {
  try {
    if (!(error instanceof Err)) return 'uncaught: ' + (typeof error === 'symbol' ? 'a symbol' : Str(error))
    const name = Str(error.name), message = Str(error.message)
    if (name === 'Error') return message
    let isKnown = false
    for (let i = 0; i < LOCATED.length; i++) isKnown = isKnown || LOCATED[i] === name
    const place = isKnown ? /contract\.js:\d+:\d+/.exec(Str(error.stack)) : null
    return name + ': ' + message + (place === null ? '' : ' (' + place[0] + ')')
  } catch {
    return 'an exception that cannot be shown'
  }
}
const RETURNED = 0, REVERTED = 1, FAILED = 2
let kind = FAILED, content = encode('it waits for something that never comes')
const fail = (error) => {
  kind = FAILED
  content = encode(apply(sliceText, explain(error), [0, REASON_MAX]))
}
const settle = (result) => {
  try {
    const isRevert = typeof result === 'object' && result !== null && !isBytes(result)
    const bytes = isRevert ? result.revert : result
    if (!isBytes(bytes)) throw new TypeErr('phalanxContract returned neither a Uint8Array nor { revert: Uint8Array }')
    bytesOf(bytes, 'what phalanxContract returned', PAYLOAD_MAX)
    kind = isRevert ? REVERTED : RETURNED
    content = bytes
  } catch (error) {
    fail(error)
  }
}
const run = () => {
  at = 8
  const entry = takeNumber() === 0 ? 'deploy' : 'call'
  const input = takeBytes()
  try {
    const main = global.phalanxContract
    if (typeof main !== 'function') throw new TypeErr('the code does not set globalThis.phalanxContract to a function')
    const result = apply(main, undefined, [entry, input])
    if (typeof result === 'object' && result !== null && !isBytes(result) && typeof result.then === 'function') {
      apply(promiseThen, new PromiseOf((resolve) => resolve(result)), [settle, fail])
    } else settle(result)
  } catch (error) {
    fail(error)
  }
}
return (step, value) => {
  if (step === 0) {
    if (value !== undefined) adopt(value)
    run()
  } else if (step === 1) {
    const length = apply(lengthOf, content, NONE)
    begin(kind, length + 24)
    putBytes(content, length)
    box32[1] = at
  } else fail(value)
}
})
`

/** Evaluates to `(native, box) => control`. Steps of `control(step, value)`: 0 run the entry point (value: a new box or undefined), 1 write how it ended, 2 note the exception `value`. */
export const PRELUDE: string = BOX + PRELUDE_TEXT + PRELUDE_HOST + RUN
