/** Owns `phalanx contract logs`: prints what a contract logged, once or following. */
import { toHex } from '@phalanx/primitives/bytes'
import { interfaceOfMetadata, parseInkMetadata, readLogs, Session, showValue, type ContractLog } from '@phalanx/sdk/client'
import { levelName, plainText, shortHex } from '../contract-client/describe.ts'
import { withNetwork, type NetworkOptions, type Reach, type Reached } from '../contract-client/open-network.ts'
import { parseId, readMetadataText } from '../contract-client/reference.ts'
import { valueToJson } from '../contract-client/values.ts'
import { createStyle, printLine, toJson, type CliIo, type Style } from '../output.ts'
import type { Runner } from '../program.ts'
import { createShutdown } from '../shutdown.ts'

interface LogsOptions extends NetworkOptions {
  readonly follow: boolean
  readonly last?: number
  readonly metadata?: string
}

const MODES = ['query', 'estimate', 'command'] as const
const LEVEL_WIDTH = 5
const NOTHING = 'There is nothing that this account may read: contracts show their logs to who deployed them and to the owner of their cluster, others see outputs of their own commands.'

const logJson = ({ sequence, block, content, event }: ContractLog): object => {
  const place = { sequence, block, contract: toHex(content.value.contract) }
  switch (content.kind) {
    case 'Log': {
      const { entry, mode, timeMs, level, message } = content.value
      return { event: 'log', ...place, entry: toHex(entry), mode: MODES[mode] ?? mode, timeMs, level: levelName(level), message }
    }
    case 'Event': return { event: 'event', ...place, kind: event?.kind ?? 'Unknown', value: valueToJson(event === undefined || event.kind === 'Unknown' ? content.value.payload : event.value), topics: content.value.topics.map(toHex) }
    case 'Output': return { event: 'output', ...place, origin: toHex(content.value.origin), nonce: toHex(content.value.nonce), output: toHex(content.value.output) }
  }
}

const levelText = (style: Style, level: number): string => {
  const text = levelName(level).padEnd(LEVEL_WIDTH)
  return level === 1 ? style.bad(text) : level === 2 ? style.warn(text) : style.dim(text)
}

const logText = ({ block, content, event }: ContractLog, style: Style): string => {
  const place = style.dim(`block ${block}`)
  switch (content.kind) {
    case 'Log': return `${place}  ${levelText(style, content.value.level)}  ${plainText(content.value.message)}${content.value.mode === 2 ? '' : style.dim(`  (${MODES[content.value.mode] ?? 'another mode'})`)}`
    case 'Event': return `${place}  ${style.good('event')}  ${event === undefined || event.kind === 'Unknown' ? toHex(content.value.payload) : `${event.kind}${event.value === undefined ? '' : ` ${showValue(event.value)}`}`}`
    case 'Output': return `${place}  ${style.dim('out  ')}  ${content.value.output.length} bytes for the command of ${shortHex(content.value.origin)}`
  }
}

const print = async (io: CliIo, { network, signer }: Reached, contract: Uint8Array, options: LogsOptions): Promise<number> => {
  const style = createStyle(io.stdout, io.env)
  const session = new Session(network, signer)
  const { cluster } = await session.contract(contract)
  const described = options.metadata === undefined ? undefined : interfaceOfMetadata(parseInkMetadata(readMetadataText(options.metadata)))
  const ending = new AbortController()
  const shutdown = options.follow ? createShutdown() : undefined
  void shutdown?.requested.then(() => ending.abort())
  try {
    const last = options.last === undefined ? {} : { last: options.last }
    let count = 0
    for await (const log of readLogs({ session, cluster, contract, interface: described }, { follow: options.follow, signal: ending.signal, ...last })) {
      printLine(io.stdout, options.json ? toJson(logJson(log)) : logText(log, style))
      count++
    }
    if (count === 0 && !options.json) printLine(io.stderr, NOTHING)
  } catch (error) {
    // Whatever breaks because the user has enough of it is no failure.
    if (!ending.signal.aborted) throw error
  } finally {
    await shutdown?.close()
  }
  return 0
}

/** The command over a network that is reached so. */
export const createLogs = (reach: Reach): Runner => async (io, [id], given) => {
  const options = given as unknown as LogsOptions
  const contract = parseId('<contract>', id)
  return reach(io, options, (reached) => print(io, reached, contract, options))
}

/** Prints logs. */
export const runLogs = createLogs(withNetwork)
