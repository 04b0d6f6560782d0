/**
 * Owns reading a small, strict part of XML 1.0 with namespaces, and writing it back as Canonical XML 1.1 (W3C) for signatures. No document
 * types, comments, processing instructions, CDATA, numeric references or carriage returns: signed manifests need none of them.
 */
import { attestationError } from '../../errors.ts'

/** An attribute that is no namespace declaration. `uri` is empty without a prefix. */
export interface XmlAttribute {
  readonly name: string
  readonly uri: string
  readonly local: string
  readonly value: string
}

/** An element with every namespace in scope. Children are elements and texts in order. */
export interface XmlElement {
  readonly name: string
  readonly uri: string
  readonly local: string
  readonly attributes: readonly XmlAttribute[]
  readonly scope: ReadonlyMap<string, string>
  readonly children: readonly (XmlElement | string)[]
}

const SIZE_MAX = 512 * 1024
const DEPTH_MAX = 16
const ELEMENTS_MAX = 8192
const ATTRIBUTES_MAX = 64
const NAME = /[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?/y
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'' }

const split = (name: string): { readonly prefix: string; readonly local: string } => {
  const colon = name.indexOf(':')
  return colon < 0 ? { prefix: '', local: name } : { prefix: name.slice(0, colon), local: name.slice(colon + 1) }
}

class XmlReader {
  readonly text: string
  at = 0
  elements = 0

  constructor(text: string) {
    this.text = text
  }

  bad(what: string): never {
    throw attestationError('ATTESTATION_XML_MALFORMED', `${what} at character ${this.at}`)
  }

  expect(token: string): void {
    if (!this.text.startsWith(token, this.at)) this.bad(`expected "${token}"`)
    this.at += token.length
  }

  /** Skips spaces and line feeds; returns whether there were any. */
  space(): boolean {
    const start = this.at
    while (this.text[this.at] === ' ' || this.text[this.at] === '\n') this.at++
    return this.at > start
  }

  name(): string {
    NAME.lastIndex = this.at
    const match = NAME.exec(this.text)
    if (match === null) return this.bad('expected a name')
    this.at = NAME.lastIndex
    return match[0]
  }

  /** Text up to one of the ends, entities replaced. */
  content(ends: string): string {
    let out = ''
    for (;;) {
      const character = this.text[this.at]
      if (character === undefined) return this.bad('text ends')
      if (ends.includes(character)) return out
      this.at++
      out += character === '&' ? this.entity() : character
    }
  }

  entity(): string {
    const end = this.text.indexOf(';', this.at)
    const value = end < 0 || end - this.at > 4 ? undefined : ENTITIES[this.text.slice(this.at, end)]
    if (value === undefined) return this.bad('an unknown reference')
    this.at = end + 1
    return value
  }

  attributeValue(): string {
    const quote = this.text[this.at]
    if (quote !== '"' && quote !== '\'') return this.bad('expected a quoted value')
    this.at++
    const value = this.content(`${quote}<\n`)
    if (this.text[this.at] !== quote) return this.bad('a value over several lines or with a tag')
    this.at++
    return value
  }

  /** Raw attributes of a start tag, each name once. */
  attributes(): ReadonlyMap<string, string> {
    const out = new Map<string, string>()
    for (;;) {
      const spaced = this.space()
      const next = this.text[this.at]
      if (next === '>' || next === '/') return out
      if (!spaced) return this.bad('expected a space')
      const name = this.name()
      this.expect('=')
      if (out.has(name)) return this.bad(`attribute ${name} a second time`)
      if (out.size === ATTRIBUTES_MAX) return this.bad(`more than ${ATTRIBUTES_MAX} attributes`)
      out.set(name, this.attributeValue())
    }
  }

  /** Namespaces in scope of an element: its parent's and its own. */
  scope(raw: ReadonlyMap<string, string>, outer: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
    const scope = new Map(outer)
    for (const [name, value] of raw) {
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue
      if (value === '' || name === 'xmlns:xmlns' || name === 'xmlns:xml') return this.bad('a namespace that cannot be declared')
      scope.set(name === 'xmlns' ? '' : name.slice(6), value)
    }
    return scope
  }

  element(outer: ReadonlyMap<string, string>, depth: number): XmlElement {
    if (depth > DEPTH_MAX) return this.bad(`more than ${DEPTH_MAX} levels`)
    if (++this.elements > ELEMENTS_MAX) return this.bad(`more than ${ELEMENTS_MAX} elements`)
    this.expect('<')
    const name = this.name()
    const raw = this.attributes()
    const scope = this.scope(raw, outer)
    const uriOf = (prefix: string): string => scope.get(prefix) ?? (prefix === '' ? '' : this.bad(`prefix ${prefix} is not declared`))
    const attributes = [...raw].filter(([key]) => key !== 'xmlns' && !key.startsWith('xmlns:')).map(([key, value]): XmlAttribute => {
      const { prefix, local } = split(key)
      return { name: key, uri: prefix === '' ? '' : uriOf(prefix), local, value }
    })
    if (new Set(attributes.map(({ uri, local }) => `${uri} ${local}`)).size !== attributes.length) return this.bad('one attribute by two prefixes')
    const { prefix, local } = split(name)
    return { name, uri: uriOf(prefix), local, attributes, scope, children: this.children(name, scope, depth) }
  }

  children(name: string, scope: ReadonlyMap<string, string>, depth: number): readonly (XmlElement | string)[] {
    if (this.text[this.at] === '/') {
      this.expect('/>')
      return []
    }
    this.expect('>')
    const out: (XmlElement | string)[] = []
    for (;;) {
      const text = this.content('<')
      if (text !== '') out.push(text)
      if (this.text.startsWith('</', this.at)) break
      out.push(this.element(scope, depth + 1))
    }
    this.expect('</')
    this.expect(name)
    this.space()
    this.expect('>')
    return out
  }
}

/** Parses one element that fills the text, line feeds after it aside. @throws ATTESTATION_XML_MALFORMED, ATTESTATION_INPUT_TOO_LARGE */
export const parseXml = (text: string): XmlElement => {
  if (text.length > SIZE_MAX) throw attestationError('ATTESTATION_INPUT_TOO_LARGE', `XML of ${text.length} characters, at most ${SIZE_MAX}`)
  const reader = new XmlReader(text)
  // Tabs and carriage returns change meaning when they are normalised, and other control characters are no XML at all.
  const control = /[\u0000-\u0009\u000b-\u001f\ufffe\uffff]/.exec(text)
  if (control !== null) {
    reader.at = control.index
    return reader.bad('a control character')
  }
  const root = reader.element(new Map(), 0)
  reader.space()
  if (reader.at !== text.length) return reader.bad('text after the element')
  return root
}

const escapeText = (text: string): string => text.replace(/[&<>]/g, (found) => (found === '&' ? '&amp;' : found === '<' ? '&lt;' : '&gt;'))
const escapeValue = (text: string): string => text.replace(/[&<"]/g, (found) => (found === '&' ? '&amp;' : found === '<' ? '&lt;' : '&quot;'))

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const writeElement = (element: XmlElement, rendered: ReadonlyMap<string, string>, omit: XmlElement | undefined): string => {
  const fresh = [...element.scope].filter(([prefix, uri]) => rendered.get(prefix) !== uri).sort(([a], [b]) => order(a, b))
  const namespaces = fresh.map(([prefix, uri]) => ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeValue(uri)}"`)
  const attributes = [...element.attributes].sort((a, b) => order(a.uri, b.uri) || order(a.local, b.local)).map(({ name, value }) => ` ${name}="${escapeValue(value)}"`)
  const children = element.children.map((child) => (typeof child === 'string' ? escapeText(child) : child === omit ? '' : writeElement(child, element.scope, omit)))
  return `<${element.name}${namespaces.join('')}${attributes.join('')}>${children.join('')}</${element.name}>`
}

/** Canonical XML 1.1 of an element with all namespaces in scope, one element inside it left out (enveloped signature). */
export const canonicalize = (element: XmlElement, omit?: XmlElement): string => writeElement(element, new Map(), omit)

/** Child elements of a namespace and name. */
export const childrenOf = (element: XmlElement, uri: string, local: string): readonly XmlElement[] =>
  element.children.filter((child): child is XmlElement => typeof child !== 'string' && child.uri === uri && child.local === local)

/** The only child element of a namespace and name. @throws ATTESTATION_XML_MALFORMED */
export const childOf = (element: XmlElement, uri: string, local: string): XmlElement => {
  const [only, ...more] = childrenOf(element, uri, local)
  if (only === undefined || more.length > 0) throw attestationError('ATTESTATION_XML_MALFORMED', `<${element.local}> has ${more.length + (only === undefined ? 0 : 1)} <${local}>, 1 expected`)
  return only
}

/** Value of an attribute; undefined where it is absent. */
export const attributeOf = (element: XmlElement, local: string, uri = ''): string | undefined => element.attributes.find((one) => one.local === local && one.uri === uri)?.value

/** The text of an element that holds nothing else. @throws ATTESTATION_XML_MALFORMED */
export const textOf = (element: XmlElement): string => {
  const [text = '', ...more] = element.children
  if (typeof text !== 'string' || more.length > 0) throw attestationError('ATTESTATION_XML_MALFORMED', `<${element.local}> holds more than text`)
  return text
}
