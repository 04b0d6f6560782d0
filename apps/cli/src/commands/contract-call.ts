/** Owns `phalanx contract call`: seals a command, sends it, waits for the proven receipt and prints it. */
import { toHex } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { contractOf, type CommandReceipt, type CommandStage } from '@phalanx/sdk/client'
import { nodeWords, phaText, printNext, printRows, receiptJson, receiptRows, shellWord, valueText, workerJson, workerRows } from '../contract-client/describe.ts'
import { folderBeside, keepCommandKey } from '../contract-client/kept-commands.ts'
import { openSigner, withNetwork, type NetworkOptions, type Reach, type Reached } from '../contract-client/open-network.ts'
import { readMessage, type TypedMessage } from '../contract-client/reference.ts'
import { valueToJson } from '../contract-client/values.ts'
import { createStyle, printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'

interface CallOptions extends NetworkOptions {
  readonly metadata: string
  readonly value?: bigint
  readonly payer?: string
  readonly deposit?: bigint
  readonly gas?: bigint
  readonly keep?: string
}

type Receipt = Omit<CommandReceipt<unknown>, 'value'>

/** The receipt of a command that did not end well, where its error carries one. */
const receiptOf = (error: unknown): Receipt | undefined => {
  if (!isAppError(error)) return undefined
  const { receipt } = error.context as { readonly receipt?: Receipt }
  return receipt
}

/** Where the command's key is kept: where the user says, and on simulated chains, where keys are known to all, beside the metadata. */
const keepFolder = ({ keep, metadata }: CallOptions, isSimulated: boolean): string | undefined => keep ?? (isSimulated ? folderBeside(metadata) : undefined)

const tellStage = (io: CliIo, stage: CommandStage): void => {
  const style = createStyle(io.stdout, io.env)
  if (stage.kind === 'sealed') printLine(io.stdout, `${style.good('sealed')}    ${stage.value.bytes.length} bytes to the contract's key of epoch ${stage.value.epoch}; command ${toHex(stage.value.commandHash)}`)
  else printLine(io.stdout, `${style.good('included')}  in block ${toHex(stage.value.blockHash)}, fee ${phaText(stage.value.fee)}`)
}

interface Ended {
  readonly receipt: Receipt
  /** Undefined where it failed; then an error follows. */
  readonly value: { readonly shown: unknown } | undefined
  readonly elapsedMs: number
}

const printEnded = (io: CliIo, contract: string, { network, signer, isSimulated }: Reached, options: CallOptions, { receipt, value, elapsedMs }: Ended): void => {
  const { worker } = receipt.proven
  if (options.json) {
    const result = value === undefined ? { ok: false } : { ok: true, value: valueToJson(value.shown) }
    printLine(io.stdout, toJson({ event: 'receipt', contract, ...result, ...receiptJson(receipt), worker: workerJson(worker), simulated: isSimulated, elapsedMs }))
    return
  }
  const style = createStyle(io.stdout, io.env)
  const { number } = receipt.block
  printLine(io.stdout, `${value === undefined ? style.bad('failed') + '  ' : style.good('receipt')} ${style.dim(`of block ${number}, verified, after ${(elapsedMs / 1000).toFixed(2)} s`)}`)
  const result: readonly (readonly [string, string])[] = value === undefined ? [] : [['result', style.bold(value.shown === undefined ? 'done' : valueText(value.shown, signer?.accountId))]]
  printRows(io, [...result, ...receiptRows(receipt), ...workerRows(worker, network.policy === 'chain' ? 'chain' : 'vendors', style)], style)
}

/** What to type next, where the sender can look into its command again. */
const nextSteps = ({ metadata, keep, node }: CallOptions, receipt: Receipt): readonly string[] =>
  [`npx phalanx observe ${toHex(receipt.commandHash)} --metadata ${shellWord(metadata)}${keep === undefined ? '' : ` --keep ${shellWord(keep)}`}${nodeWords(node)}`]

const send = async (io: CliIo, reached: Reached, options: CallOptions, { id, metadata, message, args }: TypedMessage): Promise<number> => {
  const { network, signer, isSimulated } = reached
  const handle = contractOf({ id, metadata }, { network, ...(signer === undefined ? {} : { signer }) })
  const startMs = network.surroundings.clock.nowMs()
  const folder = keepFolder(options, isSimulated)
  const onStage = (stage: CommandStage): void => {
    if (stage.kind === 'sealed' && folder !== undefined) keepCommandKey(folder, stage.value.command)
    if (!options.json) tellStage(io, stage)
  }
  const { gas, deposit, value: sent = 0n } = options
  const limits = { ...(gas === undefined ? {} : { gasLimit: gas }), ...(deposit === undefined ? {} : { deposit }) }
  const payer = options.payer === undefined ? {} : { payer: await openSigner(io, options.payer, options.signerType) }
  const ended = (receipt: Receipt, value: Ended['value']): void =>
    printEnded(io, toHex(id), reached, options, { receipt, value, elapsedMs: Math.round(network.surroundings.clock.nowMs() - startMs) })
  try {
    const { value, ...receipt } = await (handle.send[message.name] as NonNullable<(typeof handle.send)[string]>)(args, { value: sent, onStage, ...payer, ...limits })
    ended(receipt, { shown: value })
    if (!options.json && folder !== undefined) printNext(io, nextSteps(options, receipt))
    return 0
  } catch (error) {
    const receipt = receiptOf(error)
    if (receipt !== undefined) ended(receipt, undefined)
    throw error
  }
}

/** The command over a network that is reached so. */
export const createCall = (reach: Reach): Runner => async (io, positional, given) => {
  const options = given as unknown as CallOptions
  const typed = await readMessage(positional, { metadata: options.metadata, kind: 'command' })
  return reach(io, options, (reached) => send(io, reached, options, typed))
}

/** Sends a command. */
export const runCall = createCall(withNetwork)
