/** Runs in the browser: the compliance checks of the crypto backend that browsers get, and a verification of finality and evidence with it. */
import { createPolicy, evaluateRegistration } from '@phalanx/attestation'
import { createSimulatedVendor } from '@phalanx/attestation/simulated'
import { loadCrypto } from '@phalanx/primitives/crypto/backend'
import { complianceChecks } from '@phalanx/primitives/crypto/compliance'

/** What the page found: names of checks that held, and of those that did not with why. */
export interface PageResult {
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  /** Whether simulated evidence verified, and the code when its measurement is not listed. */
  readonly verdict: boolean
  readonly refusal: string
}

const run = async (): Promise<PageResult> => {
  const crypto = await loadCrypto()
  const passed: string[] = []
  const failed: string[] = []
  for (const check of complianceChecks) {
    try {
      check.run(crypto)
      passed.push(check.name)
    } catch (error) {
      failed.push(`${check.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const nowSeconds = 1_760_000_000
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(3), crypto })
  const commit = crypto.blake2b256(new Uint8Array(10))
  const report = vendor.evidence({
    platform: vendor.platform({ id: 'browser' }), quote: { report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: commit }, nowSeconds,
  })
  const policy = createPolicy({ kinds: [report.kind], roots: [vendor.rootCertificate], simulated: true })
  const judged = evaluateRegistration({ report, commit, policy, nowSeconds, crypto })
  const unlisted = evaluateRegistration({ report, commit, policy: { ...policy, enforceMeasurements: true }, nowSeconds, crypto })
  return { passed, failed, verdict: judged.ok, refusal: unlisted.ok ? '' : unlisted.palletError }
}

;(globalThis as { phalanxResult?: Promise<PageResult> }).phalanxResult = run()
