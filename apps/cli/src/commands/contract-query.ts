/** Owns `phalanx contract query`: asks a worker that proved itself, under seal, and prints the value with what was proven. */
import { toHex } from '@phalanx/primitives/bytes'
import { contractOf } from '@phalanx/sdk/client'
import { logRows, logsJson, printRows, shortHex, valueText, workerJson, workerRows } from '../contract-client/describe.ts'
import { withNetwork, type NetworkOptions, type Reach, type Reached } from '../contract-client/open-network.ts'
import { readMessage, type TypedMessage } from '../contract-client/reference.ts'
import { valueToJson } from '../contract-client/values.ts'
import { createStyle, printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'

interface QueryOptions extends NetworkOptions {
  readonly metadata: string
}

const ask = async (io: CliIo, { network, signer, isSimulated }: Reached, options: QueryOptions, { id, metadata, message, args }: TypedMessage): Promise<number> => {
  const handle = contractOf({ id, metadata }, { network, ...(signer === undefined ? {} : { signer }) })
  const { clock } = network.surroundings
  const startMs = clock.nowMs()
  const { value, logs, from: { worker, point, signature } } = await handle.ask(message.name, args)
  const elapsedMs = Math.round(clock.nowMs() - startMs)
  const { blockNumber, blockHash, stateRoot } = point
  if (options.json) {
    const proof = { block: blockNumber, blockHash: toHex(blockHash), stateRoot: toHex(stateRoot), signature: toHex(signature), worker: workerJson(worker) }
    printLine(io.stdout, toJson({ event: 'answer', contract: toHex(id), message: message.name, value: valueToJson(value), logs: logsJson(logs), ...proof, simulated: isSimulated, elapsedMs }))
    return 0
  }
  const style = createStyle(io.stdout, io.env)
  printLine(io.stdout, style.bold(valueText(value, signer?.accountId)))
  printRows(io, [
    ...logRows(logs),
    ['block', `${blockNumber}  ${toHex(blockHash)}`],
    ['state', `root ${shortHex(stateRoot)}, signed by the worker for this very question, after ${elapsedMs} ms`],
    ...workerRows(worker, network.policy === 'chain' ? 'chain' : 'vendors', style),
  ], style)
  return 0
}

/** The command over a network that is reached so. */
export const createQuery = (reach: Reach): Runner => async (io, positional, given) => {
  const options = given as unknown as QueryOptions
  const typed = await readMessage(positional, { metadata: options.metadata, kind: 'query' })
  return reach(io, options, (reached) => ask(io, reached, options, typed))
}

/** Asks a contract. */
export const runQuery = createQuery(withNetwork)
