/** Owns GPU reports of the simulated vendor: the layout of nvidia/spdm.ts, signed by a key below the one simulated root. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { concatBytes, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { toBase64 } from '../../base64.ts'
import { derInteger, derOctets, derOid, derSequence } from '../../x509/der-writer.ts'
import { GPU_FIELD } from '../nvidia/spdm.ts'
import type { GpuEvidence } from '../nvidia.ts'
import { deriveIssuer, deriveReportKey, extension, serialOf, writeCertificate, type Issuer } from './certificates.ts'

/** What a report is to say. */
export interface GpuOptions {
  /** The requester's nonce: 32 bytes. */
  readonly nonce: Uint8Array
  readonly measurements?: readonly Uint8Array[]
  /** Firmware identity in the report; the certified one unless given, none if null. */
  readonly firmwareId?: Uint8Array | null
  /** Changes to the signed bytes before signing. */
  readonly edit?: (signed: Uint8Array) => Uint8Array
}

const SHA384_OID = '2.16.840.1.101.3.4.2.2'
const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, value >> 8)
const u24 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >> 8) & 0xff, value >> 16)

const field = (number: number, value: Uint8Array): Uint8Array => concatBytes(u16(number), u16(value.length), value)
const block = (index: number, value: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(index, 1), u16(value.length + 3), Uint8Array.of(1), u16(value.length), value)

/** What a manifest is to say. */
export interface ManifestOptions {
  /** `1.0` unless given: the driver that reports state. */
  readonly version?: string
  readonly product?: string
  /** Values by number, counted from 0; those of reports unless given. */
  readonly measurements?: readonly Uint8Array[]
  /** Changes to the finished text. */
  readonly edit?: (text: string) => string
}

/** Makes evidence of one GPU. */
export interface SimulatedGpu {
  report(options: GpuOptions): GpuEvidence
  manifest(options?: ManifestOptions): string
}

const MEASUREMENTS: readonly Uint8Array[] = [new Uint8Array(48).fill(1), new Uint8Array(48).fill(2)]

/** A manifest in canonical form, so that what is signed can be put together from parts. */
const writeManifest = (options: ManifestOptions, signer: Issuer, chain: readonly Uint8Array[], crypto: Crypto): string => {
  const resources = (options.measurements ?? MEASUREMENTS).map(
    (value, i) => `<Resource active="True" alternatives="1" index="${i}" name="Measurement_${i}" size="48" type="Measurement" h:Hash0="${toHexPlain(value)}"></Resource>`,
  )
  const namespaces = 'xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" xmlns:h="http://www.w3.org/2001/04/xmlenc#sha384"'
  const head = `<SoftwareIdentity ${namespaces} name="simulated"><Meta colloquialVersion="${options.version ?? '1.0'}" product="${options.product ?? 'GX100'}"></Meta><Payload>${resources.join('')}</Payload>`
  const algorithm = (name: string, value: string): string => `<ds:${name} Algorithm="${value}"></ds:${name}>`
  const c14n = 'http://www.w3.org/2006/12/xml-c14n11'
  const transforms = `<ds:Transforms>${algorithm('Transform', 'http://www.w3.org/2000/09/xmldsig#enveloped-signature')}${algorithm('Transform', c14n)}</ds:Transforms>`
  const digest = toBase64(crypto.sha384(utf8(`${head}</SoftwareIdentity>`)))
  const inner =
    `${algorithm('CanonicalizationMethod', c14n)}${algorithm('SignatureMethod', 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384')}<ds:Reference URI="">${transforms}` +
    `${algorithm('DigestMethod', 'http://www.w3.org/2001/04/xmldsig-more#sha384')}<ds:DigestValue>${digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>`
  const dsig = 'xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
  const [first, ...others] = namespaces.split(' ')
  const signature = toBase64(crypto.p384.sign(signer.secret, utf8(`<ds:SignedInfo ${[first, dsig, ...others].join(' ')}>${inner}`)))
  const certificates = chain.map((der) => `<ds:X509Certificate>${toBase64(der)}</ds:X509Certificate>`).join('')
  return `${head}<ds:Signature ${dsig}><ds:SignedInfo>${inner}<ds:SignatureValue>${signature}</ds:SignatureValue><ds:KeyInfo><ds:X509Data>${certificates}</ds:X509Data></ds:KeyInfo></ds:Signature></SoftwareIdentity>`
}

/** A GPU and its manifests, below the one simulated root. */
export const createSimulatedGpu = (options: { readonly seed: Uint8Array; readonly root: Issuer; readonly rootCertificate: Uint8Array; readonly crypto: Crypto }): SimulatedGpu => {
  const { seed, root, rootCertificate, crypto } = options
  const device = deriveIssuer(seed, 'gpu/device', 'GX100 A01 GSP BROM', crypto)
  const key = deriveReportKey(seed, 'gpu/attestation', 'GX100 A01 GSP FMC LF', crypto)
  const certified = crypto.sha384(utf8('simulated GPU firmware'))
  const identity = extension('2.23.133.5.4.1', derSequence(derInteger(1), derSequence(), derSequence(derOid(SHA384_OID), derOctets(certified))), false)
  const certificates = [
    writeCertificate({ subject: key, issuer: device, serial: serialOf('gpu/attestation', crypto), extensions: [identity] }, crypto),
    writeCertificate({ subject: device, issuer: root, serial: serialOf('gpu/device', crypto), pathLength: 0 }, crypto),
    rootCertificate,
  ]
  const rim = deriveReportKey(seed, 'gpu/manifest', 'Simulated RIM Signer', crypto)
  const rimChain = [writeCertificate({ subject: rim, issuer: root, serial: serialOf('gpu/manifest', crypto) }, crypto), rootCertificate]
  const report = ({ nonce, measurements = MEASUREMENTS, firmwareId = certified, edit }: GpuOptions): GpuEvidence => {
    const record = concatBytes(...measurements.map((value, i) => block(i + 1, value)))
    const fields = concatBytes(field(GPU_FIELD.driverVersion, utf8('1.0\0')), ...(firmwareId === null ? [] : [field(GPU_FIELD.firmwareId, firmwareId)]))
    const request = concatBytes(Uint8Array.of(0x11, 0xe0, 1, 0xff), nonce, Uint8Array.of(0))
    const head = concatBytes(Uint8Array.of(0x11, 0x60, 0, 0, measurements.length), u24(record.length))
    const right = concatBytes(request, head, record, crypto.sha256(nonce), u16(fields.length), fields)
    const signed = edit?.(right) ?? right
    return { report: concatBytes(signed, crypto.p384.sign(key.secret, signed)), certificates, collateral: undefined }
  }
  const manifest = (wanted: ManifestOptions = {}): string => {
    const text = writeManifest(wanted, rim, rimChain, crypto)
    return wanted.edit?.(text) ?? text
  }
  return { report, manifest }
}
