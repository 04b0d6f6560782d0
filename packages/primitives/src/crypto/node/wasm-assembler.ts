/**
 * Owns writing WebAssembly modules from TypeScript: just the instructions that field arithmetic and keccak need, straight-line
 * code on 32-bit addresses and 64-bit values. Spec: https://webassembly.github.io/spec/core/binary/
 */
import { assert } from '../../assert.ts'

const I32 = 0x7f
const I64 = 0x7e

const unsignedLeb = (value: number): number[] => {
  const out: number[] = []
  let rest = value >>> 0
  do {
    const byte = rest & 0x7f
    rest >>>= 7
    out.push(rest === 0 ? byte : byte | 0x80)
  } while (rest !== 0)
  return out
}

const signedLeb = (value: bigint): number[] => {
  const out: number[] = []
  let rest = value
  for (;;) {
    const byte = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0)) return [...out, byte]
    out.push(byte | 0x80)
  }
}

const vector = (items: readonly (readonly number[])[]): number[] => [...unsignedLeb(items.length), ...items.flat()]
const section = (id: number, content: readonly number[]): number[] => [id, ...unsignedLeb(content.length), ...content]

/** Instructions without immediates, by their names in the specification. */
const plain = {
  'i32.add': 0x6a, 'i32.sub': 0x6b,
  'i64.add': 0x7c, 'i64.sub': 0x7d, 'i64.mul': 0x7e, 'i64.and': 0x83, 'i64.xor': 0x85, 'i64.shl': 0x86, 'i64.shr_s': 0x87, 'i64.rotl': 0x89,
} as const

/** Writes the body of one function. Parameters are i32; locals are allocated one by one. */
export class FunctionWriter {
  private readonly code: number[] = []
  private readonly localTypes: number[] = []
  private readonly parameters: number

  constructor(parameters: number) {
    this.parameters = parameters
  }

  /** A new 64-bit local. */
  local(): number {
    this.localTypes.push(I64)
    return this.parameters + this.localTypes.length - 1
  }

  /** A new 32-bit local. */
  addressLocal(): number {
    this.localTypes.push(I32)
    return this.parameters + this.localTypes.length - 1
  }

  op(name: keyof typeof plain): this {
    this.code.push(plain[name])
    return this
  }

  get(local: number): this {
    this.code.push(0x20, ...unsignedLeb(local))
    return this
  }

  set(local: number): this {
    this.code.push(0x21, ...unsignedLeb(local))
    return this
  }

  const32(value: number): this {
    this.code.push(0x41, ...signedLeb(BigInt(value)))
    return this
  }

  const64(value: bigint): this {
    this.code.push(0x42, ...signedLeb(value))
    return this
  }

  /** Pops an address, pushes the sign-extended 32-bit integer at address + offset. */
  load32(offset: number): this {
    this.code.push(0x34, 2, ...unsignedLeb(offset))
    return this
  }

  /** Pops an address and a value, stores its low 32 bits at address + offset. */
  store32(offset: number): this {
    this.code.push(0x3e, 2, ...unsignedLeb(offset))
    return this
  }

  load64(offset: number): this {
    this.code.push(0x29, 3, ...unsignedLeb(offset))
    return this
  }

  store64(offset: number): this {
    this.code.push(0x37, 3, ...unsignedLeb(offset))
    return this
  }

  call(index: number): this {
    this.code.push(0x10, ...unsignedLeb(index))
    return this
  }

  /** Runs `body` again and again until the 32-bit `counter`, lowered by `step` after each round, is zero. At least once. */
  repeat(counter: number, step: number, body: () => void): this {
    this.code.push(0x03, 0x40)
    body()
    this.get(counter).const32(step).op('i32.sub')
    this.code.push(0x22, ...unsignedLeb(counter), 0x0d, 0)
    this.code.push(0x0b)
    return this
  }

  /** The function as an entry of the code section. */
  finish(): number[] {
    const body = [...vector(this.localTypes.map((type) => [1, type])), ...this.code, 0x0b]
    return [...unsignedLeb(body.length), ...body]
  }
}

/** Collects functions (all of them `(i32 …) → nothing`) into a module with one memory, exported as `memory`. */
export class ModuleWriter {
  private readonly functions: { name: string; parameters: number; body: number[] }[] = []

  /** Adds a function, exported under its name, and returns its index for `call`. */
  add(name: string, parameters: number, write: (writer: FunctionWriter) => void): number {
    const writer = new FunctionWriter(parameters)
    write(writer)
    this.functions.push({ name, parameters, body: writer.finish() })
    return this.functions.length - 1
  }

  /** The binary module; its memory has `pages` pages of 64 KiB and does not grow. */
  finish(pages: number): Uint8Array<ArrayBuffer> {
    const text = (name: string): number[] => {
      assert(/^[a-zA-Z0-9]+$/.test(name), 'names of Wasm exports are plain')
      return [...unsignedLeb(name.length), ...Array.from(name, (character) => character.charCodeAt(0))]
    }
    return Uint8Array.from([
      0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
      ...section(1, vector(this.functions.map(({ parameters }) => [0x60, ...vector(Array.from({ length: parameters }, () => [I32])), 0]))),
      ...section(3, vector(this.functions.map((_function, index) => unsignedLeb(index)))),
      ...section(5, vector([[1, ...unsignedLeb(pages), ...unsignedLeb(pages)]])),
      ...section(7, vector([[...text('memory'), 2, 0], ...this.functions.map(({ name }, index) => [...text(name), 0, ...unsignedLeb(index)])])),
      ...section(10, vector(this.functions.map(({ body }) => body))),
    ])
  }
}
