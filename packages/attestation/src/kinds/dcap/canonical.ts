/**
 * Owns what makes DCAP collateral a canonical set: its key, its one evaluation number and the dates by which a newer set is known.
 * Judging the documents is collateral.ts; keeping the sets is the chain's.
 */
import { parseUtf8 } from '@phalanx/primitives/bytes'
import { attestationError } from '../../errors.ts'
import type { CollateralKey } from '../../records.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { parsePem } from '../../x509/pem.ts'
import type { PreparedCollateral } from './collateral.ts'
import { parsePlatformExtension } from './platform.ts'

/** What a judged set says about itself. */
export interface SetDescription {
  readonly key: CollateralKey
  /** Evaluation numbers of TCB info and quoting enclave identity; equal in a canonical set. */
  readonly evaluationNumbers: readonly [tcbInfo: number, qeIdentity: number]
  /** When its documents were made, always in this order: TCB info, QE identity, root CRL, PCK CRL. Unix seconds. */
  readonly dates: readonly number[]
}

/** Key and age of judged collateral; undefined where a part did not stand. */
export const describeDcapSet = (prepared: PreparedCollateral): SetDescription | undefined => {
  const { tcbInfo, qeIdentity, pckAuthority, pckCrl, rootCrl } = prepared
  if (tcbInfo === undefined || qeIdentity === undefined || pckAuthority === undefined || pckCrl === undefined || rootCrl === undefined) return undefined
  return {
    key: { tee: tcbInfo.id, family: tcbInfo.fmspc, authority: pckAuthority.commonName },
    evaluationNumbers: [tcbInfo.evaluationNumber, qeIdentity.evaluationNumber],
    dates: [tcbInfo.issueDate, qeIdentity.issueDate, rootCrl.thisUpdate, pckCrl.thisUpdate],
  }
}

/**
 * Key of the set that judges a platform with this certificate chain (PEM, leaf first). Nothing is verified here: whoever lies about
 * the family or the authority is judged by a set that does not fit the certificate. @throws ATTESTATION_ codes for a chain that cannot be read
 */
export const dcapKeyOf = (tee: string, certificationData: Uint8Array): CollateralKey => {
  const [der] = parsePem(parseUtf8(certificationData))
  if (der === undefined) throw attestationError('ATTESTATION_QUOTE_MALFORMED', 'it holds no certificate')
  const leaf = parseCertificate(der)
  return { tee, family: parsePlatformExtension(leaf).fmspc, authority: leaf.issuerCommonName }
}
