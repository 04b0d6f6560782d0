/** Owns `phalanx doctor`: examines this machine and prints what keeps it from running a worker. Exit code 0 in order, 1 not, 2 wrong usage. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { assert } from '@phalanx/primitives/assert'
import { platformTable } from '@phalanx/worker/platform/table'
import { examine } from '../doctor/examine.ts'
import { formatFindings } from '../doctor/findings.ts'
import { createSystemMachine } from '../doctor/system-machine.ts'
import { createStyle, printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'
import { readPolicy } from '../verify/input.ts'

interface DoctorOptions {
  readonly platform: string
  readonly basePath?: string
  readonly port?: readonly number[]
  readonly node?: string
  readonly genesis?: Uint8Array
  readonly timeServer?: string
  readonly pccsUrl?: string
  readonly policy?: string
  readonly json: boolean
}

const WORKER_PORT = 8100

/** Examines this machine. */
export const runDoctor: Runner = async (io, _positional, rawOptions) => {
  const options = rawOptions as unknown as DoctorOptions
  const { platform: name, basePath, node, genesis, timeServer, pccsUrl, json } = options
  const entry = platformTable.find((one) => one.name === name)
  assert(entry !== undefined, 'the option names a platform of the table')
  const [crypto, platform, policy] = await Promise.all([loadCrypto(), entry.load(), options.policy === undefined ? undefined : readPolicy(io, options.policy)])
  const findings = await examine(
    { platform, ports: options.port ?? [WORKER_PORT], basePath, nodeUrl: node, genesisHash: genesis, timeServer, pccsUrl, policy },
    { machine: createSystemMachine({ crypto }), crypto },
  )
  const isInOrder = findings.every(({ state }) => state !== 'fail')
  printLine(io.stdout, json
    ? toJson({ format: 1, platform: name, inOrder: isInOrder, firstFailure: findings.find(({ state }) => state === 'fail'), findings })
    : formatFindings(findings, createStyle(io.stdout, io.env)))
  return isInOrder ? 0 : 1
}
