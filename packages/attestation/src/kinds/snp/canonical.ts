/**
 * Owns what makes SEV-SNP collateral a canonical set: a product's intermediate under its pinned root with the root's revocation
 * list, which a set must carry: else whoever hands in a report could leave it out.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { attestationError } from '../../errors.ts'
import type { AttestationPolicy } from '../../policy.ts'
import type { CollateralKey } from '../../records.ts'
import { certificateWindow, type Window } from '../../validity.ts'
import type { CheckRecorder } from '../../verdict.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { checkChain, parseRoots } from '../../x509/chain.ts'
import { parseRevocationList } from '../../x509/crl.ts'
import { checkNotRevoked, checkRevocationList } from '../../x509/revocation.ts'
import { familyOf, SNP_PRODUCTS } from './products.ts'
import type { SnpCollateral } from './wire.ts'

const KDS = 'VCEK certificate and KDS interface (AMD 57230)'
const TEE = 'SEV-SNP'

/** A judged set: its key, the date of its revocation list, and its windows. */
export interface SnpSet {
  readonly key: CollateralKey
  readonly dates: readonly number[]
  readonly windows: readonly Window[]
}

const keyOf = (authority: string): CollateralKey | undefined => {
  const product = SNP_PRODUCTS.find((name) => authority.endsWith(`SEV-${name}`) || authority.endsWith(`SEV-VLEK-${name}`))
  return product === undefined ? undefined : { tee: TEE, family: familyOf(product), authority }
}

/** Key of the set that judges a report whose key has this certificate (DER). @throws ATTESTATION_ codes for one that cannot be read */
export const snpKeyOf = (endorsement: Uint8Array): CollateralKey => {
  const issuer = parseCertificate(endorsement).issuerCommonName
  const key = keyOf(issuer)
  if (key === undefined) throw attestationError('ATTESTATION_CERTIFICATE_ROLE', `"${issuer}"`)
  return key
}

/** Judges a set by itself; undefined when it does not stand, and the checks say why. */
export const judgeSnpSet = (checks: CheckRecorder, collateral: SnpCollateral, policy: AttestationPolicy, crypto: Crypto): SnpSet | undefined => {
  const { authority: authorityDer, root: rootDer, revocationList } = collateral.value
  const form = { rule: 'RFC 5280 in DER' }
  const authority = checks.attempt({ ...form, name: 'intermediate certificate' }, () => parseCertificate(authorityDer))
  const root = checks.attempt({ ...form, name: 'root certificate' }, () => parseCertificate(rootDer))
  const list = checks.attempt({ ...form, name: 'revocation list' }, () => {
    if (revocationList === undefined) throw attestationError('ATTESTATION_COLLATERAL_ABSENT', 'a canonical set carries the root\'s revocation list')
    return parseRevocationList(revocationList)
  })
  const pinned = checks.attempt({ name: 'pinned roots', rule: 'Policy' }, () => parseRoots(policy.roots.filter((der) => bytesEqual(der, rootDer)), crypto))
  if (authority === undefined || root === undefined || list === undefined || pinned === undefined) return undefined
  const key = keyOf(authority.commonName)
  const spec = { name: 'intermediate', rule: `${KDS}: SEV-<product> issues VCEKs, SEV-VLEK-<product> issues VLEKs`, seen: authority.commonName }
  if (!checks.check(spec, { pass: key !== undefined, code: 'ATTESTATION_CERTIFICATE_ROLE', detail: `"${authority.commonName}"` }) || key === undefined) return undefined
  const shape = { certificates: [authority, root], length: 2, rootPresented: true, leafIsAuthority: true, leafRole: 'SEV-' }
  const chain = checkChain(checks, shape, { roots: pinned, simulated: policy.simulated }, crypto)
  if (chain === undefined || !checkRevocationList(checks, list, chain.root.certificate, crypto)) return undefined
  checkNotRevoked(checks, authority, list)
  const listWindow: Window = {
    name: 'revocation list', rule: 'RFC 5280 section 6.3.3: thisUpdate ≤ now ≤ nextUpdate', notBefore: list.thisUpdate, notAfter: list.nextUpdate,
    early: 'ATTESTATION_CRL_NOT_YET_VALID', late: 'ATTESTATION_CRL_EXPIRED', grace: 'revocation',
  }
  return { key, dates: [list.thisUpdate], windows: [...[authority, root].map(certificateWindow), listWindow] }
}
