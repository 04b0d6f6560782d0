/** Owns which queries were answered: their nonces, remembered until their time is over. Asking twice would repeat what a query does outside. */
import { bytesToKey } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'

/** Most nonces remembered; where more are alive, queries are refused until some are over. */
const NONCES_MAX = 131_072

/** Nonces of queries that are still valid. */
export class UsedNonces {
  /** Last block of validity by nonce key. */
  private readonly used = new Map<string, number>()
  private clearedAt = 0
  private readonly max: number

  constructor(max = NONCES_MAX) {
    this.max = max
  }

  /** Takes a nonce into use. @throws QUERY_REPLAYED, QUERY_OVERLOADED */
  use(key: Uint8Array, options: { readonly notAfter: number; readonly blockNumber: number }): void {
    const { notAfter, blockNumber } = options
    if (blockNumber !== this.clearedAt) {
      this.clearedAt = blockNumber
      for (const [each, until] of this.used) if (until < blockNumber) this.used.delete(each)
    }
    this.assertUnused(key)
    const id = bytesToKey(key)
    if (this.used.size >= this.max) throw new AppError('QUERY_OVERLOADED', {})
    this.used.set(id, notAfter)
  }

  /** @throws QUERY_REPLAYED */
  assertUnused(key: Uint8Array): void {
    if (this.used.has(bytesToKey(key))) throw new AppError('QUERY_REPLAYED', {})
  }

  /** How many are remembered. */
  get size(): number {
    return this.used.size
  }
}
