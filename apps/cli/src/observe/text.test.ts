/** The words of an observation: what is sealed is not shown as anything else, and what is not sealed is said loudly. */
import { CommandPayload } from '@phalanx/primitives/messages'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { toHex, utf8 } from '@phalanx/primitives/bytes'
import { describe, expect, test } from 'vitest'
import type { Observation, SenderView } from './observe.ts'
import { bytesText, observationJson, observationRows } from './text.ts'

const crypto = await loadCrypto()
const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const speaking = { crypto, prefix: 30 }
const message = utf8('the bid is 42')
const command = { nonce: fill(1), message, transfer: 0n, gasLimit: 10n ** 9n, storageDepositLimit: undefined }
const sender: SenderView = {
  invocation: { from: fill(7), payload: { to: fill(8), input: message }, nonce: fill(1), block: 9, sig: { kind: 'Ed25519', value: fill(0, 64) } }, command,
  call: { contract: 'auction', message: 'bid', args: { amount: 42n } },
  receipt: {
    contract: fill(5), commandHash: fill(6), block: 10, index: 0, outcome: { kind: 'Executed', value: fill(0, 4) }, failure: undefined, gas: 5n,
    logs: [{ contract: fill(5), level: 3, message: 'noted\u001b[31m' }], events: [],
  },
  result: { ok: true, value: undefined }, events: [{ kind: 'Noted', value: { count: 1 } }],
}
const payload = CommandPayload.encode({ kind: 'Sealed', value: { version: 1, epoch: 3n, from: fill(2), iv: fill(3, 12), data: fill(4, 80) } })
const sealed: Observation = {
  found: {
    contract: fill(5), payload, commandHash: fill(6), block: { number: 10, hash: fill(9) }, index: 1, extrinsic: fill(0, 300), payer: fill(11), outcome: { ok: true, fee: 2_000_000_000n },
    beside: [{ name: 'PhalaPhatContracts.transfer_to_cluster', args: { amount: 5n * 10n ** 12n, dest_account: fill(7) } }],
  },
  wrapping: { form: 'Sealed', bytes: payload.length, from: fill(2), epoch: 3n }, cluster: fill(12), agreedRoot: fill(13),
  relay: { feedBytes: 900, topic: utf8('phala/contract/05/command'), messageBytes: payload.length, messages: 2 },
  host: undefined, sender, occurs: { callBytes: message.length, chain: false, relay: false, host: false },
}
const cell = (observation: Observation, title: string, side: number): string => observationRows(observation, speaking).find((row) => row.title === title)?.cells[side] ?? ''

describe('an observation', () => {
  test('shows the sender\'s side to the sender alone', () => {
    expect([0, 1, 2, 3].map((side) => cell(sealed, 'what', side).includes('42'))).toEqual([false, false, false, true])
    expect(cell(sealed, 'outcome', 3)).toBe('result: done\ninfo: noted·[31m\nevent Noted { count: 1 }\ngas 0.000 ms (5 ps)')
    const others = { ...sealed, sender: undefined, occurs: undefined }
    const rows = observationRows(others, speaking)
    expect(rows.map(({ cells }) => cells[3])).toEqual([expect.stringContaining('was not kept'), ...Array<string>(rows.length - 1).fill('—')])
    expect(cell(others, 'the call', 0)).toContain('not looked for')
  })

  test('says that who pays for its own command can be guessed', () => {
    expect(cell(sealed, 'who', 3)).not.toContain('guess')
    expect(cell({ ...sealed, found: { ...sealed.found, payer: fill(7) } }, 'who', 3)).toContain('all can guess that it sends')
  })

  test('says what stands beside the sealed command in the clear', () => {
    expect(cell(sealed, 'how much', 0)).toMatch(/^sealed, but beside it: PhalaPhatContracts.transfer_to_cluster of 5 PHA for [1-9A-Za-z]{6}…[1-9A-Za-z]{4}$/)
    expect(cell({ ...sealed, found: { ...sealed.found, beside: [] } }, 'how much', 0)).toBe('sealed')
  })

  test('says loudly what is not sealed, and where the call was found', () => {
    const plain: Observation = { ...sealed, wrapping: { form: 'Plain', bytes: 40, from: undefined, epoch: undefined }, occurs: { callBytes: 13, chain: true, relay: true, host: false } }
    expect([0, 1].map((side) => cell(plain, 'what', side))).toEqual([expect.stringContaining('IN THE CLEAR'), expect.stringContaining('IN THE CLEAR')])
    expect([0, 1, 2].map((side) => cell(plain, 'the call', side).slice(0, 3))).toEqual(['YES', 'YES', 'no '])
    expect(cell(plain, 'who', 0)).not.toContain('sealed')
  })

  test('is whole for machines', () => {
    expect(observationJson(sealed, true)).toMatchObject({
      simulated: true, chain: { form: 'Sealed', payload: toHex(payload), epoch: 3n, oneTimeKey: toHex(fill(2)), holdsTheCall: false, fee: 2_000_000_000n }, host: { receipt: null },
      sender: { from: toHex(fill(7)), args: { amount: '42' }, receipt: { ok: true, value: null, gas: 5n } },
    })
    expect(observationJson({ ...sealed, sender: undefined }, false)).toMatchObject({ sender: null, simulated: false })
    expect(bytesText(sealed)).toMatch(/^0x02010300000000000000(02){10}…(04){20}$/)
  })
})
