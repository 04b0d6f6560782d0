/**
 * Owns the script that runs in every context before a contract: it makes `host`, TextEncoder, TextDecoder and a seeded
 * Math.random, takes away what differs between runs, and calls the entry point. It talks to the worker over one buffer (the box)
 * in the layout of message.ts. Its bytes bear on gas: a change of them is a change of the rules of the cluster.
 *
 * What it takes from the context it takes before the contract runs, so that a contract that changes built-in objects does not
 * change `host`. Nothing here guards the worker: that is the module's memory and the checks of host-calls.ts.
 */

/** Evaluates to `(native, box) => control`. Steps of `control(step, value)`: 0 run the entry point (value: a new box or undefined), 1 write how it ended, 2 note the exception `value`. */
export const PRELUDE: string = String.raw`
(function (native, firstBox) {
'use strict'
const global = globalThis
const { apply, getOwnPropertyDescriptor, defineProperty, getPrototypeOf, ownKeys } = Reflect
const { freeze } = Object
const U8 = Uint8Array, U32 = Uint32Array, U64 = BigUint64Array, Err = Error, TypeErr = TypeError, RangeErr = RangeError
const Str = String, Num = Number, Big = BigInt
const typedArray = getPrototypeOf(U8.prototype)
const tagOf = getOwnPropertyDescriptor(typedArray, Symbol.toStringTag).get
const lengthOf = getOwnPropertyDescriptor(typedArray, 'length').get
const bufferOf = getOwnPropertyDescriptor(typedArray, 'buffer').get
const offsetOf = getOwnPropertyDescriptor(typedArray, 'byteOffset').get
const byteLengthOf = getOwnPropertyDescriptor(typedArray, 'byteLength').get
const setAll = typedArray.set
const { then: promiseThen } = Promise.prototype
const PromiseOf = Promise
const { isSafeInteger } = Number
const { fromCharCode } = String
const { charCodeAt, slice: sliceText } = String.prototype

// The box.
let box, box8, box32, box64, at
const adopt = (buffer) => {
  box = buffer
  box8 = new U8(buffer)
  box32 = new U32(buffer)
  box64 = new U64(buffer)
}
adopt(firstBox)
const send = () => {
  box32[1] = at
  const grown = native()
  if (grown !== undefined) adopt(grown)
  at = 8
}
const padded = (length) => (length + 7) & ~7
const begin = (operation, size) => {
  if (size + 8 > apply(lengthOf, box8, [])) {
    box32[0] = 0
    box32[2] = size + 8
    at = 16
    send()
  }
  box32[0] = operation
  at = 8
}
const putNumber = (value) => {
  box32[at >> 2] = value
  box32[(at >> 2) + 1] = 0
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
const putBytes = (bytes) => {
  const length = apply(lengthOf, bytes, [])
  putNumber(length)
  apply(setAll, box8, [bytes, at])
  at += padded(length)
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
  const length = takeNumber()
  const bytes = new U8(length)
  apply(setAll, bytes, [new U8(box, at, length)])
  at += padded(length)
  return bytes
}
const takeOptional = () => (takeNumber() === 0 ? undefined : takeBytes())

// What arguments must be.
const PAYLOAD_MAX = 1048576
const isBytes = (value) => typeof value === 'object' && value !== null && apply2(tagOf, value) === 'Uint8Array'
function apply2(getter, value) {
  try {
    return apply(getter, value, [])
  } catch {
    return undefined
  }
}
const bytesOf = (value, name, max) => {
  if (!isBytes(value)) throw new TypeErr(name + ' must be a Uint8Array')
  const length = apply(lengthOf, value, [])
  if (length > max) throw new RangeErr(name + ' has ' + length + ' bytes, ' + max + ' are allowed')
  return length
}
const payload = (value, name) => padded(bytesOf(value, name, PAYLOAD_MAX)) + 8
const fixed = (value, name, length) => {
  if (bytesOf(value, name, length) !== length) throw new RangeErr(name + ' must have ' + length + ' bytes')
}
const keyOf = (key) => {
  if (bytesOf(key, 'key', 128) === 0) throw new RangeErr('key must not be empty')
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

// Text.
const encode = (text) => {
  const { length } = text
  const bytes = new U8(length)
  for (let i = 0; i < length; i++) {
    const code = apply(charCodeAt, text, [i])
    if (code > 127) return encodeWide(text, length)
    bytes[i] = code
  }
  return bytes
}
const encodeWide = (text, length) => {
  const bytes = new U8(length * 3)
  let end = 0
  for (let i = 0; i < length; i++) {
    let code = apply(charCodeAt, text, [i])
    if (code >= 0xd800 && code < 0xe000) {
      const next = code < 0xdc00 && i + 1 < length ? apply(charCodeAt, text, [i + 1]) : 0
      if (next >= 0xdc00 && next < 0xe000) {
        code = ((code - 0xd800) << 10) + next - 0xdc00 + 0x10000
        i++
      } else code = 0xfffd
    }
    if (code < 0x80) bytes[end++] = code
    else {
      if (code < 0x800) bytes[end++] = 0xc0 | (code >> 6)
      else {
        if (code < 0x10000) bytes[end++] = 0xe0 | (code >> 12)
        else {
          bytes[end++] = 0xf0 | (code >> 18)
          bytes[end++] = 0x80 | ((code >> 12) & 0x3f)
        }
        bytes[end++] = 0x80 | ((code >> 6) & 0x3f)
      }
      bytes[end++] = 0x80 | (code & 0x3f)
    }
  }
  const out = new U8(end)
  apply(setAll, out, [new U8(apply(bufferOf, bytes, []), 0, end)])
  return out
}
const decode = (bytes, isFatal, keepsMark) => {
  const length = apply(lengthOf, bytes, [])
  let text = '', codes = [], used = 0
  const add = (code) => {
    codes[used++] = code
    if (used < 1024) return
    text += apply(fromCharCode, undefined, codes)
    codes = []
    used = 0
  }
  const wrong = () => {
    if (isFatal) throw new TypeErr('the bytes are not UTF-8')
    add(0xfffd)
  }
  let i = 0
  if (!keepsMark && length > 2 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) i = 3
  while (i < length) {
    const first = bytes[i++]
    if (first < 0x80) {
      add(first)
      continue
    }
    let left = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0
    if (left === 0) {
      wrong()
      continue
    }
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    let code = first & (left === 1 ? 0x1f : left === 2 ? 0x0f : 0x07)
    for (; left > 0 && i < length && bytes[i] >= low && bytes[i] <= high; left--, low = 0x80, high = 0xbf) code = (code << 6) | (bytes[i++] & 0x3f)
    if (left > 0) wrong()
    else if (code < 0x10000) add(code)
    else {
      add(0xd800 + ((code - 0x10000) >> 10))
      add(0xdc00 + (code & 0x3ff))
    }
  }
  return used === 0 ? text : text + apply(fromCharCode, undefined, codes)
}
const viewOf = (source) => {
  if (source === undefined) return new U8(0)
  if (isBytes(source)) return source
  if (typeof source === 'object' && source !== null && apply2(tagOf, source) !== undefined)
    return new U8(apply(bufferOf, source, []), apply(offsetOf, source, []), apply(byteLengthOf, source, []))
  if (source instanceof DataView) return new U8(source.buffer, source.byteOffset, source.byteLength)
  if (source instanceof ArrayBuffer) return new U8(source)
  throw new TypeErr('bytes to decode must be an ArrayBuffer or a view of one')
}
const define = (name, value) => defineProperty(global, name, { value, writable: true, enumerable: false, configurable: true })
define('TextEncoder', class TextEncoder {
  get encoding() { return 'utf-8' }
  encode(text = '') { return encode(Str(text)) }
  encodeInto(text, target) {
    const source = Str(text)
    let read = 0, written = 0
    while (read < source.length) {
      const step = source.codePointAt(read) > 0xffff ? 2 : 1
      const bytes = encode(source.slice(read, read + step))
      if (written + bytes.length > target.length) break
      target.set(bytes, written)
      read += step
      written += bytes.length
    }
    return { read, written }
  }
})
define('TextDecoder', class TextDecoder {
  #isFatal
  #keepsMark
  constructor(label = 'utf-8', options = {}) {
    const name = Str(label).trim().toLowerCase()
    if (name !== 'utf-8' && name !== 'utf8' && name !== 'unicode-1-1-utf-8') throw new RangeErr('only UTF-8 can be decoded')
    this.#isFatal = !!(options && options.fatal)
    this.#keepsMark = !!(options && options.ignoreBOM)
  }
  get encoding() { return 'utf-8' }
  get fatal() { return this.#isFatal }
  get ignoreBOM() { return this.#keepsMark }
  decode(source, options) {
    if (options !== undefined && options !== null && options.stream) throw new TypeErr('decoding in parts is not offered')
    return decode(viewOf(source), this.#isFatal, this.#keepsMark)
  }
})

// What the contract is told.
let facts
const info = () => {
  if (facts !== undefined) return facts
  begin(1, 0)
  send()
  const entry = takeNumber() === 0 ? 'deploy' : 'call'
  const mode = ['Query', 'Estimating', 'Transaction'][takeNumber()]
  const blockNumber = takeNumber()
  const nowMs = takeBig()
  const value = takeBalance()
  const minimumBalance = takeBalance()
  const address = takeBytes()
  const caller = takeOptional()
  facts = { entry, mode, blockNumber, nowMs, value, minimumBalance, address, caller, codeHash: undefined }
  return facts
}
const ERRORS = ['Trapped', 'TransferFailed', 'CodeNotFound', 'NotCallable']
const outcome = () => {
  if (takeNumber() === 0) return { ok: false, error: ERRORS[takeNumber()] }
  const flags = takeNumber()
  return { ok: true, flags, data: takeBytes() }
}
const ask = (operation) => {
  begin(operation, 0)
  send()
}
const askFor = (operation, hash, name) => {
  fixed(hash, name, 32)
  begin(operation, 64)
  putBytes(hash)
  send()
}
const KINDS = ['blake2b256', 'blake2b128', 'sha256', 'keccak256']

const host = {
  get entry() { return info().entry },
  get mode() { return info().mode },
  get caller() { return info().caller },
  get address() { return info().address },
  get value() { return info().value },
  get blockNumber() { return info().blockNumber },
  get nowMs() { return info().nowMs },
  get minimumBalance() { return info().minimumBalance },
  get codeHash() {
    ask(2)
    return takeBytes()
  },
  gasLeft() {
    ask(3)
    return takeBig()
  },
  balance() {
    ask(4)
    return takeBalance()
  },
  getStorage(key) {
    keyOf(key)
    begin(5, 160)
    putBytes(key)
    send()
    return takeOptional()
  },
  setStorage(key, value) {
    keyOf(key)
    begin(6, 168 + (value === undefined ? 0 : payload(value, 'value')))
    putBytes(key)
    putNumber(value === undefined ? 0 : 1)
    if (value !== undefined) putBytes(value)
    send()
  },
  transfer(to, value) {
    fixed(to, 'to', 32)
    big(value, 'value', 128n)
    begin(7, 80)
    putBytes(to)
    putBalance(value)
    send()
    return takeNumber() === 1
  },
  call(request) {
    const { callee, value = 0n, input, gasLimit = 0n, allowReentry = false } = record(request, 'request')
    fixed(callee, 'callee', 32)
    big(value, 'value', 128n)
    big(gasLimit, 'gasLimit', 64n)
    begin(8, 96 + payload(input, 'input'))
    putBytes(callee)
    putBalance(value)
    putBig(gasLimit)
    putNumber(allowReentry ? 1 : 0)
    putBytes(input)
    send()
    return outcome()
  },
  delegateCall(request) {
    const { codeHash, input } = record(request, 'request')
    fixed(codeHash, 'codeHash', 32)
    begin(9, 64 + payload(input, 'input'))
    putBytes(codeHash)
    putBytes(input)
    send()
    return outcome()
  },
  instantiate(request) {
    const { codeHash, value = 0n, input, salt = new U8(0), gasLimit = 0n } = record(request, 'request')
    fixed(codeHash, 'codeHash', 32)
    big(value, 'value', 128n)
    big(gasLimit, 'gasLimit', 64n)
    begin(10, 96 + payload(input, 'input') + payload(salt, 'salt'))
    putBytes(codeHash)
    putBalance(value)
    putBig(gasLimit)
    putBytes(input)
    putBytes(salt)
    send()
    const address = takeBytes()
    const end = outcome()
    end.address = address
    return end
  },
  terminate(beneficiary) {
    askFor(11, beneficiary, 'beneficiary')
  },
  setCodeHash(codeHash) {
    askFor(12, codeHash, 'codeHash')
    return takeNumber() === 1
  },
  codeHashOf(account) {
    askFor(13, account, 'account')
    return takeOptional()
  },
  emitEvent(topics, data) {
    const list = [...topics]
    if (list.length > 4) throw new RangeErr('an event may have 4 topics')
    for (let i = 0; i < list.length; i++) fixed(list[i], 'a topic', 32)
    begin(14, 192 + payload(data, 'data'))
    putNumber(list.length)
    for (let i = 0; i < list.length; i++) putBytes(list[i])
    putBytes(data)
    send()
  },
  log(level, message) {
    whole(level, 'level', 5)
    const bytes = encode(Str(message))
    begin(15, 8 + payload(bytes, 'message'))
    putNumber(level)
    putBytes(bytes)
    send()
  },
  chainExtension(id, input) {
    whole(id, 'id', 65535)
    begin(16, 8 + payload(input, 'input'))
    putNumber(id)
    putBytes(input)
    send()
    const status = takeNumber()
    return { status, output: takeBytes() }
  },
  randomSeed(subject) {
    bytesOf(subject, 'subject', 32)
    begin(17, 64)
    putBytes(subject)
    send()
    return takeBytes()
  },
  hash(kind, bytes) {
    let index = 0
    while (index < 4 && KINDS[index] !== kind) index++
    if (index === 4) throw new RangeErr('there is no hash of this kind')
    begin(18, 8 + payload(bytes, 'bytes'))
    putNumber(index)
    putBytes(bytes)
    send()
    return takeBytes()
  },
}
freeze(host)
for (const key of ownKeys(host)) {
  const { get, value } = getOwnPropertyDescriptor(host, key)
  freeze(get === undefined ? value : get)
}
defineProperty(global, 'host', { value: host, writable: false, enumerable: true, configurable: false })

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
    begin(kind, padded(apply(lengthOf, content, [])) + 16)
    putBytes(content)
    box32[1] = at
  } else fail(value)
}
})
`
