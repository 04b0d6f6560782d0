import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger } from '@phalanx/primitives/ports'
import type { SignatureCheck } from '@phalanx/runtime/frame'
import { beforeAll, describe, expect, test } from 'vitest'
import { startThread } from '../start-thread.ts'
import { packChecks, unpackChecks } from './batch.ts'
import { checkSignature } from './check.ts'
import { createSignatureChecker, type CheckerThread } from './checker.ts'
import { createVerifiedCache } from './verified-cache.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const message = (i: number): Uint8Array => Uint8Array.of(i & 255, i >> 8, 9)

/** A check of each kind in turn; every seventh is wrong. */
const makeChecks = (count: number): { checks: SignatureCheck[]; expected: boolean[] } => {
  const seed = new Uint8Array(32).fill(5)
  const pair = crypto.sr25519.pairFromSeed(seed)
  const checks = Array.from({ length: count }, (_, i): SignatureCheck => {
    const signed = message(i % 7 === 6 ? i + 1 : i)
    if (i % 3 === 0) return { kind: 'sr25519', signature: crypto.sr25519.sign(pair.secret, signed, seed), message: message(i), publicKey: pair.publicKey }
    if (i % 3 === 1) return { kind: 'ed25519', signature: crypto.ed25519.sign(seed, signed), message: message(i), publicKey: crypto.ed25519.publicKey(seed) }
    const publicKey = crypto.blake2b256(crypto.secp256k1.publicKey(seed))
    return { kind: 'ecdsa', signature: crypto.secp256k1.sign(seed, crypto.blake2b256(signed)), message: message(i), publicKey }
  })
  return { checks, expected: checks.map((_, i) => i % 7 !== 6) }
}

/** A thread on this thread, which can be killed. */
class FakeThread implements CheckerThread {
  static alive: FakeThread[] = []
  private readonly listeners = new Map<string, (value: never) => void>()
  private readonly answers: boolean
  constructor(answers: boolean) {
    this.answers = answers
    FakeThread.alive.push(this)
    queueMicrotask(() => this.emit('message', { ready: true }))
  }
  emit(event: string, value: unknown): void {
    this.listeners.get(event)?.(value as never)
  }
  postMessage(raw: unknown): void {
    const { id, batch } = raw as { id: number; batch: Uint8Array }
    if (!this.answers) return
    const verdicts = Uint8Array.from(unpackChecks(batch), (check) => (checkSignature(crypto, check) ? 1 : 0))
    queueMicrotask(() => this.emit('message', { id, verdicts }))
  }
  on(event: string, listener: (value: never) => void): void {
    this.listeners.set(event, listener)
  }
  terminate(): Promise<void> {
    return Promise.resolve()
  }
}

describe('signature checker', () => {
  test('packs and unpacks checks byte for byte', () => {
    const { checks } = makeChecks(20)
    expect([...unpackChecks(packChecks(checks))].map((check) => ({ ...check, signature: [...check.signature] }))).toEqual(
      checks.map((check) => ({ ...check, signature: [...check.signature] })),
    )
  })
  test('gives the same verdicts on the main thread and in real threads', async () => {
    const { checks, expected } = makeChecks(140)
    const inline = createSignatureChecker({ threads: 0 }, { crypto, logger: silentLogger, startThread: () => expect.unreachable() })
    expect(await inline.check(checks)).toEqual(expected)
    const threaded = createSignatureChecker({ threads: 2 }, {
      crypto, logger: silentLogger, startThread: () => startThread(new URL('./check.thread.ts', import.meta.url)) as unknown as CheckerThread,
    })
    expect(await threaded.check(checks)).toEqual(expected)
    expect(threaded.replaced).toBe(0)
    await threaded.close()
  })
  test('replaces a thread that dies and makes its checks again', async () => {
    FakeThread.alive = []
    let started = 0
    const checker = createSignatureChecker({ threads: 1 }, { crypto, logger: silentLogger, startThread: () => new FakeThread(started++ > 0) })
    const { checks, expected } = makeChecks(100)
    const verdicts = checker.check(checks)
    await new Promise((resolve) => setImmediate(resolve))
    FakeThread.alive[0]?.emit('error', new RangeError('out of memory'))
    expect(await verdicts).toEqual(expected)
    expect(checker.replaced).toBe(1)
  })
  test('checks by itself when threads keep dying', async () => {
    FakeThread.alive = []
    const checker = createSignatureChecker({ threads: 2 }, {
      crypto, logger: silentLogger,
      startThread() {
        const thread = new FakeThread(false)
        setImmediate(() => thread.emit('exit', 1))
        return thread
      },
    })
    const { checks, expected } = makeChecks(100)
    expect(await checker.check(checks)).toEqual(expected)
  })
  test('starts no thread for a few checks', async () => {
    const checker = createSignatureChecker({ threads: 2 }, { crypto, logger: silentLogger, startThread: () => expect.unreachable() })
    const { checks, expected } = makeChecks(5)
    expect(await checker.check(checks)).toEqual(expected)
  })
})

describe('verified cache', () => {
  test('answers for the exact bytes only', () => {
    const cache = createVerifiedCache({ max: 10 })
    const { checks } = makeChecks(3)
    const first = checks[0] as SignatureCheck
    cache.add(checks, [true, false])
    expect(checks.map((check) => cache.lookup(check))).toEqual([true, false, undefined])
    expect(cache.lookup({ ...first, message: message(77) })).toBeUndefined()
    expect(cache.lookup({ ...first, kind: 'ed25519' })).toBeUndefined()
    expect(cache.lookup({ ...first, publicKey: new Uint8Array(32) })).toBeUndefined()
    cache.remove(checks)
    expect(cache.size).toBe(0)
  })
  test('forgets the oldest', () => {
    const cache = createVerifiedCache({ max: 2 })
    const { checks } = makeChecks(6)
    cache.add(checks, checks.map(() => true))
    expect(checks.map((check) => cache.lookup(check))).toEqual([undefined, undefined, undefined, undefined, true, true])
  })
})
