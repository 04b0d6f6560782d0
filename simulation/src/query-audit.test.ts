/** Each thing that the audit of queries asks is one that it can miss: a wrong answer of every kind is told from the right one. */
import { describe, expect, test } from 'vitest'
import { toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { u64 } from '@phalanx/primitives/codec'
import type { LogRecord } from '@phalanx/primitives/contracts'
import type { SentCommand } from './cluster-commands.ts'
import type { QueryEnd, SentQuery } from './cluster-queries.ts'
import { createQueryAudit, type QueryAuditDependencies } from './query-audit.ts'
import { DEEDS } from './scripted-contract.ts'

const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const [owner, stranger, contract, one, other] = [fill(1), fill(2), fill(3), fill(4), fill(5)] as const
const inputOf = (deed: number): Uint8Array => Uint8Array.of(deed, ...one, ...other)
const BLOCK = 2
const HASH = fill(0xb2)

const audit = (change: Partial<QueryAuditDependencies> = {}) => createQueryAudit({
  clusters: { isBereft: () => false, noteAnswer: () => undefined, heldAt: () => ({ count: 7n, judgeRead: (_key, value) => (toHex(value) === toHex(other) ? undefined : 'finds another value') }) },
  commands: [{ input: inputOf(DEEDS.say) } as SentCommand], finalized: ['0x00', '0x01', toHex(HASH)], owner, ...change,
})

const sent = (query: SentQuery['query'], change: Partial<SentQuery> = {}): SentQuery =>
  ({ worker: fill(9), cluster: fill(8), query, asker: stranger, flaw: undefined, way: { kind: 'Sealed' } as SentQuery['way'], ...change })
const calling = (deed: number, change: Partial<SentQuery> = {}): SentQuery => sent({ kind: 'Call', value: { contract, input: inputOf(deed), transfer: 0n, deposit: 0n } }, change)
const forLogs = (change: Partial<SentQuery> = {}): SentQuery => sent({ kind: 'Logs', value: { contract, start: { kind: 'From', value: 0n }, count: 1 } }, change)

type Answer = Extract<QueryEnd, { kind: 'Answered' }>['value']['answer']
const answered = (answer: Answer, options: { readonly block?: number; readonly hash?: Uint8Array } = {}): QueryEnd => {
  const block = options.block ?? BLOCK
  return { kind: 'Answered', value: { block, point: { blockNumber: block, blockHash: options.hash ?? HASH, stateRoot: fill(6) }, answer } }
}
const returned = (data: Uint8Array, change: { readonly flags?: number; readonly logs?: readonly string[] } = {}): Answer =>
  ({ kind: 'Called', value: { result: { ok: true, value: { flags: change.flags ?? 0, data } }, failure: undefined, logs: change.logs ?? [] } })
const failed: Answer = { kind: 'Called', value: { result: { ok: false, error: { kind: 'CannotLookup' } }, failure: 'told to', logs: [] } }
const page = (...contents: readonly LogRecord['content'][]): Answer => ({ kind: 'Logs', value: { next: 9n, records: contents.map((content) => ({ sequence: 0n, block: 1, content })) } })
const lineOf = (message: string): LogRecord['content'] => ({ kind: 'Log', value: { contract, entry: contract, mode: 2, timeMs: 0n, level: 3, message } })
const outputOf = (origin: Uint8Array): LogRecord['content'] => ({ kind: 'Output', value: { origin, contract, nonce: fill(0), output: fill(0) } })

describe('an answer', () => {
  test('says what the model says', () => {
    const { judge } = audit()
    expect(judge('w', calling(DEEDS.read), answered(returned(other)))).toBeUndefined()
    expect(judge('w', calling(DEEDS.read), answered(returned(one)))).toMatch(/finds another value/)
    expect(judge('w', calling(DEEDS.keep), answered(returned(u64.encode(8n))))).toBeUndefined()
    expect(judge('w', calling(DEEDS.keep), answered(returned(u64.encode(7n))))).toMatch(/says 0x07.*, not 0x08/)
    expect(judge('w', calling(DEEDS.revert), answered(returned(one, { flags: 1 })))).toBeUndefined()
    expect(judge('w', calling(DEEDS.revert), answered(returned(one)))).toMatch(/ended with flags 0/)
    expect(judge('w', calling(DEEDS.trap), answered(failed))).toBeUndefined()
    expect(judge('w', calling(DEEDS.trap), answered(returned(one)))).toMatch(/ended with flags/)
    expect(judge('w', calling(DEEDS.keep), answered(failed))).toMatch(/says that it failed/)
    expect(judge('w', forLogs(), answered(returned(one)))).toMatch(/another question/)
  })
  test('is for a final block and the state that the cluster has there', () => {
    const right = returned(other)
    expect(audit().judge('w', calling(DEEDS.read), answered(right, { block: 3 }))).toMatch(/not final/)
    expect(audit().judge('w', calling(DEEDS.read), answered(right, { hash: one }))).toMatch(/for block 2 as 0x0404/)
    const differs = audit({ clusters: { isBereft: () => false, noteAnswer: () => 'another root', heldAt: () => ({ count: 0n, judgeRead: () => undefined }) } })
    expect(differs.judge('w', calling(DEEDS.read), answered(right))).toMatch(/another root/)
  })
  test('to what must be refused is wrong, whatever it says', () => {
    expect(audit().judge('w', calling(DEEDS.read, { flaw: 'QUERY_REPLAYED' }), answered(returned(other)))).toMatch(/had to refuse by QUERY_REPLAYED/)
  })
  test('brings logs only for the owner', () => {
    const { judge } = audit()
    const [silent, telling] = [returned(u64.encode(8n)), returned(u64.encode(8n), { logs: [toHexPlain(one)] })]
    expect(judge('w', calling(DEEDS.say, { asker: owner }), answered(telling))).toBeUndefined()
    expect(judge('w', calling(DEEDS.say, { asker: owner }), answered(silent))).toMatch(/0 lines of log/)
    expect(judge('w', calling(DEEDS.say), answered(silent))).toBeUndefined()
    expect(judge('w', calling(DEEDS.say), answered(telling))).toMatch(/1 lines of log/)
  })
})

test('records of the log are those that the asker may read, and that were said', () => {
  const { judge } = audit()
  expect(judge('w', forLogs({ asker: owner }), answered(page(lineOf(toHexPlain(one)), outputOf(stranger))))).toBeUndefined()
  expect(judge('w', forLogs({ asker: owner }), answered(page(lineOf(toHexPlain(other)))))).toMatch(/nobody had the contract say/)
  expect(judge('w', forLogs(), answered(page(outputOf(stranger))))).toBeUndefined()
  expect(judge('w', forLogs(), answered(page(outputOf(owner))))).toMatch(/may not read/)
  expect(judge('w', forLogs(), answered(page(lineOf(toHexPlain(one)))))).toMatch(/may not read/)
})

test('a refusal has a reason: what is wrong with the query, or the state of the worker', () => {
  const { judge, counts } = audit()
  const refused = (value: string): QueryEnd => ({ kind: 'Refused', value })
  expect(judge('w', calling(DEEDS.read), refused('QUERY_STATE_BEHIND'))).toBeUndefined()
  expect(judge('w', calling(DEEDS.read, { flaw: 'QUERY_EXPIRED' }), refused('QUERY_EXPIRED'))).toBeUndefined()
  expect(judge('w', calling(DEEDS.read, { flaw: 'QUERY_EXPIRED' }), refused('QUERY_REPLAYED'))).toMatch(/QUERY_REPLAYED, not QUERY_EXPIRED/)
  expect(judge('w', calling(DEEDS.read, { flaw: 'QUERY_REPLAYED' }), refused('QUERY_EXPIRED'))).toBeUndefined()
  for (const code of ['QUERY_STATE_DIFFERS', 'QUERY_EXPIRED', 'SEALED_NOT_OPENED', 'QUERY_CONTRACT_UNKNOWN', '']) expect(judge('w', calling(DEEDS.read), refused(code))).toMatch(/refused a query/)
  expect(judge('w', calling(DEEDS.read), { kind: 'Lost' })).toBeUndefined()
  expect(counts).toEqual({ asked: 10, answered: 0, refused: 9, lost: 1 })
})
