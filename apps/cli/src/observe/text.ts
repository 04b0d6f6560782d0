/** Owns the words of an observation: rows for people, an object for machines. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { encodeSs58, type Crypto } from '@phalanx/primitives/crypto'
import type { DynamicValue } from '@phalanx/sdk'
import { showValue } from '@phalanx/sdk/client'
import { gasText, levelName, phaText, plainText, shortHex } from '../contract-client/describe.ts'
import { valueToJson } from '../contract-client/values.ts'
import type { ColumnsRow } from './columns.ts'
import type { SeenCall } from './find-command.ts'
import { topicText, type Observation, type SenderView } from './observe.ts'

/** The four sides, as columns. */
export const SIDES = ['the chain', 'a relay', 'the worker\'s host', 'its sender'] as const

/** What texts need besides the observation. */
export interface Speaking {
  readonly crypto: Pick<Crypto, 'blake2b'>
  readonly prefix: number
}

const NOTHING = '—'
const NO_KEY = 'cannot be read here: the key that was made for this command was not kept (phalanx contract call --keep)'
const HEX_SHOWN = 20
const SEALED_WORDS: Readonly<Record<Observation['wrapping']['form'], string>> = {
  Sealed: 'sealed', Encrypted: 'encrypted in the reference\'s form', Plain: 'IN THE CLEAR', unreadable: 'bytes of no known form',
}

const addressOf = ({ crypto, prefix }: Speaking, account: Uint8Array): string => {
  const text = encodeSs58(crypto, { prefix, payload: account })
  return `${text.slice(0, 6)}…${text.slice(-4)}`
}

const amountOf = (args: DynamicValue): bigint | undefined => {
  const { amount } = (args ?? {}) as { readonly amount?: unknown }
  return typeof amount === 'bigint' ? amount : undefined
}

/** What other calls of the extrinsic give away. */
const besideText = (speaking: Speaking, { name, args }: SeenCall): string => {
  const { dest_account: account } = (args ?? {}) as { readonly dest_account?: unknown }
  const amount = amountOf(args)
  const whom = account instanceof Uint8Array ? ` for ${addressOf(speaking, account)}` : ''
  return `${name}${amount === undefined ? '' : ` of ${phaText(amount)}`}${whom}`
}

const receiptText = (sender: SenderView): string => {
  const { receipt, result, events } = sender
  if (receipt === undefined) return 'no receipt yet'
  const outcome = result === undefined ? `${receipt.outcome.kind === 'Executed' ? receipt.outcome.value.length : 0} bytes of result` : result.ok ? `result: ${result.value === undefined ? 'done' : showValue(result.value)}` : result.reason
  return [
    outcome, ...receipt.logs.map(({ level, message }) => `${levelName(level)}: ${plainText(message)}`),
    ...events.map(({ kind, value }) => `event ${kind}${value === undefined ? '' : ` ${showValue(value)}`}`), `gas ${gasText(receipt.gas)}`,
  ].join('\n')
}

const callText = ({ call, command }: SenderView): string =>
  call === undefined ? `${command.message.length} bytes of call (give --metadata to read them): ${toHex(command.message)}` : `${call.message} ${showValue(call.args)}`

const occursText = (occurs: Observation['occurs'], side: 'chain' | 'relay' | 'host'): string =>
  occurs === undefined ? 'not looked for: the call is not known here' : occurs[side] ? `YES: the ${occurs.callBytes} bytes of the call` : `no (looked for its ${occurs.callBytes} bytes)`

/** Who calls; who pays for its own command can be guessed to send it. */
const callerText = (speaking: Speaking, payer: Uint8Array | undefined, { invocation: { from, sig } }: SenderView): string => {
  const isPayer = payer !== undefined && bytesEqual(payer, from)
  return `${addressOf(speaking, from)} calls, signed with ${sig.kind.toLowerCase()}${isPayer ? '; it pays for itself, so all can guess that it sends' : ''}`
}

/** The observation, row by row. */
export const observationRows = (observation: Observation, speaking: Speaking): readonly ColumnsRow[] => {
  const { found, wrapping, relay, host, sender, agreedRoot, occurs, cluster } = observation
  const payer = found.payer === undefined ? 'nobody signed' : addressOf(speaking, found.payer)
  const block = `block ${found.block.number}`
  const bytes = `${wrapping.bytes} ${SEALED_WORDS[wrapping.form]} bytes`
  const opened = (read: (view: SenderView) => string): string => (sender === undefined ? NOTHING : read(sender))
  const key = wrapping.from === undefined ? '' : `\none-time key ${shortHex(wrapping.from)}${wrapping.epoch === undefined ? '' : `, to the contract's key of epoch ${wrapping.epoch}`}`
  const fee = found.outcome?.fee
  const withCaller = wrapping.form === 'Sealed' || wrapping.form === 'Encrypted'
  return [
    { title: 'who', cells: [
      `${payer} paid${fee === undefined ? '' : ` ${phaText(fee)}`}${withCaller ? '; who calls is sealed' : ''}`, `${payer} paid; the relay only delivers`, `${payer} paid`,
      sender === undefined ? NO_KEY : callerText(speaking, found.payer, sender) ] },
    { title: 'whom', cells: [
      `contract ${shortHex(found.contract)}, cluster ${shortHex(cluster)}`, `topic ${topicText(relay.topic).replace(/[0-9a-f]{60,}/, (id) => `${id.slice(0, 6)}…`)}`, 'the same topic',
      opened(({ call }) => (call === undefined ? `contract ${shortHex(found.contract)}` : `${call.contract}, ${shortHex(found.contract)}`)) ] },
    { title: 'what', cells: [
      `${bytes} in an extrinsic of ${found.extrinsic.length}${key}`, `${bytes} in a feed of ${relay.feedBytes}, ${relay.messages} message${relay.messages === 1 ? '' : 's'}`,
      `the feed's ${relay.feedBytes} bytes, as they pass into the worker`, opened(callText) ] },
    { title: 'how much', cells: [
      found.beside.length === 0 ? 'sealed' : `sealed, but beside it: ${found.beside.map((call) => besideText(speaking, call)).join('; ')}`, 'sealed', 'sealed; how long the worker computes',
      opened(({ command }) => `${phaText(command.transfer)} sent along, gas limit ${gasText(command.gasLimit)}`) ] },
    { title: 'when', cells: [
      `${block} ${shortHex(found.block.hash)}, extrinsic ${found.index}${found.outcome?.ok === false ? `, failed: ${found.outcome.name}` : ''}`, block, block, opened(({ invocation }) => `signed at block ${invocation.block}, nonce ${shortHex(invocation.nonce)}`) ] },
    { title: 'outcome', cells: [
      agreedRoot === undefined ? 'no agreed root over the receipts yet' : `root over the block's receipts ${shortHex(agreedRoot)}`, 'the workers\' reports of that root',
      host === undefined ? 'no worker hands out a receipt (yet, or any more)' : `${host.sealed.length} ${host.isSealed ? 'sealed' : 'CLEAR'} bytes of receipt, for whoever asks`,
      opened(receiptText) ] },
    { title: 'the call', cells: [occursText(occurs, 'chain'), occursText(occurs, 'relay'), occursText(occurs, 'host'), opened(() => 'yes')] },
  ]
}

/** The sealed bytes as everybody has them, shortened. */
export const bytesText = ({ found: { payload } }: Observation): string => {
  const hex = toHex(payload)
  return payload.length <= 2 * HEX_SHOWN ? hex : `${hex.slice(0, 2 + 2 * HEX_SHOWN)}…${hex.slice(-2 * HEX_SHOWN)}`
}

const senderJson = (sender: SenderView | undefined): object | null => {
  if (sender === undefined) return null
  const { invocation, command, call, receipt, result, events } = sender
  return {
    from: toHex(invocation.from), scheme: invocation.sig.kind, signedAt: invocation.block, nonce: toHex(invocation.nonce), input: toHex(command.message), value: command.transfer, gasLimit: command.gasLimit,
    ...(call === undefined ? {} : { contract: call.contract, message: call.message, args: valueToJson(call.args) }),
    receipt: receipt === undefined ? null : {
      ...(result === undefined ? {} : result.ok ? { ok: true, value: valueToJson(result.value) } : { ok: false, reason: result.reason }),
      logs: receipt.logs.map(({ level, message }) => ({ level: levelName(level), message })), events: events.map(({ kind, value }) => ({ kind, value: valueToJson(value) })), gas: receipt.gas,
    },
  }
}

/** The observation for machines: bytes in hex, whole. */
export const observationJson = ({ found, wrapping, relay, host, sender, agreedRoot, occurs, cluster }: Observation, isSimulated: boolean): object => ({
  event: 'observed', commandHash: toHex(found.commandHash), contract: toHex(found.contract), simulated: isSimulated,
  chain: {
    block: found.block.number, blockHash: toHex(found.block.hash), index: found.index, payer: found.payer === undefined ? null : toHex(found.payer), fee: found.outcome?.fee ?? null,
    ok: found.outcome?.ok ?? null, extrinsic: toHex(found.extrinsic), form: wrapping.form, payload: toHex(found.payload), oneTimeKey: wrapping.from === undefined ? null : toHex(wrapping.from),
    epoch: wrapping.epoch ?? null, cluster: toHex(cluster), receiptsRoot: agreedRoot === undefined ? null : toHex(agreedRoot),
    beside: found.beside.map(({ name, args }) => ({ call: name, args: valueToJson(args) })), holdsTheCall: occurs?.chain ?? null,
  },
  relay: { feedBytes: relay.feedBytes, messages: relay.messages, topic: topicText(relay.topic), messageBytes: relay.messageBytes, holdsTheCall: occurs?.relay ?? null },
  host: { feedBytes: relay.feedBytes, receipt: host === undefined ? null : toHex(host.sealed), isSealed: host?.isSealed ?? null, holdsTheCall: occurs?.host ?? null },
  sender: senderJson(sender),
})
