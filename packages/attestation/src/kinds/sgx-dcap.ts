/**
 * Owns SGX DCAP quotes of versions 3 and 4 (registry.md §2.3, completed by what it does not check): the enclave's report, its runtime
 * hash and its TCB levels. Everything that TDX shares is in dcap/.
 */
import { concatBytes } from '@phalanx/primitives/bytes'
import { bytesUpTo, option } from '@phalanx/primitives/codec'
import { checkDebug } from '../policy-checks.ts'
import type { CheckRecorder, Verdict } from '../verdict.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { dcapKeyOf } from './dcap/canonical.ts'
import { planDcapCollateral } from './dcap/collateral-plan.ts'
import { attachDcapCollateral, detectQuote } from './dcap/detect.ts'
import { verifyDcap, type DcapFlavour, type PartStatus, type QuoteClaims, type TcbQuestion } from './dcap/judge.ts'
import { TEE_TYPE, isDebug, parseEnclaveReport, parseQuote, signedPartOf, type EnclaveReport, type Quote } from './dcap/quote.ts'
import { findTcbLevel, missingFor, reachesLevel, type TcbLevel } from './dcap/tcb-info.ts'
import { Collateral, type DcapEvidence } from './dcap/wire.ts'

/** Runtime hash (registry.md §2.3.11): product id and SVN big endian here, unlike in EPID reports. */
const runtimeHash = (report: EnclaveReport): Uint8Array => {
  const ids = Uint8Array.of(report.isvProdId >> 8, report.isvProdId & 0xff, report.isvSvn >> 8, report.isvSvn & 0xff)
  return concatBytes(report.mrEnclave, ids, report.mrSigner)
}

const claims = (quote: Quote): QuoteClaims => {
  const report = parseEnclaveReport(quote.body)
  const { mrEnclave, mrSigner, isvProdId, isvSvn, attributes, cpuSvn, reportData } = report
  return {
    measurement: runtimeHash(report), reportData, reportDataOffset: quote.at.body.offset + 320, debug: isDebug(attributes),
    fields: { mrEnclave, mrSigner, isvProdId, isvSvn, attributes, cpuSvn },
  }
}

const checkTcb = (checks: CheckRecorder, { tcbInfo, platform }: TcbQuestion): PartStatus | undefined => {
  const found = findTcbLevel(tcbInfo, (level) => reachesLevel(platform, level))
  const lowest = tcbInfo.levels[tcbInfo.levels.length - 1] as TcbLevel
  checks.check(
    {
      name: 'TCB level',
      rule: 'registry.md §2.3.10: first level with PCESVN and all 16 SVNs at or below the platform\'s',
      seen: `${platform.components.join('.')} / PCESVN ${platform.pceSvn}`,
      expected: found === undefined ? 'a level' : `level ${found.index + 1} of ${tcbInfo.levels.length}: ${found.level.status} (${found.level.date})`,
    },
    { pass: found !== undefined, code: 'ATTESTATION_TCB_LEVEL_NOT_FOUND', detail: found === undefined ? missingFor(lowest, platform).join(', ') : '' },
  )
  return found?.level
}

const flavour: DcapFlavour = {
  kind: 'SgxDcap',
  title: 'SGX DCAP evidence',
  teeType: TEE_TYPE.enclave,
  versions: [3, 4],
  tcbInfoId: 'SGX',
  qeIdentityId: 'QE',
  claims,
  checkTcb,
  checkBody(checks, quote, policy) {
    const { attributes } = parseEnclaveReport(quote.body)
    checkDebug(checks, { debug: isDebug(attributes), seen: attributes, rule: 'Intel SDM vol. 3D, ATTRIBUTES.DEBUG is bit 1' }, policy)
  },
}

/** SGX quotes of the data center attestation primitives. */
export const sgxDcap = {
  name: 'SgxDcap',
  index: 1,
  provider: { name: 'Dcap', index: 2 },
  isReport: false,
  fields: { quote: bytesUpTo(64 * 1024), collateral: option(Collateral) },
  signedContent: (evidence: DcapEvidence) => signedPartOf(evidence.quote),
  collateral: (evidence: DcapEvidence) => planDcapCollateral(evidence, ''),
  collateralKey: (evidence: DcapEvidence) => dcapKeyOf('SGX', parseQuote(evidence.quote).authentication.certificationData),
  detect: (input) => detectQuote(input, TEE_TYPE.enclave),
  attachCollateral: attachDcapCollateral,
  verify: (input: VerifyInput<DcapEvidence>): Verdict => verifyDcap(input, flavour),
} as const satisfies TeeKind<'SgxDcap', DcapEvidence>
