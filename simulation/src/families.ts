/** Owns what the simulator knows of platform families: which machine a worker has, what its code measures to there, where evidence keeps its anchor. */
import { createPolicy, OptionalAttestationReport, verifyEvidence, type AttestationReport } from '@phalanx/attestation'
import type { SimulatedFamilyName, SimulatedVendor } from '@phalanx/attestation/simulated'
import { concatBytes } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { softwareMeasurement, softwareSigner } from '@phalanx/worker/platform'

const PROBE_SECONDS = 1_760_000_000
const GUEST_TEE_TYPE = 0x81
const ANCHOR_BYTES = 32
/** Where the second half of the report data stands: in an enclave's quote, in a guest's, in a guest's report. */
const ANCHOR_AT = { enclave: 48 + 320 + 32, guest: 48 + 520 + 32, report: 80 + 32 } as const

/** What the worker's code measures to on each kind of machine of these families. */
export const measurementsByKind = (vendor: SimulatedVendor, families: readonly SimulatedFamilyName[], crypto: Crypto): ReadonlyMap<string, Uint8Array> => {
  const out = new Map<string, Uint8Array>()
  for (const family of families) {
    const machine = vendor.machine({ id: 'probe', family })
    const evidence = machine.evidence({ code: softwareMeasurement(crypto), signer: softwareSigner(crypto), reportData: new Uint8Array(64), nowSeconds: PROBE_SECONDS })
    const verdict = verifyEvidence({ evidence, policy: createPolicy({ kinds: [evidence.kind], roots: [vendor.rootCertificate], simulated: true }), nowSeconds: PROBE_SECONDS, crypto })
    if (verdict.ok) out.set(machine.kind, verdict.facts.measurement)
  }
  return out
}

const bytesOf = (report: AttestationReport | undefined): { readonly quote?: Uint8Array; readonly report?: Uint8Array } => (report?.value ?? {}) as { quote?: Uint8Array; report?: Uint8Array }

/** Hash of the block that evidence was made at, read at its place and not through the verifier. */
export const anchorOf = (encoded: Uint8Array): Uint8Array | undefined => {
  const { quote, report } = bytesOf(OptionalAttestationReport.decode(encoded))
  const at = quote === undefined ? ANCHOR_AT.report : quote[4] === GUEST_TEE_TYPE ? ANCHOR_AT.guest : ANCHOR_AT.enclave
  return (quote ?? report)?.slice(at, at + ANCHOR_BYTES)
}

/** What evidence states of its code: read at its place in an enclave's quote; of other kinds the simulator makes no code but its own. */
export const measurementOf = (encoded: Uint8Array, byKind: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined => {
  const report = OptionalAttestationReport.decode(encoded)
  if (report === undefined) return undefined
  const { quote } = bytesOf(report)
  if (quote === undefined || quote[4] === GUEST_TEE_TYPE) return byKind.get(report.kind)
  return quote.length < 432 ? undefined : concatBytes(quote.subarray(112, 144), new Uint8Array(4), quote.subarray(176, 208))
}
