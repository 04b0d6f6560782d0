/** Fuzz targets of @phalanx/attestation: every parser of evidence, collateral and policy, and the verifier over whole reports. */
import {
  AnyCollateral, AttestationPolicy, AttestationReport, SgxV30QuoteCollateral, attachCollateral, detectEvidence, evaluateRegistration, evidenceDigest, judgeCollateral, prepareCollateral,
  referencePolicy, verifyEvidence,
} from '@phalanx/attestation'
import { createSimulatedVendor } from '@phalanx/attestation/simulated'
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, parseHex, parseUtf8, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { parseBase64, toBase64 } from '../packages/attestation/src/base64.ts'
import { parseJson } from '../packages/attestation/src/json.ts'
import { parsePlatformExtension } from '../packages/attestation/src/kinds/dcap/platform.ts'
import { parseQeIdentity } from '../packages/attestation/src/kinds/dcap/qe-identity.ts'
import { cutQuote, parseQuote, parseQuoteHeader, signedPartOf } from '../packages/attestation/src/kinds/dcap/quote.ts'
import { parseTcbInfo } from '../packages/attestation/src/kinds/dcap/tcb-info.ts'
import { encodeCbor, parseCbor } from '../packages/attestation/src/kinds/nitro/cbor.ts'
import { parseCoseSign1, parseNitroDocument } from '../packages/attestation/src/kinds/nitro/document.ts'
import { parseManifest } from '../packages/attestation/src/kinds/nvidia/manifest.ts'
import { parseGpuReport } from '../packages/attestation/src/kinds/nvidia/spdm.ts'
import { canonicalize, parseXml } from '../packages/attestation/src/kinds/nvidia/xml.ts'
import { parseEndorsement } from '../packages/attestation/src/kinds/snp/endorsement.ts'
import { parseSnpReport } from '../packages/attestation/src/kinds/snp/report.ts'
import { parseCertificate } from '../packages/attestation/src/x509/certificate.ts'
import { parseRevocationList } from '../packages/attestation/src/x509/crl.ts'
import { formatPem, parsePem } from '../packages/attestation/src/x509/pem.ts'
import { parseIsoSeconds } from '../packages/attestation/src/x509/time.ts'
import { codecTarget } from './codec-target.ts'
import type { FuzzTarget } from './fuzzer.ts'

const NOW = 1_790_000_000
const crypto = await loadCrypto()
const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(1), crypto })
const policy = referencePolicy({ simulated: true, roots: [vendor.rootCertificate] })
const quote = vendor.platform({ id: 'fuzz' }).quote({ report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(32) })
const collateral = vendor.collateral({ nowSeconds: NOW, revoked: [new Uint8Array(20).fill(0x42)] })
const evidence: AttestationReport = { kind: 'SgxDcap', value: { quote, collateral } }
const prepared = prepareCollateral(collateral.value, policy, crypto)
const pckChain = parsePem(parseUtf8(parseQuote(quote).authentication.certificationData))
const report = utf8('{"id":"1","timestamp":"2023-11-14T22:13:20.123456","isvEnclaveQuoteStatus":"OK","isvEnclaveQuoteBody":"AA=="}')

const manifest = vendor.gpu().manifest()
const others: readonly AttestationReport[] = [
  { kind: 'SevSnp', value: vendor.snp('Milan').machine({ id: 'fuzz' }).evidence({ measurement: new Uint8Array(48), reportData: new Uint8Array(64), nowSeconds: NOW }) },
  { kind: 'Nitro', value: vendor.nitro({ userData: new Uint8Array(64), nowSeconds: NOW }) },
  { kind: 'Nvidia', value: { ...vendor.gpu().report({ nonce: new Uint8Array(32) }), collateral: { kind: 'Nvidia', value: { manifests: [manifest] } } } },
]
const [snp, nitro, gpu] = others as [Extract<AttestationReport, { kind: 'SevSnp' }>, Extract<AttestationReport, { kind: 'Nitro' }>, Extract<AttestationReport, { kind: 'Nvidia' }>]
const guestPlatform = vendor.platform({ id: 'fuzz' })
const guestQuotes = ([4, 5] as const).map((version) => guestPlatform.guestQuote({ version, report: { mrTd: new Uint8Array(48) }, reportData: new Uint8Array(32) }))
const guestCollateral = vendor.collateral({ nowSeconds: NOW, tee: 'TDX' })
const guestPrepared = prepareCollateral(guestCollateral.value, policy, crypto)
const guests = guestQuotes.map((bytes): AttestationReport => ({ kind: 'Tdx', value: { quote: bytes, collateral: guestCollateral } }))
const enclave4 = guestPlatform.quote({ version: 4, report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(32) })
const made = new Set([evidence, ...others, ...guests, { kind: 'SgxDcap', value: { quote: enclave4, collateral } } as const].map((one) => toHex(evidenceDigest(crypto, one))))

/** Collateral judged before, for quotes that come without. */
const preparedFor = (input: AttestationReport) =>
  (input.kind !== 'SgxDcap' && input.kind !== 'Tdx') || input.value.collateral !== undefined ? {} : { prepared: input.kind === 'Tdx' ? guestPrepared : prepared }

/** A verdict that passes on other evidence than what was made. */
const assertNotForged = (input: AttestationReport): void => {
  const verdict = verifyEvidence({ evidence: input, policy, nowSeconds: NOW, crypto, ...preparedFor(input) })
  assert(!verdict.ok || made.has(toHex(evidenceDigest(crypto, input))), 'altered signed content was accepted')
}

const sets: readonly AnyCollateral[] = [collateral, guestCollateral, ...(snp.value.collateral === undefined ? [] : [snp.value.collateral])]
/** What decides about a set: key, evaluation and dates. Whatever is unsigned may differ as long as these do not. */
const standingOf = (set: AnyCollateral): string | undefined => {
  const judged = judgeCollateral(set, { policy, nowSeconds: NOW, crypto })
  if (!judged.ok) return undefined
  const { key, evaluationNumber, dates, validUntil } = judged.set
  return JSON.stringify([key.tee, toHex(key.family), key.authority, evaluationNumber, dates, validUntil])
}
const standings = new Set(sets.map(standingOf))

const collateralJson = { ...collateral.value, tcbInfoSignature: toHex(collateral.value.tcbInfoSignature), qeIdentitySignature: toHex(collateral.value.qeIdentitySignature) }
const files: readonly Uint8Array[] = [
  quote, ...guestQuotes, utf8(toHex(quote)), AttestationReport.encode(evidence), utf8(JSON.stringify({ quoteHex: toHex(quote), collateral: collateralJson })),
  utf8(JSON.stringify({ report: parseUtf8(report), signature: 'AQI=', signing_cert: toBase64(pckChain[0] ?? report) })), utf8(formatPem(pckChain)), ...pckChain,
]

const parserTargets: readonly FuzzTarget[] = [
  { name: 'attestation.certificate', seeds: pckChain, run: (bytes) => void parsePlatformExtension(parseCertificate(bytes)) },
  { name: 'attestation.revocationList', seeds: [parseHex(collateral.value.pckCrl), parseHex(collateral.value.rootCaCrl)], run: (bytes) => void parseRevocationList(bytes) },
  {
    name: 'attestation.pem',
    seeds: [utf8(formatPem(pckChain))],
    run(bytes) {
      const blocks = parsePem(parseUtf8(bytes))
      assert(blocks.every((block, i) => bytesEqual(block, parsePem(formatPem(blocks))[i] as Uint8Array)), 'PEM does not come back')
    },
  },
  {
    name: 'attestation.base64',
    seeds: [utf8('YQ=='), utf8('YWJj')],
    run(bytes) {
      const text = parseUtf8(bytes)
      assert(toBase64(parseBase64(text)) === text, 'base64 does not come back')
    },
  },
  { name: 'attestation.json', seeds: [utf8(collateral.value.qeIdentity), report], run: (bytes) => void parseJson(parseUtf8(bytes)) },
  { name: 'attestation.tcbInfo', seeds: [utf8(collateral.value.tcbInfo), utf8(guestCollateral.value.tcbInfo)], run: (bytes) => void parseTcbInfo(parseUtf8(bytes)) },
  { name: 'attestation.qeIdentity', seeds: [utf8(collateral.value.qeIdentity)], run: (bytes) => void parseQeIdentity(parseUtf8(bytes)) },
  { name: 'attestation.isoTime', seeds: [utf8('2023-11-14T22:13:20Z')], run: (bytes) => void parseIsoSeconds(parseUtf8(bytes)) },
  { name: 'attestation.quote', seeds: [quote, enclave4, ...guestQuotes], run: (bytes) => void [parseQuoteHeader(bytes), signedPartOf(bytes), cutQuote(bytes), parseQuote(bytes)] },
  { name: 'attestation.detect', seeds: files, run: (bytes) => void AttestationReport.encode(detectEvidence(bytes).evidence) },
  { name: 'attestation.collateralFile', seeds: [utf8(JSON.stringify(collateralJson)), SgxV30QuoteCollateral.encode(collateral.value)], run: (bytes) => void attachCollateral(evidence, bytes) },
]

const cose = parseCoseSign1(nitro.value.document)

const otherTargets: readonly FuzzTarget[] = [
  { name: 'attestation.snpReport', seeds: [snp.value.report], run: (bytes) => void parseSnpReport(bytes) },
  { name: 'attestation.snpEndorsement', seeds: [snp.value.endorsement], run: (bytes) => void parseEndorsement(parseCertificate(bytes)) },
  {
    name: 'attestation.cbor',
    seeds: [nitro.value.document, cose.payload],
    run(bytes) {
      assert(bytesEqual(encodeCbor(parseCbor(bytes)), bytes), 'CBOR does not come back')
    },
  },
  { name: 'attestation.cborOpen', seeds: [cose.payload, parseHex('bf61610161629f0203ffff')], run: (bytes) => void parseCbor(bytes, { open: true }) },
  { name: 'attestation.cose', seeds: [nitro.value.document], run: (bytes) => void parseCoseSign1(bytes) },
  { name: 'attestation.nitroDocument', seeds: [cose.payload], run: (bytes) => void parseNitroDocument(bytes) },
  {
    name: 'attestation.xml',
    seeds: [utf8(manifest), utf8('<a xmlns="u" xmlns:p="v" p:b="1" c=\'2&amp;\'>t<p:d/></a>')],
    run(bytes) {
      const text = canonicalize(parseXml(parseUtf8(bytes)))
      assert(canonicalize(parseXml(text)) === text, 'canonical XML is its own canonical form')
    },
  },
  { name: 'attestation.manifest', seeds: [utf8(manifest)], run: (bytes) => void parseManifest(parseUtf8(bytes)) },
  { name: 'attestation.spdm', seeds: [gpu.value.report], run: (bytes) => void parseGpuReport(bytes) },
  { name: 'attestation.verifySnp', seeds: [snp.value.report], run: (bytes) => assertNotForged({ kind: 'SevSnp', value: { ...snp.value, report: bytes } }) },
  { name: 'attestation.verifyNitro', seeds: [nitro.value.document], run: (bytes) => assertNotForged({ kind: 'Nitro', value: { document: bytes } }) },
  { name: 'attestation.verifyGpu', seeds: [gpu.value.report], run: (bytes) => assertNotForged({ kind: 'Nvidia', value: { ...gpu.value, report: bytes } }) },
]

const verifierTargets: readonly FuzzTarget[] = [
  { name: 'attestation.verifyQuote', seeds: [quote], run: (bytes) => assertNotForged({ kind: 'SgxDcap', value: { quote: bytes, collateral: undefined } }) },
  { name: 'attestation.verifyGuestQuote', seeds: guestQuotes, run: (bytes) => assertNotForged({ kind: 'Tdx', value: { quote: bytes, collateral: undefined } }) },
  { name: 'attestation.verifyEnclaveQuote4', seeds: [enclave4], run: (bytes) => assertNotForged({ kind: 'SgxDcap', value: { quote: bytes, collateral: undefined } }) },
  { name: 'attestation.verifyReport', seeds: [report], run: (bytes) => assertNotForged({ kind: 'SgxIas', value: { raReport: bytes, signature: new Uint8Array(256), rawSigningCert: bytes } }) },
  { name: 'attestation.verifyEvidence', seeds: [evidence, ...others, ...guests].map((one) => AttestationReport.encode(one)), run: (bytes) => assertNotForged(AttestationReport.decode(bytes)) },
  {
    name: 'attestation.collateral',
    seeds: [SgxV30QuoteCollateral.encode(collateral.value)],
    run: (bytes) => void prepareCollateral(SgxV30QuoteCollateral.decode(bytes), policy, crypto),
  },
  {
    name: 'attestation.canonicalSet',
    seeds: sets.map((set) => AnyCollateral.encode(set)),
    run(bytes) {
      const standing = standingOf(AnyCollateral.decode(bytes))
      assert(standing === undefined || standings.has(standing), 'a set that nobody signed would become canonical')
    },
  },
  {
    name: 'attestation.policy',
    seeds: [AttestationPolicy.encode(policy)],
    run: (bytes) => void evaluateRegistration({ report: evidence, commit: new Uint8Array(32), policy: AttestationPolicy.decode(bytes), nowSeconds: NOW, crypto }),
  },
]

/** Targets of this file. */
export const targets: readonly FuzzTarget[] = [
  codecTarget('attestation.wire', AttestationReport, [AttestationReport.encode(evidence)]),
  codecTarget('attestation.collateralCodec', AnyCollateral, sets.map((set) => AnyCollateral.encode(set))),
  codecTarget('attestation.policyCodec', AttestationPolicy, [AttestationPolicy.encode(policy)]),
  ...parserTargets,
  ...otherTargets,
  ...verifierTargets,
]
