/** The JSON form of verdicts: plain, complete, and honest about what is proved. */
import { describe, expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { referencePolicy, verifyEvidence } from './kinds/index.ts'
import { createSimulatedVendor } from './kinds/simulated-vendor.ts'
import { firstLapse, remediesOf } from './verdict.ts'
import { verdictToJson } from './verdict-json.ts'

const NOW = 1_790_000_000
const crypto = await loadCrypto()
const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(3), crypto })
const policy = referencePolicy({ simulated: true, roots: [vendor.rootCertificate] })

const judge = (quote: { readonly debug?: boolean; readonly fault?: 'quoteSignature' }, nowSeconds = NOW) => {
  const evidence = vendor.evidence({ platform: vendor.platform({ id: 'a' }), quote: { report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(1), ...quote }, nowSeconds: NOW })
  return verifyEvidence({ evidence, policy, nowSeconds, crypto })
}

type Members = Record<string, unknown>
const toMembers = (verdict: ReturnType<typeof judge>): Members => JSON.parse(JSON.stringify(verdictToJson(verdict))) as Members

describe('verdictToJson', () => {
  test('states the facts of a trusted verdict, bytes as hex, and when it lapses', () => {
    const verdict = judge({})
    const members = toMembers(verdict)
    expect(verdictToJson(verdict)).toEqual(members)
    expect(members).toMatchObject({ format: 1, trusted: true, failures: [] })
    expect(members['claims']).toBeUndefined()
    expect((members['facts'] as Members)['reportData']).toBe(`0x${'00'.repeat(64)}`)
    const lapse = firstLapse(verdict)
    expect(members['firstLapse']).toMatchObject({ name: lapse?.name, seconds: verdict.ok && verdict.facts.notAfter })
    expect(JSON.stringify(members['tree'])).toContain('"at":{"offset":')
  })

  test('names every failure with its place and remedy, and calls what refused evidence says claims', () => {
    const verdict = judge({ debug: true, fault: 'quoteSignature' })
    const members = toMembers(verdict)
    expect(members).toMatchObject({ trusted: false, errorCode: 'ATTESTATION_QUOTE_SIGNATURE_INVALID' })
    expect(members['facts']).toBeUndefined()
    expect((members['claims'] as Members)['debug']).toBe(true)
    const remedies = remediesOf(verdict)
    expect(remedies.map(({ errorCode }) => errorCode)).toEqual(['ATTESTATION_QUOTE_SIGNATURE_INVALID', 'ATTESTATION_DEBUG_ENCLAVE'])
    for (const { fix, path } of remedies) expect([fix.length > 10, path.length > 1]).toEqual([true, true])
    expect(members['failures']).toEqual(remedies)
  })
})

describe('firstLapse', () => {
  test('is the earliest end of all documents, and the verdict holds until exactly then', () => {
    const verdict = judge({})
    const lapse = firstLapse(verdict)
    if (!verdict.ok || lapse === undefined) throw new Error('refused')
    expect(lapse.at).toBe(verdict.facts.notAfter)
    expect(verdict.facts.lapses.map(({ at }) => at)).toEqual([...verdict.facts.lapses.map(({ at }) => at)].sort((a, b) => a - b))
    expect(judge({}, lapse.at).ok).toBe(true)
    expect(judge({}, lapse.at + 1).ok).toBe(false)
  })
})
