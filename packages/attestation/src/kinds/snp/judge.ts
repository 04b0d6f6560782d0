/** Owns the judgement of a report against the key that signed it: signature, chip, security versions, guest policy. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, toHexPlain } from '@phalanx/primitives/bytes'
import type { AttestationPolicy } from '../../policy.ts'
import type { CheckRecorder } from '../../verdict.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { isOnCurve } from '../../x509/signature.ts'
import type { EndorsementChain } from './chain.ts'
import { formatTcb, isTcbCanonical, productOfCpuid, readTcb, tcbAtLeast, type SnpTcb } from './products.ts'
import { AT, SIGNED_LENGTH, type SnpReport } from './report.ts'

const ABI = 'SEV-SNP firmware ABI (AMD 56860)'

/** ECDSA P-384 with SHA-384, the only algorithm of the ABI. */
const ECDSA_P384_SHA384 = 1

/** The processor's own key signed these bytes: everything below stands or falls with it. */
export const checkReportSignature = (checks: CheckRecorder, report: SnpReport, leaf: Certificate, crypto: Crypto): void => {
  checks.check(
    { name: 'signature algorithm', rule: `${ABI}: 1 is ECDSA P-384 with SHA-384`, seen: report.signatureAlgorithm, expected: ECDSA_P384_SHA384, at: AT.signatureAlgorithm },
    { pass: report.signatureAlgorithm === ECDSA_P384_SHA384, code: 'ATTESTATION_QUOTE_KEY_TYPE', detail: `algorithm ${report.signatureAlgorithm}` },
  )
  const key = leaf.publicKey
  const valid = key.kind === 'p384' && crypto.p384.verify(report.signature, report.bytes.subarray(0, SIGNED_LENGTH), key.value)
  const offCurve = !valid && key.kind === 'p384' && !isOnCurve('p384', key.value)
  checks.check(
    { name: 'report signature', rule: `${ABI}: by the endorsement key over bytes 0 to 0x29f`, seen: report.signature, at: AT.signature },
    { pass: valid, code: offCurve ? 'ATTESTATION_POINT_INVALID' : 'ATTESTATION_QUOTE_SIGNATURE_INVALID', detail: `over ${SIGNED_LENGTH} bytes, by "${leaf.commonName}"` },
  )
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** The chip of the certificate is the chip of the report. A VLEK is lent to a provider, not bound to a chip. */
const checkChip = (checks: CheckRecorder, report: SnpReport, { endorsement, product }: EndorsementChain): void => {
  const spec = { name: 'chip', rule: 'AMD 57230: the VCEK\'s hardware id is the report\'s CHIP_ID', seen: report.chipId, at: AT.chipId }
  const id = endorsement.hardwareId
  if (report.signingKey === 'VLEK') return checks.skip(spec, `lent to ${endorsement.providerId ?? 'an unnamed provider'}, not bound to a chip`)
  // Turin's certificates carry the 8 bytes that its reports begin with.
  const length = product === 'Turin' ? 8 : 64
  const pass = id !== undefined && id.length === length && !isZero(id) && bytesEqual(report.chipId.subarray(0, length), id) && isZero(report.chipId.subarray(length))
  checks.check({ ...spec, ...(id === undefined ? {} : { expected: id }) }, { pass, code: 'ATTESTATION_CHIP_ID_MISMATCH', detail: `chip ${toHexPlain(report.chipId.subarray(0, 8))}…` })
}

/** What the report says about the key and what the certificate says about the platform agree. */
export const checkEndorsementKey = (checks: CheckRecorder, report: SnpReport, found: EndorsementChain): void =>
  checks.group({ name: 'endorsement key', rule: ABI }, (inner) => {
    inner.check(
      { name: 'key in use', rule: `${ABI}: with MASK_CHIP_KEY the firmware signs nothing by the chip's key`, seen: report.maskChipKey, at: AT.keyInfo },
      { pass: !report.maskChipKey || report.signingKey === 'VLEK', code: 'ATTESTATION_SIGNING_KEY', detail: 'MASK_CHIP_KEY is set' },
    )
    checkChip(inner, report, found)
    const expected = report.cpuid === undefined ? undefined : productOfCpuid(report.cpuid)
    const spec = { name: 'processor', rule: `${ABI}: family and model (from version 3 on) belong to the product`, at: AT.cpuid }
    if (report.cpuid === undefined) inner.skip(spec, 'version 2 names no processor')
    else {
      const { family, model, stepping } = report.cpuid
      const seen = `family ${family}, model ${model}, stepping ${stepping}`
      inner.check({ ...spec, seen, expected: found.product }, { pass: expected === found.product, code: 'ATTESTATION_PRODUCT_MISMATCH', detail: `${seen}, certificate of ${found.product}` })
    }
  })

/** Committed versions can never be rolled back, reported ones are at most committed, and nothing exceeds what runs now. */
const checkOrder = (checks: CheckRecorder, report: SnpReport, found: EndorsementChain): SnpTcb => {
  const { product } = found
  const read = (raw: Uint8Array): SnpTcb => readTcb(product, raw)
  const [current, committed, reported, launch] = [read(report.currentTcb), read(report.committedTcb), read(report.reportedTcb), read(report.launchTcb)]
  const canonical = [report.currentTcb, report.committedTcb, report.reportedTcb, report.launchTcb].every((raw) => isTcbCanonical(product, raw))
  checks.check(
    { name: 'TCB form', rule: `${ABI}: reserved bytes of TCB_VERSION are zero`, seen: report.reportedTcb, at: AT.reportedTcb },
    { pass: canonical, code: 'ATTESTATION_TCB_INCONSISTENT', detail: 'reserved bytes are set' },
  )
  const ordered = tcbAtLeast(current, committed) && tcbAtLeast(committed, reported) && tcbAtLeast(current, launch)
  checks.check(
    { name: 'TCB order', rule: `${ABI}: reported ≤ committed ≤ current, launch ≤ current`, seen: formatTcb(product, reported), expected: `at most ${formatTcb(product, committed)}`, at: AT.committedTcb },
    { pass: ordered, code: 'ATTESTATION_TCB_INCONSISTENT', detail: `reported ${formatTcb(product, reported)}; committed ${formatTcb(product, committed)}; current ${formatTcb(product, current)}; launch ${formatTcb(product, launch)}` },
  )
  const { tcb } = found.endorsement
  checks.check(
    { name: 'TCB of the key', rule: 'AMD 57230: a VCEK is derived from the reported TCB version and its certificate states it', seen: formatTcb(product, reported), expected: formatTcb(product, tcb), at: AT.reportedTcb },
    { pass: tcbAtLeast(tcb, reported) && tcbAtLeast(reported, tcb), code: 'ATTESTATION_TCB_MISMATCH', detail: `report: ${formatTcb(product, reported)}; certificate: ${formatTcb(product, tcb)}` },
  )
  return tcbAtLeast(reported, launch) ? launch : reported
}

/**
 * Judges the security versions. A guest launched under older firmware stays exposed to it, so the lower of reported and launch version
 * must reach the policy's minimum. Returns whether the policy states one.
 */
export const checkTcb = (checks: CheckRecorder, report: SnpReport, found: EndorsementChain, policy: AttestationPolicy): boolean =>
  checks.group({ name: 'platform TCB', rule: ABI }, (inner) => {
    const lowest = checkOrder(inner, report, found)
    const launched = readTcb(found.product, report.launchTcb)
    const minimum = policy.familyMinimums.find(({ family }) => bytesEqual(family, found.family))
    const spec = { name: 'lowest TCB', rule: 'Policy: lowest admitted TCB version of the family', seen: formatTcb(found.product, lowest) }
    if (minimum === undefined) {
      inner.skip(spec, 'the policy states none for this family')
      return false
    }
    const wanted = readTcb(found.product, minimum.tcb)
    const pass = minimum.tcb.length === 8 && tcbAtLeast(readTcb(found.product, report.reportedTcb), wanted) && tcbAtLeast(launched, wanted)
    inner.check({ ...spec, expected: formatTcb(found.product, wanted) }, { pass, code: 'ATTESTATION_TCB_BELOW_MINIMUM', detail: `${formatTcb(found.product, lowest)}; at least ${formatTcb(found.product, wanted)}` })
    return true
  })

/** What the guest's owner allowed its host to do, and from where in the guest the report was asked for. */
export const checkGuest = (checks: CheckRecorder, report: SnpReport): void =>
  checks.group({ name: 'guest', rule: ABI }, (inner) => {
    const { policy } = report
    inner.check(
      { name: 'guest policy form', rule: `${ABI}: bit 17 is one, bits 26 to 63 are zero`, seen: report.policyBytes, at: AT.policy },
      { pass: policy.reservedOne && policy.reservedZero, code: 'ATTESTATION_GUEST_POLICY', detail: toHexPlain(report.policyBytes) },
    )
    inner.check(
      { name: 'no migration agent', rule: `${ABI}: an agent (policy bit 18) could move the guest's memory elsewhere`, seen: policy.migrationAgent, at: AT.migrationReportId },
      { pass: !policy.migrationAgent && report.migrationReportId.every((byte) => byte === 0xff), code: 'ATTESTATION_GUEST_POLICY', detail: 'a migration agent is associated or allowed' },
    )
    inner.check(
      { name: 'privilege level', rule: `${ABI}: level 0 is the measured code; less privileged software could ask in its name`, seen: report.vmpl, expected: 0, at: AT.vmpl },
      { pass: report.vmpl === 0, code: 'ATTESTATION_PRIVILEGE_LEVEL', detail: `VMPL ${report.vmpl}` },
    )
    const author = isZero(report.authorKeyDigest)
    inner.check(
      { name: 'author key', rule: `${ABI}: AUTHOR_KEY_EN says whether an author key digest is there`, seen: report.authorKeyEnabled, at: AT.authorKeyDigest },
      { pass: report.authorKeyEnabled !== author, code: 'ATTESTATION_GUEST_POLICY', detail: author ? 'an author key without digest' : 'an author key digest without its flag' },
    )
  })
