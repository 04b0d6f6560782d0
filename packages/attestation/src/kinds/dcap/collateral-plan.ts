/**
 * Owns the description of the collateral that DCAP evidence lacks: which documents to ask a caching service for, and how the answers
 * become collateral. Fetches nothing and judges nothing: what comes back is as untrusted as before (registry.md §2.3).
 */
import { parseHex, parseUtf8, toHexPlain } from '@phalanx/primitives/bytes'
import { attestationError } from '../../errors.ts'
import type { CollateralAnswer, CollateralPlan } from '../kind.ts'
import { parseChain, ROLE } from './collateral.ts'
import { parsePlatformExtension } from './platform.ts'
import { parseQuote } from './quote.ts'
import type { Collateral, DcapEvidence } from './wire.ts'

const malformed = (what: string) => attestationError('ATTESTATION_JSON_MALFORMED', what)

const headerOf = (answer: CollateralAnswer, names: readonly string[]): string => {
  const value = names.map((name) => answer.headers[name]).find((found) => found !== undefined)
  if (value === undefined) throw malformed(`the answer has no header ${names.join(' or ')}`)
  try {
    return decodeURIComponent(value)
  } catch {
    throw malformed(`the header ${names.join(' or ')} is not URL-encoded`)
  }
}

/** The exact text of an object member of a JSON object: signatures are over these very characters. */
const rawObject = (text: string, name: string): string => {
  const start = text.indexOf('{', text.indexOf(`"${name}"`) + name.length)
  if (!text.includes(`"${name}"`) || start < 0) throw malformed(`${name} is missing`)
  let depth = 0
  let isText = false
  for (let i = start; i < text.length; i++) {
    const character = text[i]
    if (isText) {
      if (character === '\\') i++
      else if (character === '"') isText = false
    } else if (character === '"') isText = true
    else if (character === '{') depth++
    else if (character === '}' && --depth === 0) return text.slice(start, i + 1)
  }
  throw malformed(`${name} does not end`)
}

const signatureOf = (text: string): Uint8Array => {
  const found = /"signature"\s*:\s*"([0-9a-fA-F]+)"/.exec(text)
  if (found === null) throw malformed('signature is missing')
  return parseHex(found[1] as string)
}

/**
 * The plan for evidence without collateral, undefined where nothing is lacking. Services keep all kinds' lists in one place; `documents`
 * is the way from there to the documents of this kind. @throws ATTESTATION_ codes for evidence that cannot be read
 */
export const planDcapCollateral = (evidence: DcapEvidence, documents: string): CollateralPlan<DcapEvidence> | undefined => {
  if (evidence.collateral !== undefined) return undefined
  const { authentication } = parseQuote(evidence.quote)
  const [leaf] = parseChain(parseUtf8(authentication.certificationData))
  if (leaf === undefined) throw attestationError('ATTESTATION_QUOTE_MALFORMED', 'it holds no certificate')
  const authority = leaf.issuerCommonName.includes(`${ROLE.pckAuthority}latform`) ? 'platform' : 'processor'
  const fmspc = toHexPlain(parsePlatformExtension(leaf).fmspc).toUpperCase()
  return {
    requests: [{ path: `pckcrl?ca=${authority}` }, { path: 'rootcacrl' }, { path: `${documents}tcb?fmspc=${fmspc}` }, { path: `${documents}qe/identity` }],
    assemble(answers) {
      const [pckCrl, rootCrl, tcb, identity] = answers
      if (pckCrl === undefined || rootCrl === undefined || tcb === undefined || identity === undefined) throw malformed('an answer is missing')
      const tcbText = parseUtf8(tcb.body)
      const identityText = parseUtf8(identity.body)
      const collateral: Collateral = {
        kind: 'SgxV30',
        value: {
          pckCrlIssuerChain: headerOf(pckCrl, ['sgx-pck-crl-issuer-chain']),
          rootCaCrl: parseUtf8(rootCrl.body).trim(),
          pckCrl: parseUtf8(pckCrl.body).trim(),
          tcbInfoIssuerChain: headerOf(tcb, ['sgx-tcb-info-issuer-chain', 'tcb-info-issuer-chain']),
          tcbInfo: rawObject(tcbText, 'tcbInfo'),
          tcbInfoSignature: signatureOf(tcbText),
          qeIdentityIssuerChain: headerOf(identity, ['sgx-enclave-identity-issuer-chain', 'tdx-enclave-identity-issuer-chain']),
          qeIdentity: rawObject(identityText, 'enclaveIdentity'),
          qeIdentitySignature: signatureOf(identityText),
        },
      }
      return { ...evidence, collateral }
    },
  }
}
