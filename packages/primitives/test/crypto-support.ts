/** Owns what the crypto vector tests share: both backends, and a count of every case so that none is skipped in silence. */
import { loadCrypto as loadBrowser } from '../src/crypto/browser/index.ts'
import type { Crypto } from '../src/crypto/crypto.ts'
import { loadCrypto as loadNode } from '../src/crypto/node/index.ts'

/** Both backends by name. */
export const backends: readonly (readonly [string, Crypto])[] = [['node', await loadNode()], ['browser', await loadBrowser()]]

/** Prints how many cases of a file ran, and how many lie outside the interface and why. */
export const report = (file: string, ran: number, outside: Readonly<Record<string, number>> = {}): void => {
  const rest = Object.entries(outside).filter(([, count]) => count > 0).map(([why, count]) => `; ${count} not run: ${why}`)
  console.log(`${file}: ${ran} cases on ${backends.length} backends${rest.join('')}`)
}
