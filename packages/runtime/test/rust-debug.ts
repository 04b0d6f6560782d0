/** Owns reading events in the form in which Rust prints them (`{:#?}`), as the reference's own snapshots hold them. For tests only. */

/** A printed value: numbers as bigint, `Some(x)` as x, `None` as null, bytes as hex, structs as objects. */
export type Printed = bigint | string | null | readonly Printed[] | { readonly [field: string]: Printed }

/** An event as printed. */
export interface PrintedEvent {
  readonly pallet: string
  readonly name: string
  readonly fields: Readonly<Record<string, Printed>>
}

const TOKEN = /\s*([A-Za-z_][\w:]*|\d+|[{}()[\],:])/y

const tokenize = (text: string): readonly string[] => {
  const out: string[] = []
  TOKEN.lastIndex = 0
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) out.push(found[1] as string)
  return out
}

const toHex = (bytes: readonly Printed[]): string => `0x${bytes.map((byte) => Number(byte).toString(16).padStart(2, '0')).join('')}`

/** Reads the list of events of a snapshot file. */
export const parseSnapshot = (file: string): readonly PrintedEvent[] => {
  const tokens = tokenize(file.split(/^---$/m).at(-1) ?? '')
  let at = 0
  const expect = (token: string): void => {
    if (tokens[at] !== token) throw new TypeError(`expected ${token} at token ${at}, found ${tokens[at]}`)
    at++
  }
  const list = (close: string): readonly Printed[] => {
    const out: Printed[] = []
    while (tokens[at] !== close) {
      out.push(value())
      if (tokens[at] === ',') at++
    }
    expect(close)
    return out
  }
  const struct = (): Readonly<Record<string, Printed>> => {
    const out: Record<string, Printed> = {}
    while (tokens[at] !== '}') {
      const [name] = (tokens[at++] as string).split(':') as [string]
      if (tokens[at] === ':') at++
      out[name] = value()
      if (tokens[at] === ',') at++
    }
    expect('}')
    return out
  }
  const value = (): Printed => {
    const token = tokens[at++] as string
    if (token === '[') return list(']')
    if (/^\d/.test(token)) return BigInt(token)
    if (token === 'None') return null
    if (tokens[at] === '{') {
      at++
      return { kind: token, ...struct() }
    }
    if (tokens[at] !== '(') return token
    at++
    const inner = list(')')
    if (token === 'BoundedVec') return toHex(inner[0] as readonly Printed[])
    return token.startsWith('RuntimeEvent') ? { kind: token, inner: inner[0] as Printed } : (inner[0] as Printed)
  }
  return (value() as readonly { readonly kind: string; readonly inner: Readonly<Record<string, Printed>> }[]).map(({ kind, inner }) => {
    const { kind: name, ...fields } = inner
    return { pallet: kind.replace('RuntimeEvent::', ''), name: (name as string).replace('Event::', ''), fields }
  })
}
