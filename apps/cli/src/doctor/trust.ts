/** Owns the checks of what a machine is for: it makes evidence, collateral completes it, and the policy admits it. */
import { OptionalAttestationReport, planCollateral, verifyReport, type AttestationPolicy, type AttestationReport } from '@phalanx/attestation'
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { PlatformKind } from '@phalanx/worker/platform'
import { fail, failWith, ok, skip, type Finding } from './findings.ts'
import type { Machine, NodeView } from './machine.ts'

const REPORT_DATA_BYTES = 64
const MS_PER_SECOND = 1000

/** What the checks need to know. */
export interface TrustOptions {
  readonly platform: PlatformKind
  /** Caching service for collateral. */
  readonly pccsUrl: string | undefined
  /** A policy of the operator's; beats the chain's. */
  readonly policy: AttestationPolicy | undefined
  readonly node: NodeView | undefined
}

interface Made {
  readonly finding: Finding
  readonly evidence?: Uint8Array
  readonly reportData?: Uint8Array
}

const makeEvidence = async (machine: Machine, { name, inside }: PlatformKind): Promise<Made> => {
  const check = 'evidence'
  if (inside !== undefined && (await machine.look(inside.path)) === undefined) return { finding: skip(check, `it is made only inside ${inside.place}`) }
  try {
    const platform = await machine.openPlatform(name)
    const reportData = machine.random.bytes(REPORT_DATA_BYTES)
    const evidence = await platform.quote({ reportData, nowMs: BigInt(machine.nowMs()) })
    const identity = platform.sealingKey === undefined ? 'no sealing key: a new identity at every start' : 'with a sealing key'
    return { finding: ok(check, `${OptionalAttestationReport.decode(evidence)?.kind ?? 'none'}, measurement ${toHex(platform.measurement)}, ${identity}`), evidence, reportData }
  } catch (error) {
    return { finding: failWith(check, error, 'Mend what is named above first; evidence comes last.') }
  }
}

const completeEvidence = async (machine: Machine, evidence: Uint8Array, pccsUrl: string | undefined): Promise<{ readonly finding: Finding; readonly report?: AttestationReport }> => {
  const check = 'collateral'
  try {
    const report = OptionalAttestationReport.decode(evidence)
    if (report === undefined) return { finding: fail(check, 'the evidence is none', 'Choose a platform that makes evidence.') }
    if (planCollateral(report) === undefined) return { finding: ok(check, 'the evidence lacks none'), report }
    if (pccsUrl === undefined) return { finding: skip(check, 'no caching service is given (--pccs-url)') }
    return { finding: ok(check, `complete from ${pccsUrl}`), report: OptionalAttestationReport.decode(await machine.complete(evidence, pccsUrl)) as AttestationReport }
  } catch (error) {
    return { finding: failWith(check, error, 'Give the address of a caching service that can be reached from here.') }
  }
}

const findPolicy = async ({ policy, node }: TrustOptions): Promise<{ readonly policy: AttestationPolicy; readonly whose: string } | undefined> => {
  if (policy !== undefined) return { policy, whose: 'the given policy' }
  return node === undefined ? undefined : { policy: await node.policy(), whose: 'the chain\'s policy' }
}

const judge = async (machine: Machine, made: { readonly report: AttestationReport; readonly reportData: Uint8Array }, options: TrustOptions, crypto: Crypto): Promise<Finding> => {
  const check = 'policy'
  try {
    const found = await findPolicy(options)
    if (found === undefined) return skip(check, 'neither --node nor --policy is given')
    const nowSeconds = Math.floor((options.node?.blockTimeMs ?? machine.nowMs()) / MS_PER_SECOND)
    const { verdict } = verifyReport({ evidence: made.report, form: 'scale', policy: found.policy, nowSeconds, reportData: made.reportData, crypto })
    if (verdict.ok) return ok(check, `${found.whose} (version ${found.policy.version}) admits this machine: status ${verdict.facts.tcbStatus}, confidence ${verdict.facts.confidenceLevel}`)
    return { check, state: 'fail', seen: `${found.whose} does not admit this machine: ${verdict.detail}`, fix: verdict.fix, code: verdict.errorCode }
  } catch (error) {
    return failWith(check, error, 'Point --node at a node that answers, or give --policy.')
  }
}

/** Findings about evidence, collateral and policy. */
export const checkTrust = async (machine: Machine, options: TrustOptions, crypto: Crypto): Promise<readonly Finding[]> => {
  const made = await makeEvidence(machine, options.platform)
  const { evidence, reportData } = made
  if (evidence === undefined || reportData === undefined) return [made.finding, skip('collateral', 'there is no evidence'), skip('policy', 'there is no evidence')]
  const { finding, report } = await completeEvidence(machine, evidence, options.pccsUrl)
  const policy = report === undefined ? skip('policy', 'the evidence is not complete') : await judge(machine, { report, reportData }, options, crypto)
  return [made.finding, finding, policy]
}
