/**
 * Owns the verification of SEV-SNP attestation reports (AMD publications 56860 and 57230): report, endorsement chain, signature, TCB,
 * guest. Which security versions are current, the vendor states nowhere under its signature; policy does (`familyMinimums`).
 */
import { concatBytes } from '@phalanx/primitives/bytes'
import { checkDebug, checkPolicy, checkReportData, type FactsDraft } from '../policy-checks.ts'
import { mergeStatus, type TcbStatus } from '../status.ts'
import { checkWindows } from '../validity.ts'
import { createCheckRecorder, verdictOf, type CheckRecorder, type Verdict } from '../verdict.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { snpKeyOf } from './snp/canonical.ts'
import { checkEndorsementChain, type EndorsementChain } from './snp/chain.ts'
import { attachSnpCollateral, detectSnp } from './snp/detect.ts'
import { checkEndorsementKey, checkGuest, checkReportSignature, checkTcb } from './snp/judge.ts'
import { planSnpCollateral } from './snp/plan.ts'
import { formatTcb, readTcb } from './snp/products.ts'
import { AT, SIGNED_LENGTH, parseSnpReport, type SnpReport } from './snp/report.ts'
import { snpEvidenceFields, type SnpEvidence } from './snp/wire.ts'

const ABI = 'SEV-SNP firmware ABI (AMD 56860)'

/** Open where the firmware did not check at start that no two addresses share memory. */
const ALIASING_ADVISORY = 'AMD-SB-3015'

/** What the report claims; becomes fact only if every check passes. Host data is part of the measurement, since it configures the code. */
const describeReport = (draft: FactsDraft, report: SnpReport): void => {
  draft.measurement = concatBytes(report.measurement, report.hostData)
  draft.reportData = report.reportData
  draft.debug = report.policy.debug
  draft.fields = {
    version: report.version, measurement: report.measurement, hostData: report.hostData, guestSvn: report.guestSvn, familyId: report.familyId,
    imageId: report.imageId, vmpl: report.vmpl, policy: report.policyBytes, smt: report.policy.smt, singleSocket: report.policy.singleSocket,
    signingKey: report.signingKey, idKeyDigest: report.idKeyDigest, authorKeyDigest: report.authorKeyDigest, chipId: report.chipId,
    platformInfo: report.platformInfo, reportId: report.reportId, reportedTcb: report.reportedTcb,
  }
}

/**
 * Status in the words of TCB info: up to date where policy states what is current and the platform reaches it. Where nobody states it,
 * the platform is good but not of the highest confidence. An unchecked memory layout is a matter of configuration.
 */
const describeStatus = (draft: FactsDraft, report: SnpReport, hasMinimum: boolean): void => {
  const current: TcbStatus = hasMinimum ? 'UpToDate' : 'SWHardeningNeeded'
  const aliasing = report.version > 2 && !report.aliasCheckComplete
  draft.tcbStatus = aliasing ? mergeStatus(current, 'ConfigurationNeeded') : current
  draft.advisoryIds = aliasing ? [ALIASING_ADVISORY] : []
}

const describeChain = (draft: FactsDraft, report: SnpReport, found: EndorsementChain): void => {
  const { product, chain } = found
  draft.family = found.family
  Object.assign(draft, { simulated: chain.root.simulated, rootFingerprint: chain.root.fingerprint })
  draft.fields = { ...draft.fields, product, tcb: formatTcb(product, readTcb(product, report.reportedTcb)) }
}

/** The order is the order of the verdict: structure, chain, validity, signature, key, TCB, guest, policy. */
const judge = (checks: CheckRecorder, draft: FactsDraft, input: VerifyInput<SnpEvidence>): void => {
  const { policy, crypto } = input
  const report = checks.attempt({ name: 'report structure', rule: `${ABI}: ATTESTATION_REPORT` }, () => parseSnpReport(input.evidence.report))
  if (report !== undefined) describeReport(draft, report)
  const found = checkEndorsementChain(checks, input, report)
  if (found !== undefined) {
    Object.assign(draft, checks.group({ name: 'validity', rule: 'Every document at the time of verification' }, (inner) => checkWindows(inner, found.windows, policy, input.nowSeconds)))
  }
  if (report === undefined) return
  if (found === undefined) checks.skip({ name: 'platform', rule: ABI }, 'the endorsement chain did not stand')
  else {
    describeChain(draft, report, found)
    checkReportSignature(checks, report, found.chain.leaf, crypto)
    checkEndorsementKey(checks, report, found)
    const hasMinimum = checkTcb(checks, report, found, policy)
    describeStatus(draft, report, hasMinimum)
  }
  checkGuest(checks, report)
  checks.group({ name: 'policy', rule: 'Policy' }, (inner) => {
    checkDebug(inner, { debug: report.policy.debug, seen: report.policyBytes, rule: `${ABI}: guest policy bit 19 lets the host read the guest` }, policy)
    checkPolicy(inner, draft, policy, [])
    checkReportData(inner, report.reportData, input.expectedReportData, AT.reportData.offset)
  })
}

/** Reports of SEV-SNP guests. */
export const sevSnp = {
  name: 'SevSnp',
  index: 3,
  provider: { name: 'SevSnp', index: 4 },
  isReport: false,
  invalidError: 'EvidenceInvalid',
  fields: snpEvidenceFields,
  signedContent: (evidence: SnpEvidence) => evidence.report.subarray(0, SIGNED_LENGTH),
  collateralKey: (evidence: SnpEvidence) => snpKeyOf(evidence.endorsement),
  collateral: planSnpCollateral,
  detect: detectSnp,
  attachCollateral: attachSnpCollateral,
  verify(input: VerifyInput<SnpEvidence>): Verdict {
    const checks = createCheckRecorder()
    const draft: FactsDraft = { kind: 'SevSnp' }
    judge(checks, draft, input)
    return verdictOf(checks.finish({ name: 'SEV-SNP report', rule: ABI }), draft)
  },
} as const satisfies TeeKind<'SevSnp', SnpEvidence>
