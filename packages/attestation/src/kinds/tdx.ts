/**
 * Owns TDX quotes of versions 4 and 5: what a guest is measured by, the module that runs guests, the level that covers the platform, and
 * what both make of its status (Intel TDX DCAP; the vendor's quote verification library, TcbLevelCheck, TdxModuleCheck and
 * TDRelaunchCheck). The guest's report is tdx/report.ts; everything that SGX shares is dcap/.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, toHexPlain } from '@phalanx/primitives/bytes'
import { bytesUpTo, option } from '@phalanx/primitives/codec'
import { mergeStatus, needsConfiguration, type TcbStatus } from '../status.ts'
import type { CheckRecorder, Verdict } from '../verdict.ts'
import { dcapKeyOf } from './dcap/canonical.ts'
import { planDcapCollateral } from './dcap/collateral-plan.ts'
import { attachDcapCollateral, detectQuote } from './dcap/detect.ts'
import { verifyDcap, type DcapFlavour, type PartStatus, type QuoteClaims, type TcbQuestion } from './dcap/judge.ts'
import { TEE_TYPE, parseQuote, signedPartOf, type Quote } from './dcap/quote.ts'
import { findTcbLevel, missingFor, reachesLevel, type ModuleIdentity, type ModuleLevel, type TcbInfo, type TcbLevel, type VersionedModule } from './dcap/tcb-info.ts'
import { Collateral, type DcapEvidence } from './dcap/wire.ts'
import type { TeeKind, VerifyInput } from './kind.ts'
import { REPORT_DATA_OFFSET, checkGuestFlags, isDebugGuest, measureGuest, parseGuestReport, type GuestReport } from './tdx/report.ts'

const RULE = 'Intel PCS API, TDX TCB info'

/** SVN of the module and its version are the first two bytes of a TCB SVN. */
const svnAt = (svn: Uint8Array, index: number): number => svn[index] as number

/** The identity of a module by its version; the one without a version has no levels of its own. */
const findModule = (tcbInfo: TcbInfo, version: number): VersionedModule | undefined =>
  tcbInfo.modules.find(({ id }) => id.toUpperCase() === `TDX_${version.toString(16).toUpperCase().padStart(2, '0')}`)

/** Attributes under the mask, and zero beside it: the vendor's library demands that all of them are zero. */
const checkIdentity = (checks: CheckRecorder, identity: ModuleIdentity, report: GuestReport): void => {
  checks.check(
    { name: 'MRSIGNERSEAM', rule: `${RULE}: the module's signer`, seen: report.mrSignerSeam, expected: identity.mrSigner },
    { pass: bytesEqual(report.mrSignerSeam, identity.mrSigner), code: 'ATTESTATION_TD_MODULE_MISMATCH', detail: `MRSIGNERSEAM ${toHexPlain(report.mrSignerSeam)}` },
  )
  const masked = report.seamAttributes.map((byte, i) => byte & (identity.attributesMask[i] as number))
  const pass = report.seamAttributes.every((byte) => byte === 0) && bytesEqual(masked, identity.attributes)
  checks.check(
    { name: 'SEAMATTRIBUTES', rule: `${RULE}: the module's attributes, all zero`, seen: report.seamAttributes, expected: identity.attributes },
    { pass, code: 'ATTESTATION_TD_MODULE_MISMATCH', detail: `SEAMATTRIBUTES ${toHexPlain(report.seamAttributes)}` },
  )
}

/** Status of the module that started the guest; undefined when it is not a published one. */
const checkModule = (checks: CheckRecorder, tcbInfo: TcbInfo, report: GuestReport): PartStatus | undefined => {
  const [svn, version] = [svnAt(report.teeTcbSvn, 0), svnAt(report.teeTcbSvn, 1)]
  const versioned = version === 0 ? undefined : findModule(tcbInfo, version)
  const identity = version === 0 ? tcbInfo.module : versioned
  const known = checks.check(
    { name: 'module identity', rule: `${RULE}: tdxModule for version 0, tdxModuleIdentities for later ones`, seen: version, expected: versioned?.id ?? 'a published version' },
    { pass: identity !== undefined, code: 'ATTESTATION_TD_MODULE_MISMATCH', detail: `version ${version}` },
  )
  if (!known || identity === undefined) return undefined
  checkIdentity(checks, identity, report)
  if (versioned === undefined) return { status: 'UpToDate', advisoryIds: [] }
  const level = versioned.levels.find(({ isvSvn }) => svn >= isvSvn)
  checks.check(
    { name: 'module level', rule: `${RULE}: the first level at or below TEE_TCB_SVN[0]`, seen: svn, expected: level === undefined ? 'a level' : `SVN ${level.isvSvn}: ${level.status} (${level.date})` },
    { pass: level !== undefined, code: 'ATTESTATION_TD_MODULE_LEVEL_NOT_FOUND', detail: `${versioned.id} SVN ${svn}` },
  )
  return level
}

/** Components that count: of a module with a version the first two are judged by its identity instead. */
const firstComponent = (svn: Uint8Array): number => (svnAt(svn, 1) > 0 ? 2 : 0)

const missingForGuest = (level: TcbLevel, svn: Uint8Array): readonly string[] =>
  level.guestComponents.flatMap((needed, i) => (i >= firstComponent(svn) && svnAt(svn, i) < needed ? [`TEE_TCB_SVN[${i}]=${svnAt(svn, i)} < ${needed}`] : []))

const checkLevel = (checks: CheckRecorder, { tcbInfo, platform }: TcbQuestion, report: GuestReport): TcbLevel | undefined => {
  const { teeTcbSvn } = report
  const covers = (level: TcbLevel): boolean => reachesLevel(platform, level) && missingForGuest(level, teeTcbSvn).length === 0
  const found = findTcbLevel(tcbInfo, covers)
  const lowest = tcbInfo.levels[tcbInfo.levels.length - 1] as TcbLevel
  checks.check(
    {
      name: 'TCB level',
      rule: `${RULE}: first level with PCESVN, all 16 SVNs and the guest's SVNs (from the third on where the module has a version) at or below the platform's`,
      seen: `${platform.components.join('.')} / PCESVN ${platform.pceSvn} / TEE_TCB_SVN ${[...teeTcbSvn].join('.')}`,
      expected: found === undefined ? 'a level' : `level ${found.index + 1} of ${tcbInfo.levels.length}: ${found.level.status} (${found.level.date})`,
    },
    { pass: found !== undefined, code: 'ATTESTATION_TCB_LEVEL_NOT_FOUND', detail: found === undefined ? [...missingFor(lowest, platform), ...missingForGuest(lowest, teeTcbSvn)].join(', ') : '' },
  )
  return found?.level
}

const isOutOfDate = (status: TcbStatus): boolean => status === 'OutOfDate' || status === 'OutOfDateConfigurationNeeded'

const isCurrent = (status: TcbStatus): boolean => status !== 'Revoked' && !isOutOfDate(status)

/** Whether the module that runs now is the newest: its version's first level, and the platform's first in microcode. */
const runsNewest = (tcbInfo: TcbInfo, svn2: Uint8Array): boolean | undefined => {
  const newest = tcbInfo.levels[0] as TcbLevel
  const version = svnAt(svn2, 1)
  const levels: readonly Pick<ModuleLevel, 'isvSvn'>[] | undefined = version === 0 ? [{ isvSvn: newest.guestComponents[0] as number }] : findModule(tcbInfo, version)?.levels
  const first = levels?.[0]
  return first === undefined ? undefined : svnAt(svn2, 0) >= first.isvSvn && svnAt(svn2, 2) >= (newest.guestComponents[2] as number)
}

/**
 * A module can be updated under a running guest. Where only the module that *started* the guest was out of date and the one that runs
 * now is the newest, a relaunch is what is missing, not an update.
 */
const checkRelaunch = (checks: CheckRecorder, question: TcbQuestion, report: GuestReport, found: { readonly status: TcbStatus; readonly module: TcbStatus }): TcbStatus => {
  const { tcbInfo, platform, qe } = question
  const { status } = found
  const spec = { name: 'relaunch', rule: 'Vendor\'s quote verification library, TDRelaunchCheck: only the module that started the guest is out of date' }
  const svn2 = report.teeTcbSvn2
  if (svn2 === undefined) return status
  const enclaveLevel = findTcbLevel(tcbInfo, (level) => reachesLevel(platform, level))?.level.status
  const asked = isOutOfDate(status) && found.module === 'OutOfDate' && enclaveLevel !== undefined && isCurrent(enclaveLevel) && qe !== undefined && isCurrent(qe.status)
  if (!asked) {
    checks.skip({ ...spec, seen: svn2 }, 'there is nothing that a relaunch alone would mend')
    return status
  }
  const newest = runsNewest(tcbInfo, svn2)
  checks.check(
    { ...spec, seen: svn2, expected: newest === true ? 'relaunch advised' : 'update needed' },
    { pass: newest !== undefined, code: 'ATTESTATION_TD_MODULE_MISMATCH', detail: `the running module's version ${svnAt(svn2, 1)} is not published` },
  )
  if (newest !== true) return status
  return needsConfiguration(enclaveLevel) || needsConfiguration(status) ? 'TDRelaunchAdvisedConfigurationNeeded' : 'TDRelaunchAdvised'
}

/** Judges module, platform level and relaunch. */
const checkGuestTcb = (checks: CheckRecorder, question: TcbQuestion): PartStatus | undefined => {
  const report = parseGuestReport(question.quote)
  const module = checkModule(checks, question.tcbInfo, report)
  const level = checkLevel(checks, question, report)
  if (module === undefined || level === undefined) return undefined
  const status = checkRelaunch(checks, question, report, { status: mergeStatus(level.status, module.status), module: module.status })
  return { status, advisoryIds: level.advisoryIds, moduleAdvisoryIds: module.advisoryIds }
}

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
