/** Owns the signed documents of a simulated vendor: TCB info and quoting enclave identity, as text in the vendor's form. */
import { toHexPlain } from '@phalanx/primitives/bytes'
import type { TcbStatus } from '../../status.ts'
import { formatIsoSeconds } from '../../x509/time.ts'

/** A TCB level: platforms whose SVN is at least this have the status. */
export interface SimulatedLevel {
  readonly svn: number
  readonly status: TcbStatus
  readonly advisoryIds?: readonly string[]
}

/** What the documents are about: enclaves, or guests. */
export type DocumentTee = 'SGX' | 'TDX'

/** Levels of the module that runs guests, version 1, unless others are given. */
export const DEFAULT_MODULE_LEVELS: readonly SimulatedLevel[] = [
  { svn: 12, status: 'UpToDate' },
  { svn: 5, status: 'OutOfDate', advisoryIds: ['INTEL-SA-01192'] },
  { svn: 3, status: 'Revoked' },
]

/** Product of the quoting enclave for guests. */
export const GUEST_QE_PRODUCT = 2

/** Levels unless others are given: the SVN of a platform picks its status. */
export const DEFAULT_LEVELS: readonly SimulatedLevel[] = [
  { svn: 12, status: 'UpToDate' },
  { svn: 11, status: 'SWHardeningNeeded', advisoryIds: ['INTEL-SA-00334'] },
  { svn: 10, status: 'ConfigurationNeeded', advisoryIds: ['INTEL-SA-00219'] },
  { svn: 9, status: 'ConfigurationAndSWHardeningNeeded', advisoryIds: ['INTEL-SA-00289', 'INTEL-SA-00334'] },
  { svn: 5, status: 'OutOfDate', advisoryIds: ['INTEL-SA-00615'] },
  { svn: 3, status: 'Revoked' },
]

/** PCE SVN of every level and of every platform that does not say otherwise. */
export const PCE_SVN = 13

/** Quoting enclave: signer, product, and levels by ISVSVN. */
export const QE = {
  mrSigner: Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 0x51) & 0xff),
  isvProdId: 1,
  isvSvn: 8,
  levels: [
    { isvSvn: 8, status: 'UpToDate' },
    { isvSvn: 6, status: 'OutOfDate' },
    { isvSvn: 1, status: 'Revoked' },
  ],
} as const

/** Dates and number that both documents carry. */
export interface DocumentDates {
  readonly issueDate: number
  readonly nextUpdate: number
  readonly evaluationNumber: number
}

const dates = ({ issueDate, nextUpdate }: DocumentDates): string =>
  `"issueDate":"${formatIsoSeconds(issueDate)}","nextUpdate":"${formatIsoSeconds(nextUpdate)}"`

const list = (items: readonly string[]): string => `[${items.join(',')}]`

const advisoriesText = ({ advisoryIds }: SimulatedLevel): string => (advisoryIds === undefined ? '' : `,"advisoryIDs":${list(advisoryIds.map((id) => `"${id}"`))}`)

/** The module's SVN, no version, the SVN of late microcode. */
const guestText = (level: SimulatedLevel): string => `,"tdxtcbcomponents":${list(Array.from({ length: 16 }, (_, i) => `{"svn":${i === 0 || i === 2 ? level.svn : 0}}`))}`

const ANY_SIGNER = `"mrsigner":"${'0'.repeat(96)}","attributes":"0000000000000000","attributesMask":"FFFFFFFFFFFFFFFF"`

const modulesText = (levels: readonly SimulatedLevel[]): string => {
  const texts = levels.map((level) => `{"tcb":{"isvsvn":${level.svn}},"tcbDate":"2024-01-01T00:00:00Z","tcbStatus":"${level.status}"${advisoriesText(level)}}`)
  return `"tdxModule":{${ANY_SIGNER}},"tdxModuleIdentities":[{"id":"TDX_01",${ANY_SIGNER},"tcbLevels":${list(texts)}}],`
}

const levelText = (level: SimulatedLevel, tee: DocumentTee): string => {
  const components = list(Array.from({ length: 16 }, () => `{"svn":${level.svn}}`))
  const guest = tee === 'TDX' ? guestText(level) : ''
  return `{"tcb":{"sgxtcbcomponents":${components},"pcesvn":${level.svn < 5 ? 1 : PCE_SVN}${guest}},"tcbDate":"2024-01-01T00:00:00Z","tcbStatus":"${level.status}"${advisoriesText(level)}}`
}

/** TCB info of a family, version 3. */
export const tcbInfoText = (
  options: DocumentDates & { readonly fmspc: Uint8Array; readonly levels: readonly SimulatedLevel[]; readonly tee?: DocumentTee; readonly moduleLevels?: readonly SimulatedLevel[] },
): string => {
  const { tee = 'SGX' } = options
  const modules = tee === 'TDX' ? modulesText(options.moduleLevels ?? DEFAULT_MODULE_LEVELS) : ''
  return (
    `{"id":"${tee}","version":3,${dates(options)},"fmspc":"${toHexPlain(options.fmspc).toUpperCase()}","pceId":"0000","tcbType":0,` +
    `"tcbEvaluationDataNumber":${options.evaluationNumber},${modules}"tcbLevels":${list(options.levels.map((level) => levelText(level, tee)))}}`
  )
}

/** Identity of the quoting enclave, version 2. */
export const qeIdentityText = (options: DocumentDates & { readonly tee?: DocumentTee }): string => {
  const [id, product] = options.tee === 'TDX' ? ['TD_QE', GUEST_QE_PRODUCT] : ['QE', QE.isvProdId]
  const levels = QE.levels.map(({ isvSvn, status }) => `{"tcb":{"isvsvn":${isvSvn}},"tcbDate":"2024-01-01T00:00:00Z","tcbStatus":"${status}"}`)
  return (
    `{"id":"${id}","version":2,${dates(options)},"tcbEvaluationDataNumber":${options.evaluationNumber},"miscselect":"00000000","miscselectMask":"FFFFFFFF",` +
    `"attributes":"11000000000000000000000000000000","attributesMask":"FBFFFFFFFFFFFFFF0000000000000000",` +
    `"mrsigner":"${toHexPlain(QE.mrSigner).toUpperCase()}","isvprodid":${product},"tcbLevels":${list(levels)}}`
  )
}
