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

const levelText = (level: SimulatedLevel): string => {
  const components = list(Array.from({ length: 16 }, () => `{"svn":${level.svn}}`))
  const advisories = level.advisoryIds === undefined ? '' : `,"advisoryIDs":${list(level.advisoryIds.map((id) => `"${id}"`))}`
  return `{"tcb":{"sgxtcbcomponents":${components},"pcesvn":${level.svn < 5 ? 1 : PCE_SVN}},"tcbDate":"2024-01-01T00:00:00Z","tcbStatus":"${level.status}"${advisories}}`
}

/** TCB info of a family, version 3. */
export const tcbInfoText = (options: DocumentDates & { readonly fmspc: Uint8Array; readonly levels: readonly SimulatedLevel[] }): string =>
  `{"id":"SGX","version":3,${dates(options)},"fmspc":"${toHexPlain(options.fmspc).toUpperCase()}","pceId":"0000","tcbType":0,` +
  `"tcbEvaluationDataNumber":${options.evaluationNumber},"tcbLevels":${list(options.levels.map(levelText))}}`

/** Identity of the quoting enclave, version 2. */
export const qeIdentityText = (options: DocumentDates): string => {
  const levels = QE.levels.map(({ isvSvn, status }) => `{"tcb":{"isvsvn":${isvSvn}},"tcbDate":"2024-01-01T00:00:00Z","tcbStatus":"${status}"}`)
  return (
    `{"id":"QE","version":2,${dates(options)},"tcbEvaluationDataNumber":${options.evaluationNumber},"miscselect":"00000000","miscselectMask":"FFFFFFFF",` +
    `"attributes":"11000000000000000000000000000000","attributesMask":"FBFFFFFFFFFFFFFF0000000000000000",` +
    `"mrsigner":"${toHexPlain(QE.mrSigner).toUpperCase()}","isvprodid":${QE.isvProdId},"tcbLevels":${list(levels)}}`
  )
}
