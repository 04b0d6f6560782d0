/** Owns verdicts of checks already made, by their exact bytes, until they are used up or too old; the runtime asks through `env.verified`. */
import { bytesKey } from '../bytes-key.ts'
import type { SignatureCheck } from '@phalanx/runtime/frame'
import { isSameCheck } from './check.ts'

/** Verdicts by exact bytes. */
export interface VerifiedCache {
  /** Undefined when the check was not made. */
  lookup(check: SignatureCheck): boolean | undefined
  add(checks: readonly SignatureCheck[], verdicts: readonly boolean[]): void
  /** Forgets checks, for example those of a block that is done. */
  remove(checks: readonly SignatureCheck[]): void
  readonly size: number
}

interface Entry {
  readonly check: SignatureCheck
  readonly verdict: boolean
}

/** A signature rarely occurs under two messages; where it does, the later check is kept and the earlier is made again. */
const keyOf = ({ signature }: SignatureCheck): string => bytesKey(signature)

/** A cache of at most `max` verdicts; the oldest go first. */
export const createVerifiedCache = (options: { readonly max: number }): VerifiedCache => {
  const entries = new Map<string, Entry>()
  return {
    lookup(check) {
      const entry = entries.get(keyOf(check))
      return entry !== undefined && isSameCheck(entry.check, check) ? entry.verdict : undefined
    },
    add(checks, verdicts) {
      checks.forEach((check, index) => {
        const verdict = verdicts[index]
        if (verdict !== undefined) entries.set(keyOf(check), { check, verdict })
      })
      for (const key of entries.keys()) {
        if (entries.size <= options.max) return
        entries.delete(key)
      }
    },
    remove(checks) {
      for (const check of checks) entries.delete(keyOf(check))
    },
    get size() {
      return entries.size
    },
  }
}
