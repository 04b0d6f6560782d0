/** Owns the short memory of refused transactions. */

const BAN_MS = 30 * 60 * 1000
const BANS_MAX = 16_384

/** Keys that may not come back for a while. */
export interface Bans {
  add(key: string, nowMs: number): void
  has(key: string, nowMs: number): boolean
}

/** Nobody banned yet. */
export const createBans = (): Bans => {
  const until = new Map<string, number>()
  return {
    add(key, nowMs) {
      until.delete(key)
      until.set(key, nowMs + BAN_MS)
      for (const oldest of until.keys()) {
        if (until.size <= BANS_MAX) break
        until.delete(oldest)
      }
    },
    has(key, nowMs) {
      const end = until.get(key)
      if (end === undefined) return false
      if (end > nowMs) return true
      until.delete(key)
      return false
    },
  }
}
