/**
 * Owns TDX quotes of versions 4 and 5: the guest's report, its measurement, its flags and its TCB rules. Everything that SGX shares is
 * in dcap/.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesUpTo, option } from '@phalanx/primitives/codec'
import type { Verdict } from '../verdict.ts'
import { dcapKeyOf } from './dcap/canonical.ts'
import { planDcapCollateral } from './dcap/collateral-plan.ts'
import { attachDcapCollateral, detectQuote } from './dcap/detect.ts'
import { verifyDcap, type DcapFlavour, type QuoteClaims } from './dcap/judge.ts'
import { TEE_TYPE, parseQuote, signedPartOf, type Quote } from './dcap/quote.ts'
import { Collateral, type DcapEvidence } from './dcap/wire.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { REPORT_DATA_OFFSET, checkGuestFlags, isDebugGuest, measureGuest, parseGuestReport } from './tdx/report.ts'
import { checkGuestTcb } from './tdx/tcb.ts'

const claims = (quote: Quote, crypto: Crypto): QuoteClaims => {
  const report = parseGuestReport(quote)
  const { reportData, ...fields } = report
  const { full, boot } = measureGuest(report, crypto)
  return { measurement: full, bootMeasurement: boot, reportData, reportDataOffset: quote.at.body.offset + REPORT_DATA_OFFSET, debug: isDebugGuest(report), fields }
}

const flavour: DcapFlavour = {
  kind: 'Tdx',
  title: 'TDX evidence',
  teeType: TEE_TYPE.guest,
  versions: [4, 5],
  tcbInfoId: 'TDX',
  qeIdentityId: 'TD_QE',
  claims,
  checkTcb: checkGuestTcb,
  checkBody: checkGuestFlags,
}

/** Services serve the lists under `sgx/certification/v4` and a guest's documents beside it. */
const DOCUMENTS_PATH = '../../../tdx/certification/v4/'

/** TDX quotes of the data center attestation primitives. */
export const tdx = {
  name: 'Tdx',
  index: 2,
  provider: { name: 'Tdx', index: 3 },
  isReport: false,
  fields: { quote: bytesUpTo(64 * 1024), collateral: option(Collateral) },
  signedContent: (evidence: DcapEvidence) => signedPartOf(evidence.quote),
  collateral: (evidence: DcapEvidence) => planDcapCollateral(evidence, DOCUMENTS_PATH),
  collateralKey: (evidence: DcapEvidence) => dcapKeyOf('TDX', parseQuote(evidence.quote).authentication.certificationData),
  detect: (input) => detectQuote(input, TEE_TYPE.guest),
  attachCollateral: attachDcapCollateral,
  verify: (input: VerifyInput<DcapEvidence>): Verdict => verifyDcap(input, flavour),
} as const satisfies TeeKind<'Tdx', DcapEvidence>
