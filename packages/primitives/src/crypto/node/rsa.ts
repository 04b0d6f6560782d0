/** Owns RSA verification of the Node backend (OpenSSL). Which keys are looked at: shared/rsa-rules.ts. */
import { constants, createPublicKey, verify as opensslVerify } from 'node:crypto'
import type { VerifyKeyObjectInput } from 'node:crypto'

import type { RsaVerify } from '../crypto.ts'
import { falseOnThrow } from '../shared/guards.ts'
import { normalizeRsaInput } from '../shared/rsa-rules.ts'

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

type Options = Parameters<RsaVerify['verifyPkcs1']>[0]

const verifyWith = (options: Options, padding: Omit<VerifyKeyObjectInput, 'key'>): boolean => {
  const input = normalizeRsaInput(options)
  if (input === undefined) return false
  return falseOnThrow(() => {
    const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: base64url(input.modulus), e: base64url(input.exponent) } })
    return opensslVerify(options.hash, options.message, { key, ...padding }, input.signature)
  })
}

/** RSA signatures of certificates and attestation reports. */
export const createRsaVerify = (): RsaVerify => ({
  verifyPkcs1: (options) => verifyWith(options, { padding: constants.RSA_PKCS1_PADDING }),
  verifyPss: (options) =>
    Number.isInteger(options.saltLength) && options.saltLength >= 0 &&
    verifyWith(options, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: options.saltLength }),
})
