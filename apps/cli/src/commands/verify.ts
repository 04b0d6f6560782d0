/** Owns `phalanx verify`: reads the evidence, has it judged, prints the verdict. Exit code 0 trusted, 1 not trusted, 2 no verdict possible. */
import { formatVerifiedFile, policyToJson, referencePolicy, verifiedFileToJson, verifyFile, type AttestationPolicy, type VerifiedFile } from '@phalanx/attestation'
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { createChainClient, createRpcClient, verifyWorker, type ChainEvidence } from '@phalanx/sdk'
import { explainSystemError } from '../explain.ts'
import { createStyle, printError, printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { loadSockets, systemClock, systemRandom } from '../system.ts'
import { readInput, readPolicy } from '../verify/input.ts'

/** What `--policy` says instead of a file to judge by the policy that the chain judged by. */
const CHAIN_POLICY = 'chain'
const MS_PER_SECOND = 1000
const EXIT = { trusted: 0, refused: 1, unusable: 2 } as const

interface VerifyOptions {
  readonly collateral?: string
  readonly at?: number
  readonly policy?: string
  readonly reportData?: Uint8Array
  readonly worker?: Uint8Array
  readonly node?: string
  readonly showPolicy: boolean
  readonly json: boolean
}

/** A verdict, and what the chain said where it was asked. */
interface Judged {
  readonly file: VerifiedFile
  readonly policy: AttestationPolicy
  readonly kept?: ChainEvidence
}

const usage = (problem: string): AppError => new AppError('CLI_USAGE', { problem, command: 'phalanx verify' })

const judgeWorker = async (io: CliIo, options: VerifyOptions & { readonly worker: Uint8Array }, nowSeconds: number, crypto: Crypto): Promise<Judged> => {
  const { worker, node, policy: policyFile } = options
  if (node === undefined) throw usage('--worker needs --node <url>')
  if (options.collateral !== undefined || options.reportData !== undefined) throw usage('--collateral and --report-data come from the chain with --worker')
  const policy = policyFile === CHAIN_POLICY ? CHAIN_POLICY : policyFile === undefined ? referencePolicy() : await readPolicy(io, policyFile)
  const rpc = createRpcClient({ url: node }, { clock: systemClock, random: systemRandom, createSocket: await loadSockets() })
  const chain = createChainClient(rpc, { crypto })
  try {
    const { file, kept } = await verifyWorker(chain, worker, { policy, nowSeconds }, { crypto })
    return { file, kept, policy: policy === CHAIN_POLICY ? kept.policy : policy }
  } finally {
    chain.close()
  }
}

const judgeFile = async (io: CliIo, path: string, options: VerifyOptions, nowSeconds: number, crypto: Crypto): Promise<Judged> => {
  if (options.policy === CHAIN_POLICY) throw usage('--policy chain needs --worker <pubkey> and --node <url>')
  if ([path, options.collateral, options.policy].filter((one) => one === '-').length > 1) throw usage('Standard input can be read only once')
  const policy = options.policy === undefined ? referencePolicy() : await readPolicy(io, options.policy)
  const collateral = options.collateral === undefined ? undefined : await readInput(io, options.collateral)
  const file = verifyFile({ file: await readInput(io, path), collateral, policy, nowSeconds, reportData: options.reportData, crypto })
  return { file, policy }
}

const printJudged = (io: CliIo, { file, policy, kept }: Judged, options: VerifyOptions): void => {
  const onChain = kept === undefined ? undefined : {
    confidenceLevel: kept.record.confidenceLevel, policyVersion: kept.record.policyVersion, verifiedAt: kept.verifiedAt, validUntil: kept.record.validUntil, eviction: kept.record.eviction?.kind,
  }
  if (options.json) {
    const worker = options.worker === undefined ? {} : { worker: toHex(options.worker), chain: onChain }
    printLine(io.stdout, toJson({ ...(verifiedFileToJson(file) as object), ...worker, ...(options.showPolicy ? { policy: policyToJson(policy) } : {}) }))
    return
  }
  printLine(io.stdout, formatVerifiedFile(file, createStyle(io.stdout, io.env)))
  if (onChain !== undefined)
    printLine(io.stdout, `\nThe chain says: confidence ${onChain.confidenceLevel} under policy version ${onChain.policyVersion}${onChain.eviction === undefined ? '' : `, evicted (${onChain.eviction})`}.`)
  if (options.showPolicy) printLine(io.stdout, `\nPolicy:\n${JSON.stringify(policyToJson(policy), undefined, 2)}`)
}

/** Judges a file of evidence, or a registered worker's. */
export const runVerify: Runner = async (io, [path], rawOptions) => {
  const options = rawOptions as unknown as VerifyOptions
  const { worker } = options
  try {
    if ((path === undefined) === (worker === undefined)) throw usage('Give a file, or --worker <pubkey> with --node <url>')
    const nowSeconds = options.at ?? Math.floor(systemClock.nowMs() / MS_PER_SECOND)
    const crypto = await loadCrypto()
    const judged = worker === undefined ? await judgeFile(io, path ?? '', options, nowSeconds, crypto) : await judgeWorker(io, { ...options, worker }, nowSeconds, crypto)
    printJudged(io, judged, options)
    return judged.file.verdict.ok ? EXIT.trusted : EXIT.refused
  } catch (error) {
    printError(io, explainSystemError(error), options.json)
    return EXIT.unusable
  }
}
