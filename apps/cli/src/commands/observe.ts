/** Owns `phalanx observe`: who sees what of a command. Changes nothing. */
import { toHex } from '@phalanx/primitives/bytes'
import { u16 } from '@phalanx/primitives/codec'
import { findCommandKey, folderBeside } from '../contract-client/kept-commands.ts'
import { withNetwork, type NetworkOptions, type Reach, type Reached } from '../contract-client/open-network.ts'
import { parseId, readMetadataText } from '../contract-client/reference.ts'
import { renderColumns } from '../observe/columns.ts'
import { observeCommand } from '../observe/observe.ts'
import { bytesText, observationJson, observationRows, SIDES } from '../observe/text.ts'
import { createStyle, printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'

interface ObserveOptions extends NetworkOptions {
  readonly metadata?: string
  readonly keep?: string
  readonly blocks: number
}

/** Width where the output is no terminal. */
const WIDTH = 140

const observe = async (io: CliIo, { network, crypto, isSimulated }: Reached, id: Uint8Array, options: ObserveOptions): Promise<number> => {
  const folder = options.keep ?? (options.metadata === undefined ? undefined : folderBeside(options.metadata))
  const known = {
    metadata: options.metadata === undefined ? undefined : readMetadataText(options.metadata),
    keyOf: (commandHash: Uint8Array) => (folder === undefined ? undefined : findCommandKey(folder, commandHash)),
  }
  const observation = await observeCommand({ id, blocks: options.blocks }, { network, known })
  if (options.json) {
    printLine(io.stdout, toJson(observationJson(observation, isSimulated)))
    return 0
  }
  const style = createStyle(io.stdout, io.env)
  const prefix = u16.decode((await network.chain.metadata()).constant('System', 'SS58Prefix'))
  printLine(io.stdout, `${style.bold('command')} ${toHex(observation.found.commandHash)}: what can be seen of it by\n`)
  const rows = observationRows(observation, { crypto, prefix })
  for (const line of renderColumns(SIDES, rows, { width: io.stdout.columns ?? WIDTH, style })) printLine(io.stdout, line)
  printLine(io.stdout, `${style.dim('as everybody but its sender and the workers have it')}  ${bytesText(observation)}`)
  if (isSimulated) printLine(io.stdout, style.warn('This chain is simulated: whoever runs its workers could read all of it. With attested workers the columns hold.'))
  return 0
}

/** The command over a network that is reached so. */
export const createObserve = (reach: Reach): Runner => async (io, [id], given) => {
  const options = given as unknown as ObserveOptions
  const wanted = parseId('<command|contract>', id)
  return reach(io, options, (reached) => observe(io, reached, wanted, options))
}

/** Shows who sees what of a command. */
export const runObserve = createObserve(withNetwork)
