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
  /** SVNs for guests: module, module version, late microcode and reserved ones; empty in documents about enclaves. */
  readonly guestComponents: readonly number[]
  readonly pceSvn: number
  readonly status: TcbStatus
  readonly date: string
  readonly advisoryIds: readonly string[]
}

/** What the module that runs guests must be: its signer and attributes. */
export interface ModuleIdentity {
  readonly mrSigner: Uint8Array
  readonly attributes: Uint8Array
  readonly attributesMask: Uint8Array
}

/** One level of a module of some version. */
export interface ModuleLevel {
  readonly isvSvn: number
  readonly status: TcbStatus
  readonly date: string
  readonly advisoryIds: readonly string[]
}

/** The module of one version. */
export interface VersionedModule extends ModuleIdentity {
  /** `TDX_01` for version 1, hex. */
  readonly id: string
  /** In the document's order, which is the order of preference. */
  readonly levels: readonly ModuleLevel[]
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
  /** The module of version 0; undefined in documents about enclaves. */
  readonly module: ModuleIdentity | undefined
  /** Modules of later versions; empty in documents about enclaves and in the oldest about guests. */
  readonly modules: readonly VersionedModule[]
}

/** A status word of a signed document. */
export const asStatus = (word: string, path: string): TcbStatus => {
  if (!isTcbStatus(word)) throw attestationError('ATTESTATION_JSON_FIELD', `${path} is "${word.slice(0, 40)}", not a known status`, { path })
  return word
}

const COMPONENTS = 16

/** Version 3 lists components as objects; the names below hold for both kinds of them. */
const readList = (tcb: JsonObject, key: string, path: string): readonly number[] => {
  const list = asArray(tcb.get(key), `${path}.${key}`, COMPONENTS)
  if (list.length !== COMPONENTS) throw attestationError('ATTESTATION_JSON_FIELD', `${path}.${key} has ${list.length} entries, ${COMPONENTS} expected`)
  return list.map((entry, i) => asInteger(asObject(entry, `${path}.${key}[${i}]`).get('svn'), `${path}.${key}[${i}].svn`, 255))
}

const readComponents = (tcb: JsonObject, version: number, path: string): readonly number[] =>
  version !== 2 ? readList(tcb, 'sgxtcbcomponents', path) : Array.from({ length: COMPONENTS }, (_, i) => {
    const key = `sgxtcbcomp${String(i + 1).padStart(2, '0')}svn`
    return asInteger(tcb.get(key), `${path}.${key}`, 255)
  })

const readLevel = (level: JsonObject, form: { readonly version: number; readonly isGuest: boolean }, path: string): TcbLevel => {
  const tcb = asObject(level.get('tcb'), `${path}.tcb`)
  return {
    components: readComponents(tcb, form.version, `${path}.tcb`),
    guestComponents: form.isGuest ? readList(tcb, 'tdxtcbcomponents', `${path}.tcb`) : [],
    pceSvn: asInteger(tcb.get('pcesvn'), `${path}.tcb.pcesvn`, 65535),
    status: asStatus(asText(level.get('tcbStatus'), `${path}.tcbStatus`), `${path}.tcbStatus`),
    date: asText(level.get('tcbDate'), `${path}.tcbDate`),
    advisoryIds: asTexts(level.get('advisoryIDs'), `${path}.advisoryIDs`),
  }
}

const readIdentity = (json: JsonObject, path: string): ModuleIdentity => ({
  mrSigner: asHex(json.get('mrsigner'), `${path}.mrsigner`, 48),
  attributes: asHex(json.get('attributes'), `${path}.attributes`, 8),
  attributesMask: asHex(json.get('attributesMask'), `${path}.attributesMask`, 8),
})

const readModule = (json: JsonObject, path: string): VersionedModule => ({
  id: asText(json.get('id'), `${path}.id`),
  ...readIdentity(json, path),
  levels: asArray(json.get('tcbLevels'), `${path}.tcbLevels`, 256).map((entry, i) => {
    const at = `${path}.tcbLevels[${i}]`
    const level = asObject(entry, at)
    return {
      isvSvn: asInteger(asObject(level.get('tcb'), `${at}.tcb`).get('isvsvn'), `${at}.tcb.isvsvn`, 65535),
      status: asStatus(asText(level.get('tcbStatus'), `${at}.tcbStatus`), `${at}.tcbStatus`),
      date: asText(level.get('tcbDate'), `${at}.tcbDate`),
      advisoryIds: asTexts(level.get('advisoryIDs'), `${at}.advisoryIDs`),
    }
  }),
})

const readModules = (root: JsonObject): readonly VersionedModule[] => {
  const list = root.get('tdxModuleIdentities')
  const path = 'tcbInfo.tdxModuleIdentities'
  return list === undefined ? [] : asArray(list, path, 256).map((entry, i) => readModule(asObject(entry, `${path}[${i}]`), `${path}[${i}]`))
}

/** Reads a TCB info document of version 2 or 3. @throws ATTESTATION_JSON_ codes, ATTESTATION_TCB_INFO_UNSUPPORTED */
export const parseTcbInfo = (text: string): TcbInfo => {
  const root = asObject(parseJson(text), 'tcbInfo')
  const version = asInteger(root.get('version'), 'tcbInfo.version')
  if (version !== 2 && version !== 3) throw attestationError('ATTESTATION_TCB_INFO_UNSUPPORTED', `version ${version}`)
  const tcbType = asInteger(root.get('tcbType'), 'tcbInfo.tcbType')
  if (tcbType !== 0) throw attestationError('ATTESTATION_TCB_INFO_UNSUPPORTED', `tcbType ${tcbType}`)
  const id = version === 2 ? 'SGX' : asText(root.get('id'), 'tcbInfo.id')
  const isGuest = id === 'TDX'
  const levels = asArray(root.get('tcbLevels'), 'tcbInfo.tcbLevels', 256)
  if (levels.length === 0) throw attestationError('ATTESTATION_JSON_FIELD', 'tcbInfo.tcbLevels is empty')
  return {
    id,
    version,
    issueDate: parseIsoSeconds(asText(root.get('issueDate'), 'tcbInfo.issueDate')),
    nextUpdate: parseIsoSeconds(asText(root.get('nextUpdate'), 'tcbInfo.nextUpdate')),
    fmspc: asHex(root.get('fmspc'), 'tcbInfo.fmspc', 6),
    pceId: asHex(root.get('pceId'), 'tcbInfo.pceId', 2),
    evaluationNumber: asInteger(root.get('tcbEvaluationDataNumber'), 'tcbInfo.tcbEvaluationDataNumber'),
    levels: levels.map((level, i) => readLevel(asObject(level, `tcbInfo.tcbLevels[${i}]`), { version, isGuest }, `tcbInfo.tcbLevels[${i}]`)),
    module: isGuest ? readIdentity(asObject(root.get('tdxModule'), 'tcbInfo.tdxModule'), 'tcbInfo.tdxModule') : undefined,
    modules: isGuest ? readModules(root) : [],
  }
}

/** Whether the platform's certificate reaches a level: PCESVN and all 16 SVNs. */
export const reachesLevel = (platform: PlatformExtension, level: TcbLevel): boolean =>
  platform.pceSvn >= level.pceSvn && level.components.every((svn, i) => (platform.components[i] as number) >= svn)

/** First level that a platform covers, with its place; undefined when it covers none. */
export const findTcbLevel = (tcbInfo: TcbInfo, covers: (level: TcbLevel) => boolean): { readonly level: TcbLevel; readonly index: number } | undefined => {
  const index = tcbInfo.levels.findIndex(covers)
  const level = tcbInfo.levels[index]
  return level === undefined ? undefined : { level, index }
}

/** Which SVNs keep the platform from a level, in words: `SVN[7]=11 < 13`. */
export const missingFor = (level: TcbLevel, platform: PlatformExtension): readonly string[] => {
  const out: string[] = []
  level.components.forEach((svn, i) => {
    const have = platform.components[i] as number
    if (have < svn) out.push(`SVN[${i + 1}]=${have} < ${svn}`)
  })
  if (platform.pceSvn < level.pceSvn) out.push(`PCESVN=${platform.pceSvn} < ${level.pceSvn}`)
  return out
}
