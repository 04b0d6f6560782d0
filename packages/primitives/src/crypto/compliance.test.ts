import { describe, expect, test } from 'vitest'

import { loadCrypto as loadBrowser } from './browser/index.ts'
import { complianceChecks } from './compliance.ts'
import type { Crypto } from './crypto.ts'
import { loadCrypto as loadNode } from './node/index.ts'

type Callable = (...inputs: unknown[]) => unknown

const plainBytes = (value: unknown): void => {
  if (value instanceof Uint8Array) expect(value.constructor).toBe(Uint8Array)
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(plainBytes)
}

/**
 * The same operations, called with Node's Buffers, whose `slice` shares memory where that of other byte arrays copies. Sockets and
 * databases hand out Buffers: no call may change one, nor give one back.
 */
const withBuffers = <T extends object>(operations: T): T =>
  Object.fromEntries(Object.entries(operations).map(([name, operation]: [string, unknown]) => {
    if (typeof operation !== 'function') return [name, withBuffers(operation as object)]
    const called: Callable = (...inputs) => {
      const lent: { buffer: Buffer; before: string }[] = []
      const lend = (value: unknown): unknown => {
        if (value instanceof Uint8Array) {
          const buffer = Buffer.from(value)
          lent.push({ buffer, before: buffer.toString('hex') })
          return buffer
        }
        if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, lend(field)]))
        return value
      }
      try {
        const result = (operation as Callable)(...inputs.map(lend))
        plainBytes(result)
        return result
      } finally {
        for (const { buffer, before } of lent) expect(buffer.toString('hex')).toBe(before)
      }
    }
    return [name, called]
  })) as T

const node = await loadNode()
const browser = await loadBrowser()
const backends: readonly (readonly [string, Crypto])[] = [
  ['node', node], ['browser', browser], ['node, given Buffers', withBuffers(node)], ['browser, given Buffers', withBuffers(browser)],
]

for (const [name, crypto] of backends) {
  describe(`crypto backend ${name}`, () => {
    // A check throws when it fails; vitest needs no more.
    test.each(complianceChecks)('$name', (check) => check.run(crypto))
  })
}
