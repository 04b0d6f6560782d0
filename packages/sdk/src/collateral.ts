/** Owns fetching what evidence lacks: the kind of evidence says which documents, this asks a caching service for them. Judges nothing. */
import { OptionalAttestationReport, planCollateral } from '@phalanx/attestation'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'
import type { HttpClient } from './http.ts'

const TIMEOUT_MS = 10_000
const DOCUMENT_BYTES_MAX = 1024 * 1024

/**
 * A function that completes SCALE `Option<AttestationReport>`; complete evidence comes back as it was.
 * `url` is the caching service's address, for example `https://pccs.example/sgx/certification/v4`; some kinds need none.
 * @throws SDK_COLLATERAL_FAILED
 */
export const createCollateralFiller =
  (options: { readonly url: string | undefined }, dependencies: { readonly http: HttpClient }) =>
  async (report: Uint8Array): Promise<Uint8Array> => {
    const evidence = OptionalAttestationReport.decode(report)
    const plan = evidence === undefined ? undefined : planCollateral(evidence)
    if (plan === undefined) return report
    const url = options.url ?? plan.requests[0]?.service
    if (url === undefined) throw new AppError('SDK_COLLATERAL_FAILED', { url: 'nowhere', reason: 'no address is configured' })
    const failed = (reason: string, cause?: unknown): AppError => new AppError('SDK_COLLATERAL_FAILED', { url, reason }, cause === undefined ? {} : { cause })
    try {
      const answers = await Promise.all(plan.requests.map(async ({ path, service }) => {
        const answer = await dependencies.http({ method: 'GET', url: `${(service ?? url).replace(/\/+$/, '')}/${path}`, timeoutMs: TIMEOUT_MS, maxBytes: DOCUMENT_BYTES_MAX })
        if (answer.status !== 200) throw failed(`${path} answered ${answer.status}`)
        return answer
      }))
      return OptionalAttestationReport.encode(plan.assemble(answers))
    } catch (cause) {
      if (cause instanceof AppError && cause.code === 'SDK_COLLATERAL_FAILED') throw cause
      throw failed(cause instanceof Error ? cause.message : 'no answer', cause)
    }
  }
