/** Owns `phalanx policy show`, `dry-run` and `call`: the chain's attestation policy, and what another one would do. Changes nothing. */
import { AttestationPolicy, parsePolicy, policyToJson } from '@phalanx/attestation'
import { toHex } from '@phalanx/primitives/bytes'
import { dryRunPolicy, encodeCall, fetchPolicy, type ChainClient, type PredictedEviction } from '@phalanx/sdk'
import { printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { readInput } from '../verify/input.ts'
import { withChain } from '../with-chain.ts'

const EXIT = { nobody: 0, some: 1 } as const

interface PolicyOptions {
  readonly node: string
  readonly policy: string
  readonly json: boolean
}

/** The file's policy: JSON changes the one in force. */
const readChange = async (io: CliIo, chain: ChainClient, options: PolicyOptions): Promise<AttestationPolicy> => parsePolicy(await readInput(io, options.policy), await fetchPolicy(chain))

/** Prints the policy in force. */
export const runShowPolicy: Runner = async (io, _positional, rawOptions) => {
  const options = rawOptions as unknown as PolicyOptions
  return withChain(options.node, async (chain) => {
    const policy = policyToJson(await fetchPolicy(chain))
    printLine(io.stdout, options.json ? toJson(policy) : JSON.stringify(policy, undefined, 2))
    return EXIT.nobody
  })
}

const describeEviction = ({ pubkey, error, code, path, confidenceLevel }: PredictedEviction): string =>
  `${toHex(pubkey)}  ${error}${code === '' ? '' : `  ${code}`}${path.length === 0 ? '' : `  at ${path.join(' › ')}`}  (confidence ${confidenceLevel})`

/** Says whom a policy would evict. */
export const runDryRun: Runner = async (io, _positional, rawOptions) => {
  const options = rawOptions as unknown as PolicyOptions
  return withChain(options.node, async (chain) => {
    const { examined, evictions } = await dryRunPolicy(chain, await readChange(io, chain, options))
    if (options.json) printLine(io.stdout, toJson({ examined, evictions: evictions.map((one) => ({ ...one, pubkey: toHex(one.pubkey) })) }))
    else {
      for (const eviction of evictions) printLine(io.stdout, describeEviction(eviction))
      printLine(io.stdout, `${evictions.length} of ${examined} workers would be evicted.`)
    }
    return evictions.length === 0 ? EXIT.nobody : EXIT.some
  })
}

/** Prints the call that sets a policy: under the next version, and without the measurement list, which has calls of its own. */
export const runPolicyCall: Runner = async (io, _positional, rawOptions) => {
  const options = rawOptions as unknown as PolicyOptions
  return withChain(options.node, async (chain) => {
    const { version } = await fetchPolicy(chain)
    const policy = { ...(await readChange(io, chain, options)), version: version + 1, measurements: [] }
    const call = toHex(encodeCall(await chain.metadata(), { pallet: 'PhalaRegistry', call: 'set_attestation_policy' }, AttestationPolicy.encode(policy)))
    printLine(io.stdout, options.json ? toJson({ version: policy.version, call }) : call)
    return EXIT.nobody
  })
}
