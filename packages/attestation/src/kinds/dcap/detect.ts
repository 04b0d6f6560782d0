/**
 * Owns recognising DCAP quotes and collateral in files: raw quotes by their header, JSON with a quote in it, and collateral as JSON in
 * the form that `dcap-qvl` made common (snake case) or in ours (camel case), or as SCALE.
 */
import { toHexPlain } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { bytesOfJson, memberOf, readDetectionInput, type DetectionInput } from '../../detection.ts'
import { attestationError } from '../../errors.ts'
import { asText, type JsonObject, type JsonValue } from '../../json.ts'
import { cutQuote, parseQuoteHeader } from './quote.ts'
import { Collateral, SgxV30QuoteCollateral, type DcapEvidence } from './wire.ts'

/** Shortest quote: header and the length of its authentication data. */
const QUOTE_MIN = 52

const QUOTE_NAMES = ['quote', 'quoteHex', 'quote_hex', 'intel_quote', 'intelQuote', 'tdx_quote', 'sgx_quote', 'raw_quote', 'rawQuote', 'quoteBase64']
const COLLATERAL_NAMES = ['collateral', 'quote_collateral', 'quoteCollateral']
/** Objects in which services wrap a quote. */
const WRAPPER_NAMES = ['evidence', 'attestation', 'tdx', 'sgx', 'result', 'data']

/** Raw bytes of a quote by their header: a known version, an ECDSA key and this TEE type. */
const isQuote = (bytes: Uint8Array, teeType: number): boolean => {
  if (bytes.length < QUOTE_MIN) return false
  const header = parseQuoteHeader(bytes)
  return header.version >= 3 && header.version <= 5 && (header.keyType === 2 || header.keyType === 3) && header.teeType === teeType
}

const asMember = (value: JsonValue | undefined): JsonObject | undefined => (value instanceof Map ? (value as JsonObject) : undefined)

/** Hex is kept as it is; a list of bytes becomes hex; anything else is taken for PEM. */
const listText = (value: JsonValue | undefined, path: string): string => {
  const bytes = Array.isArray(value) ? bytesOfJson(value) : undefined
  return bytes === undefined ? asText(value, path) : toHexPlain(bytes)
}

const signatureBytes = (value: JsonValue | undefined, path: string): Uint8Array => {
  const bytes = bytesOfJson(value)
  if (bytes === undefined) throw attestationError('ATTESTATION_JSON_FIELD', `${path} is neither hex nor base64`, { path })
  return bytes
}

const readCollateralJson = (json: JsonObject): Collateral => {
  const get = (snake: string, camel: string): JsonValue | undefined => memberOf(json, [snake, camel])
  const text = (snake: string, camel: string): string => asText(get(snake, camel), `collateral.${snake}`)
  return {
    kind: 'SgxV30',
    value: {
      pckCrlIssuerChain: text('pck_crl_issuer_chain', 'pckCrlIssuerChain'),
      rootCaCrl: listText(get('root_ca_crl', 'rootCaCrl'), 'collateral.root_ca_crl'),
      pckCrl: listText(get('pck_crl', 'pckCrl'), 'collateral.pck_crl'),
      tcbInfoIssuerChain: text('tcb_info_issuer_chain', 'tcbInfoIssuerChain'),
      tcbInfo: text('tcb_info', 'tcbInfo'),
      tcbInfoSignature: signatureBytes(get('tcb_info_signature', 'tcbInfoSignature'), 'collateral.tcb_info_signature'),
      qeIdentityIssuerChain: text('qe_identity_issuer_chain', 'qeIdentityIssuerChain'),
      qeIdentity: text('qe_identity', 'qeIdentity'),
      qeIdentitySignature: signatureBytes(get('qe_identity_signature', 'qeIdentitySignature'), 'collateral.qe_identity_signature'),
    },
  }
}

const readCollateralScale = (bytes: Uint8Array): Collateral | undefined => {
  const attempts = [() => Collateral.decode(bytes), (): Collateral => ({ kind: 'SgxV30', value: SgxV30QuoteCollateral.decode(bytes) })]
  for (const attempt of attempts)
    try {
      return attempt()
    } catch (error) {
      if (!isAppError(error) || !error.code.startsWith('CODEC_')) throw error
    }
  return undefined
}

/** Collateral in a file; undefined when it holds none. @throws ATTESTATION_JSON_FIELD for JSON that lacks a part */
const detectCollateral = ({ bytes, json }: DetectionInput): Collateral | undefined => {
  if (json === undefined) return readCollateralScale(bytes)
  const inner = asMember(memberOf(json, COLLATERAL_NAMES)) ?? json
  return memberOf(inner, ['tcb_info', 'tcbInfo']) === undefined ? undefined : readCollateralJson(inner)
}

/** Reads a file of DCAP collateral: JSON or SCALE. @throws ATTESTATION_COLLATERAL_UNKNOWN, ATTESTATION_JSON_ codes */
export const parseCollateral = (bytes: Uint8Array): Collateral => {
  const collateral = detectCollateral(readDetectionInput(bytes))
  if (collateral === undefined) throw attestationError('ATTESTATION_COLLATERAL_UNKNOWN', `${bytes.length} bytes`)
  return collateral
}

/** Evidence with a quote of a TEE type, cut at the length it states; undefined when the file holds none. @throws ATTESTATION_JSON_FIELD for collateral that lacks a part */
export const detectQuote = (input: DetectionInput, teeType: number): DcapEvidence | undefined => {
  const { bytes, json } = input
  if (json === undefined) return isQuote(bytes, teeType) ? { quote: cutQuote(bytes), collateral: undefined } : undefined
  for (const object of [json, ...WRAPPER_NAMES.map((name) => asMember(json.get(name)))]) {
    const quote = object === undefined ? undefined : bytesOfJson(memberOf(object, QUOTE_NAMES))
    if (quote === undefined || !isQuote(quote, teeType)) continue
    const collateral = asMember(memberOf(json, COLLATERAL_NAMES)) ?? asMember(memberOf(object as JsonObject, COLLATERAL_NAMES))
    return { quote: cutQuote(quote), collateral: collateral === undefined ? undefined : readCollateralJson(collateral) }
  }
  return undefined
}

/** Evidence with the collateral of a second file; undefined when that holds none. */
export const attachDcapCollateral = (evidence: DcapEvidence, input: DetectionInput): DcapEvidence | undefined => {
  const collateral = detectCollateral(input)
  return collateral === undefined ? undefined : { ...evidence, collateral }
}
