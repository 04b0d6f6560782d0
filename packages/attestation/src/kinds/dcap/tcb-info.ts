/**
 * Owns TCB info (Intel PCS API, versions 2 and 3 of the document) and the choice of the level that covers a platform
 * (PCS API documentation, "Get TCB Info"; registry.md §2.3.10). Signatures and dates are judged in collateral.ts.
 */
import { attestationError } from '../../errors.ts'
import { asArray, asHex, asInteger, asObject, asText, asTexts, parseJson, type JsonObject } from '../../json.ts'
import { isTcbStatus, type TcbStatus } from '../../status.ts'
import { parseIsoSeconds } from '../../x509/time.ts'
import type { PlatformExtension } from './platform.ts'

/** One level: a platform at or above all its SVNs has its status. */
export interface TcbLevel {
  readonly components: readonly number[]
  readonly pceSvn: number
  readonly status: TcbStatus
  readonly date: string
  readonly advisoryIds: readonly string[]
}

/** A TCB info document. */
export interface TcbInfo {
  /** `SGX` or `TDX`; version 2 documents are `SGX` without saying so. */
  readonly id: string
  readonly version: number
  readonly issueDate: number
  readonly nextUpdate: number
  readonly fmspc: Uint8Array
  readonly pceId: Uint8Array
  readonly evaluationNumber: number
  /** In the document's order, which is the order of preference. */
  readonly levels: readonly TcbLevel[]
}

/** A status word of a signed document. */
export const asStatus = (word: string, path: string): TcbStatus => {
  if (!isTcbStatus(word)) throw attestationError('ATTESTATION_JSON_FIELD', `${path} is "${word.slice(0, 40)}", not a known status`, { path })
  return word
}

const readComponents = (tcb: JsonObject, version: number, path: string): readonly number[] => {
  if (version === 2)
    return Array.from({ length: 16 }, (_, i) => {
      const key = `sgxtcbcomp${String(i + 1).padStart(2, '0')}svn`
      return asInteger(tcb.get(key), `${path}.${key}`, 255)
    })
  const list = asArray(tcb.get('sgxtcbcomponents'), `${path}.sgxtcbcomponents`, 16)
  if (list.length !== 16) throw attestationError('ATTESTATION_JSON_FIELD', `${path}.sgxtcbcomponents has ${list.length} entries, 16 expected`)
  return list.map((entry, i) => asInteger(asObject(entry, `${path}.sgxtcbcomponents[${i}]`).get('svn'), `${path}.sgxtcbcomponents[${i}].svn`, 255))
}

const readLevel = (level: JsonObject, version: number, path: string): TcbLevel => {
  const tcb = asObject(level.get('tcb'), `${path}.tcb`)
  return {
    components: readComponents(tcb, version, `${path}.tcb`),
    pceSvn: asInteger(tcb.get('pcesvn'), `${path}.tcb.pcesvn`, 65535),
    status: asStatus(asText(level.get('tcbStatus'), `${path}.tcbStatus`), `${path}.tcbStatus`),
    date: asText(level.get('tcbDate'), `${path}.tcbDate`),
    advisoryIds: asTexts(level.get('advisoryIDs'), `${path}.advisoryIDs`),
  }
}

/** Reads a TCB info document of version 2 or 3. @throws ATTESTATION_JSON_ codes, ATTESTATION_TCB_INFO_UNSUPPORTED */
export const parseTcbInfo = (text: string): TcbInfo => {
  const root = asObject(parseJson(text), 'tcbInfo')
  const version = asInteger(root.get('version'), 'tcbInfo.version')
  if (version !== 2 && version !== 3) throw attestationError('ATTESTATION_TCB_INFO_UNSUPPORTED', `version ${version}`)
  const tcbType = asInteger(root.get('tcbType'), 'tcbInfo.tcbType')
  if (tcbType !== 0) throw attestationError('ATTESTATION_TCB_INFO_UNSUPPORTED', `tcbType ${tcbType}`)
  const levels = asArray(root.get('tcbLevels'), 'tcbInfo.tcbLevels', 256)
  if (levels.length === 0) throw attestationError('ATTESTATION_JSON_FIELD', 'tcbInfo.tcbLevels is empty')
  return {
    id: version === 2 ? 'SGX' : asText(root.get('id'), 'tcbInfo.id'),
    version,
    issueDate: parseIsoSeconds(asText(root.get('issueDate'), 'tcbInfo.issueDate')),
    nextUpdate: parseIsoSeconds(asText(root.get('nextUpdate'), 'tcbInfo.nextUpdate')),
    fmspc: asHex(root.get('fmspc'), 'tcbInfo.fmspc', 6),
    pceId: asHex(root.get('pceId'), 'tcbInfo.pceId', 2),
    evaluationNumber: asInteger(root.get('tcbEvaluationDataNumber'), 'tcbInfo.tcbEvaluationDataNumber'),
    levels: levels.map((level, i) => readLevel(asObject(level, `tcbInfo.tcbLevels[${i}]`), version, `tcbInfo.tcbLevels[${i}]`)),
  }
}

/** First level whose SVNs the platform reaches, with its place; undefined when none covers it. */
export const findTcbLevel = (tcbInfo: TcbInfo, platform: PlatformExtension): { readonly level: TcbLevel; readonly index: number } | undefined => {
  const index = tcbInfo.levels.findIndex(
    (level) => platform.pceSvn >= level.pceSvn && level.components.every((svn, i) => (platform.components[i] as number) >= svn),
  )
  const level = tcbInfo.levels[index]
  return level === undefined ? undefined : { level, index }
}

/** Which SVNs keep the platform from a level, in words: `SVN[7]=11 < 13`. */
export const missingFor = (level: TcbLevel, platform: PlatformExtension): string => {
  const out: string[] = []
  level.components.forEach((svn, i) => {
    const have = platform.components[i] as number
    if (have < svn) out.push(`SVN[${i + 1}]=${have} < ${svn}`)
  })
  if (platform.pceSvn < level.pceSvn) out.push(`PCESVN=${platform.pceSvn} < ${level.pceSvn}`)
  return out.join(', ')
}
