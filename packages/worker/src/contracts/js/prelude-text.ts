/** Owns the part of the prelude that turns text into UTF-8 and back: TextEncoder and TextDecoder as the web has them, without decoding in parts. */

/** Source text, put together with the others by prelude.ts. */
export const PRELUDE_TEXT: string = String.raw`
// Text.
const INDEX = [0]
const codeAt = (text, index) => {
  INDEX[0] = index
  return apply(charCodeAt, text, INDEX)
}
const encode = (text) => {
  const { length } = text
  const bytes = new U8(length)
  for (let i = 0; i < length; i++) {
    const code = codeAt(text, i)
    if (code > 127) return encodeWide(text, length)
    bytes[i] = code
  }
  return bytes
}
const encodeWide = (text, length) => {
  const bytes = new U8(length * 3)
  let end = 0
  for (let i = 0; i < length; i++) {
    let code = codeAt(text, i)
    if (code >= 0xd800 && code < 0xe000) {
      const next = code < 0xdc00 && i + 1 < length ? codeAt(text, i + 1) : 0
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
  apply(setAll, out, [new U8(apply(bufferOf, bytes, NONE), 0, end)])
  return out
}
const decode = (bytes, isFatal, keepsMark) => {
  const length = apply(lengthOf, bytes, NONE)
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
  if (typeof source === 'object' && source !== null && apply(tagOf, source, NONE) !== undefined)
    return new U8(apply(bufferOf, source, NONE), apply(offsetOf, source, NONE), apply(byteLengthOf, source, NONE))
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

`
