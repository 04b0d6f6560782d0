/**
 * Owns NVIDIA's reference integrity manifests (TCG RIM in a SWID tag, ISO/IEC 19770-2): reading one, judging its enveloped XML signature
 * (XML Signature 1.1, one fixed form) and its chain to the pinned root, and comparing a report with it.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytesEqual, parseHex, utf8 } from '@phalanx/primitives/bytes'
import { parseBase64 } from '../../base64.ts'
import { attestationError } from '../../errors.ts'
import type { CheckRecorder } from '../../verdict.ts'
import { parseCertificate, type Certificate } from '../../x509/certificate.ts'
import { checkChain, type TrustRoot } from '../../x509/chain.ts'
import type { Measurement } from './spdm.ts'
import { attributeOf, canonicalize, childOf, childrenOf, parseXml, textOf, type XmlElement } from './xml.ts'

const SWID = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd'
const DSIG = 'http://www.w3.org/2000/09/xmldsig#'
const SHA384 = 'http://www.w3.org/2001/04/xmlenc#sha384'
const C14N = 'http://www.w3.org/2006/12/xml-c14n11'
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'
const ECDSA_SHA384 = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384'
const DIGEST_SHA384 = 'http://www.w3.org/2001/04/xmldsig-more#sha384'
const CERTIFICATES_MAX = 8
const MEASUREMENTS_MAX = 64
const HASH_LENGTH = 48

/** What one measurement may be; unused numbers are not `active` and mean nothing. Counted from 0, where reports count from 1. */
export interface ReferenceMeasurement {
  readonly index: number
  readonly active: boolean
  readonly values: readonly Uint8Array[]
}

/** A manifest as read. */
export interface Manifest {
  /** Version of the driver or firmware it is for. */
  readonly version: string
  readonly product: string
  readonly measurements: readonly ReferenceMeasurement[]
  /** DER, leaf first, root last. */
  readonly certificates: readonly Uint8Array[]
  readonly signature: Uint8Array
  /** Canonical form of what the signature is over. */
  readonly signedInfo: Uint8Array
  /** Canonical form of the manifest without its signature, and the digest that the signature states of it. */
  readonly content: Uint8Array
  readonly digest: Uint8Array
}

const bad = (what: string): never => {
  throw attestationError('ATTESTATION_MANIFEST_FIELD', what)
}

const algorithmIs = (element: XmlElement, algorithm: string): void => {
  const found = attributeOf(element, 'Algorithm')
  if (found !== algorithm) bad(`<${element.local}> names ${(found ?? 'nothing').slice(0, 80)}, ${algorithm} expected`)
}

const base64Of = (element: XmlElement): Uint8Array => parseBase64(textOf(element).replace(/[ \n]/g, ''))

/** One reference over the whole document with one fixed list of transforms: nothing that a signature could leave out. */
const readReference = (signedInfo: XmlElement): Uint8Array => {
  algorithmIs(childOf(signedInfo, DSIG, 'CanonicalizationMethod'), C14N)
  algorithmIs(childOf(signedInfo, DSIG, 'SignatureMethod'), ECDSA_SHA384)
  const reference = childOf(signedInfo, DSIG, 'Reference')
  if (attributeOf(reference, 'URI') !== '') bad('the signature is not over the whole document')
  const transforms = childrenOf(childOf(reference, DSIG, 'Transforms'), DSIG, 'Transform').map((one) => attributeOf(one, 'Algorithm'))
  if (transforms.length !== 2 || transforms[0] !== ENVELOPED || transforms[1] !== C14N) bad('other transforms than enveloped signature and Canonical XML 1.1')
  algorithmIs(childOf(reference, DSIG, 'DigestMethod'), DIGEST_SHA384)
  return base64Of(childOf(reference, DSIG, 'DigestValue'))
}

const decimal = (element: XmlElement, name: string, max: number): number => {
  const text = attributeOf(element, name) ?? ''
  return /^(0|[1-9]\d{0,3})$/.test(text) && Number(text) <= max ? Number(text) : bad(`${name} "${text.slice(0, 20)}"`)
}

const readMeasurement = (resource: XmlElement): ReferenceMeasurement => {
  const index = decimal(resource, 'index', MEASUREMENTS_MAX - 1)
  if (attributeOf(resource, 'type') !== 'Measurement' || decimal(resource, 'size', HASH_LENGTH) !== HASH_LENGTH) bad(`resource ${index} is no measurement of ${HASH_LENGTH} bytes`)
  const active = attributeOf(resource, 'active')
  if (active !== 'True' && active !== 'False') bad(`resource ${index} is active "${(active ?? '').slice(0, 20)}"`)
  const values = Array.from({ length: decimal(resource, 'alternatives', 32) }, (_, i) => {
    const hex = attributeOf(resource, `Hash${i}`, SHA384) ?? ''
    return /^[0-9a-fA-F]{96}$/.test(hex) ? parseHex(hex) : bad(`hash ${i} of resource ${index}`)
  })
  return { index, active: active === 'True', values }
}

const readMeasurements = (root: XmlElement): readonly ReferenceMeasurement[] => {
  const measurements = childrenOf(childOf(root, SWID, 'Payload'), SWID, 'Resource').map(readMeasurement)
  if (measurements.length === 0 || measurements.length > MEASUREMENTS_MAX) bad(`${measurements.length} measurements`)
  if (new Set(measurements.map(({ index }) => index)).size !== measurements.length) bad('one measurement twice')
  return measurements
}

/** Reads a manifest. @throws ATTESTATION_XML_MALFORMED, ATTESTATION_MANIFEST_FIELD, ATTESTATION_BASE64_MALFORMED */
export const parseManifest = (text: string): Manifest => {
  const root = parseXml(text)
  if (root.uri !== SWID || root.local !== 'SoftwareIdentity') bad(`<${root.local}> is no SWID tag`)
  const signature = childOf(root, DSIG, 'Signature')
  const signedInfo = childOf(signature, DSIG, 'SignedInfo')
  const certificates = childrenOf(childOf(childOf(signature, DSIG, 'KeyInfo'), DSIG, 'X509Data'), DSIG, 'X509Certificate')
  if (certificates.length < 2 || certificates.length > CERTIFICATES_MAX) bad(`${certificates.length} certificates`)
  const meta = childOf(root, SWID, 'Meta')
  return {
    version: attributeOf(meta, 'colloquialVersion') ?? bad('no version'),
    product: attributeOf(meta, 'product') ?? bad('no product'),
    measurements: readMeasurements(root),
    certificates: certificates.map(base64Of),
    signature: base64Of(childOf(signature, DSIG, 'SignatureValue')),
    signedInfo: utf8(canonicalize(signedInfo)),
    content: utf8(canonicalize(root, signature)),
    digest: readReference(signedInfo),
  }
}

/** A manifest that stands, with the certificates whose dates count. */
export interface VerifiedManifest {
  readonly manifest: Manifest
  readonly certificates: readonly Certificate[]
}

/** Judges a manifest apart from time; undefined when it does not stand. */
export const checkManifest = (checks: CheckRecorder, text: string, trust: { readonly roots: (der: Uint8Array) => readonly TrustRoot[]; readonly simulated: boolean }, crypto: Crypto): VerifiedManifest | undefined => {
  const manifest = checks.attempt({ name: 'form', rule: 'ISO/IEC 19770-2 and XML Signature 1.1, in one fixed form' }, () => parseManifest(text))
  if (manifest === undefined) return undefined
  const parsed = checks.attempt({ name: 'certificates', rule: 'RFC 5280 in DER' }, () => manifest.certificates.map(parseCertificate))
  if (parsed === undefined) return undefined
  const root = parsed[parsed.length - 1] as Certificate
  const shape = { certificates: parsed, length: parsed.length, rootPresented: true, leafIsAuthority: false, leafRole: 'RIM' }
  const chain = checks.group({ name: 'chain', rule: 'Vendor hierarchy of reference manifests' }, (inner) => checkChain(inner, shape, { roots: trust.roots(root.der), simulated: trust.simulated }, crypto))
  const digest = crypto.sha384(manifest.content)
  checks.check(
    { name: 'digest', rule: 'XML Signature 1.1 section 4.4.3: SHA-384 of the canonical document without its signature', seen: digest, expected: manifest.digest },
    { pass: bytesEqual(digest, manifest.digest), code: 'ATTESTATION_MANIFEST_SIGNATURE_INVALID', detail: `manifest of ${manifest.product} ${manifest.version}` },
  )
  const key = (parsed[0] as Certificate).publicKey
  const valid = key.kind === 'p384' && crypto.p384.verify(manifest.signature, manifest.signedInfo, key.value)
  checks.check(
    { name: 'signature', rule: 'XML Signature 1.1 section 4.4.2: ECDSA P-384 with SHA-384 over the canonical SignedInfo', seen: manifest.signature },
    { pass: valid, code: 'ATTESTATION_MANIFEST_SIGNATURE_INVALID', detail: `manifest of ${manifest.product} ${manifest.version}` },
  )
  return chain === undefined || checks.failed() ? undefined : { manifest, certificates: parsed }
}

/** Numbers (from 0) of active measurements of a manifest that a report does not fulfil. */
const deviations = (manifest: Manifest, measurements: readonly Measurement[]): readonly number[] =>
  manifest.measurements
    .filter(({ active, index, values }) => {
      const found = measurements.find((one) => one.index === index + 1)
      return active && (found === undefined || !values.some((value) => bytesEqual(value, found.value)))
    })
    .map(({ index }) => index)

/** Versions that a report states, and the product its certificate names. */
export interface ReportedVersions {
  readonly product: string
  readonly driver: string
  readonly firmware: string
}

/** Judges a report by manifests that stand: each is for a version the report states, and every active measurement is fulfilled. */
export const checkMeasurements = (checks: CheckRecorder, manifests: readonly Manifest[], reported: ReportedVersions, measurements: readonly Measurement[]): void => {
  for (const manifest of manifests) {
    const { product, version } = manifest
    const isFor = product === reported.product && [reported.driver, reported.firmware].includes(version.toUpperCase())
    const stated = `${reported.product}, driver ${reported.driver}, firmware ${reported.firmware}`
    checks.check(
      { name: `manifest of ${product} ${version}`, rule: 'The manifest is for this product and the driver or firmware that the report states', seen: `${product} ${version}`, expected: stated },
      { pass: isFor, code: 'ATTESTATION_REFERENCE_MISMATCH', detail: `for ${product} ${version}; the report is of ${stated}` },
    )
    const failing = deviations(manifest, measurements)
    checks.check(
      { name: 'measurements', rule: 'Every active measurement of the manifest has one of its values in the report', seen: measurements.length, expected: manifest.measurements.filter(({ active }) => active).length },
      { pass: failing.length === 0, code: 'ATTESTATION_REFERENCE_MISMATCH', detail: `measurement ${failing.join(', ')} of ${product} ${version}` },
    )
  }
  const active = manifests.flatMap((manifest) => manifest.measurements.filter((one) => one.active).map(({ index }) => index))
  checks.check(
    { name: 'no measurement in two manifests', rule: 'Driver and firmware manifests describe different measurements', seen: active.length },
    { pass: new Set(active).size === active.length, code: 'ATTESTATION_MANIFEST_FIELD', detail: 'two manifests describe one measurement' },
  )
}
