/** Owns small WebAssembly modules for tests, put together byte by byte: valid ones, and those no honest tool chain makes. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'

/** Unsigned LEB128. */
export const leb = (value: number): number[] => {
  const out: number[] = []
  let rest = value
  do {
    out.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return out
}

const list = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()]
const text = (value: string): number[] => [...leb(utf8(value).length), ...utf8(value)]

/** A section of a module. */
const section = (id: number, content: readonly number[]): number[] => [id, ...leb(content.length), ...content]

/** A function: its type's index, groups of locals, and instructions without the last end. */
export interface TestFunction {
  readonly type?: number
  readonly locals?: readonly (readonly [count: number, type: number])[]
  readonly body: readonly number[]
}

/** Parts of a module. Type 0 is always `() -> ()`, type 1 `(i32) -> ()`, type 2 `(i32, i32) -> i32`, type 3 `(i32, i32, i32) -> ()`. */
export interface TestModule {
  readonly types?: readonly (readonly number[])[]
  readonly imports?: readonly { readonly module: string; readonly name: string; readonly type: number }[]
  readonly memory?: readonly number[]
  readonly functions: readonly TestFunction[]
  readonly table?: readonly number[]
  readonly globals?: readonly (readonly number[])[]
  /** Index among the module's own functions; `deploy` and `call` default to the first. */
  readonly exports?: Readonly<Record<string, number>>
  readonly elements?: readonly (readonly number[])[]
  readonly data?: readonly (readonly number[])[]
}

const TYPES: readonly (readonly number[])[] = [[0x60, 0, 0], [0x60, 1, 0x7f, 0], [0x60, 2, 0x7f, 0x7f, 1, 0x7f], [0x60, 3, 0x7f, 0x7f, 0x7f, 0]]

/** Bytes of a module. `memory` are limits of the imported memory, by default 1 to 16 pages. */
export const wasmModule = (parts: TestModule): Uint8Array => {
  const imports = parts.imports ?? []
  const exported = parts.exports ?? { deploy: 0, call: 0 }
  const sections = [
    section(1, list([...TYPES, ...(parts.types ?? [])])),
    section(2, list([
      ...imports.map(({ module, name, type }) => [...text(module), ...text(name), 0, ...leb(type)]),
      [...text('env'), ...text('memory'), 2, ...(parts.memory ?? [1, 1, 16])],
    ])),
    section(3, list(parts.functions.map(({ type }) => leb(type ?? 0)))),
    ...(parts.table === undefined ? [] : [section(4, list([[0x70, ...parts.table]]))]),
    ...(parts.globals === undefined ? [] : [section(6, list(parts.globals))]),
    section(7, list(Object.entries(exported).map(([name, index]) => [...text(name), 0, ...leb(imports.length + index)]))),
    ...(parts.elements === undefined ? [] : [section(9, list(parts.elements))]),
    section(10, list(parts.functions.map(({ locals, body }) => {
      const code = [...list((locals ?? []).map(([count, type]) => [...leb(count), type])), ...body, 0x0b]
      return [...leb(code.length), ...code]
    }))),
    ...(parts.data === undefined ? [] : [section(11, list(parts.data))]),
  ]
  return concatBytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), Uint8Array.from(sections.flat()))
}
