import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AttestationReport, Collateral, type AttestationReport as Report } from '@phalanx/attestation'
import { toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { softwareVendor } from '@phalanx/worker/platform'
import { runCli } from '../testing.ts'
import { parseTime } from './times.ts'

const NOW = '2026-03-05T10:50:03Z'
const NOW_SECONDS = 1_772_707_803

let folder = ''
let whole: Report
const file = (name: string): string => join(folder, name)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'phalanx-verify-'))
  const vendor = softwareVendor(await loadCrypto())
  const quote = { report: { mrEnclave: new Uint8Array(32).fill(1), mrSigner: new Uint8Array(32).fill(2) }, reportData: new Uint8Array(64).fill(3) }
  whole = vendor.evidence({ platform: vendor.platform({ id: 'a' }), quote, nowSeconds: NOW_SECONDS })
  if (whole.kind !== 'SgxDcap') throw new Error('another kind')
  writeFileSync(file('evidence.scale'), AttestationReport.encode(whole))
  writeFileSync(file('quote.bin'), whole.value.quote)
  writeFileSync(file('quote.hex'), toHexPlain(whole.value.quote))
  writeFileSync(file('collateral.scale'), Collateral.encode(whole.value.collateral as Collateral))
  writeFileSync(file('policy.json'), JSON.stringify({ simulated: true, roots: [toHex(vendor.rootCertificate)] }))
  writeFileSync(file('noise.bin'), new Uint8Array(1000).fill(7))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const verify = (...args: readonly string[]) => runCli(['verify', ...args])
const told = (stdout: string): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>

describe('phalanx verify', () => {
  test('trusts good evidence with 0 and shows the tree', async () => {
    const { exitCode, stdout, stderr } = await verify(file('evidence.scale'), '--at', NOW, '--policy', file('policy.json'))
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/SgxDcap evidence \(scale\), judged for 2026-03-05T10:50:03Z\ntrusted: /)
    expect(stdout).toContain('Lapses first: ')
    expect(stdout).toContain('rule: ')
    expect(stdout).not.toContain('\u001b')
  })

  test('gives one verdict for a quote with a collateral file, whole evidence and hex, and the same from standard input', async () => {
    const options = ['--at', String(NOW_SECONDS), '--policy', file('policy.json'), '--json']
    const runs = await Promise.all([
      verify(file('evidence.scale'), ...options), verify(file('quote.bin'), '--collateral', file('collateral.scale'), ...options),
      verify(file('quote.hex'), '--collateral', file('collateral.scale'), ...options),
      runCli(['verify', '-', ...options], { stdin: toHex(AttestationReport.encode(whole)) }),
    ])
    const verdicts = runs.map(({ stdout }) => ({ ...told(stdout), form: '' }))
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
    for (const verdict of verdicts) expect(verdict).toEqual(verdicts[0])
    expect(verdicts[0]).toMatchObject({ kind: 'SgxDcap', trusted: true, at: { seconds: NOW_SECONDS } })
  })

  test.each([
    ['simulated evidence under the built-in policy', ['evidence.scale'], 'ATTESTATION_ROOT_UNKNOWN'],
    ['a quote without collateral', ['quote.bin', '--policy', '@policy.json'], 'ATTESTATION_COLLATERAL_ABSENT'],
    ['evidence for other data', ['evidence.scale', '--policy', '@policy.json', '--report-data', '0xffff'], 'ATTESTATION_REPORT_DATA_MISMATCH'],
  ])('does not trust %s: 1, with what to do', async (_name, args, code) => {
    const words = args.map((word, i) => (i === 0 ? file(word) : word.startsWith('@') ? file(word.slice(1)) : word))
    const { exitCode, stdout } = await verify(...words, '--at', NOW, '--json')
    expect(exitCode).toBe(1)
    const verdict = told(stdout)
    expect((verdict['failures'] as readonly { errorCode: string; fix: string }[]).map(({ errorCode }) => errorCode)).toContain(code)
    const people = await verify(...words, '--at', NOW)
    expect(people.exitCode).toBe(1)
    expect(people.stdout).toMatch(/not trusted: ATTESTATION_\w+/)
    expect(people.stdout).toContain('What to do (')
  })

  test.each([
    ['no evidence', ['noise.bin'], 'ATTESTATION_EVIDENCE_UNKNOWN'],
    ['a missing file', ['none.bin'], 'CLI_FILE_UNREADABLE'],
    ['a folder', ['.'], 'CLI_FILE_UNREADABLE'],
    ['collateral that is none', ['quote.bin', '--collateral', '@noise.bin'], 'ATTESTATION_COLLATERAL_UNKNOWN'],
    ['a policy that is none', ['quote.bin', '--policy', '@noise.bin'], 'ATTESTATION_POLICY_MALFORMED'],
    ['a time that is none', ['quote.bin', '--at', 'yesterday'], 'CLI_OPTION_INVALID'],
    ['report data that is none', ['quote.bin', '--report-data', '0x123'], 'CLI_OPTION_INVALID'],
    ['the chain\'s policy for a file', ['quote.bin', '--policy', 'chain'], 'CLI_USAGE'],
    ['standard input twice', ['quote.bin', '--collateral', '-', '--policy', '-'], 'CLI_USAGE'],
    ['a file and a worker', ['quote.bin', '--worker', `0x${'11'.repeat(32)}`], 'CLI_USAGE'],
  ])('ends with 2 for %s', async (_name, args, code) => {
    const words = args.map((word, i) => (i === 0 ? file(word) : word.startsWith('@') ? file(word.slice(1)) : word))
    const { exitCode, stdout } = await verify(...words, '--json')
    expect([exitCode, told(stdout)['code']]).toEqual([2, code])
  })

  test.each([
    ['nothing at all', [], 'CLI_USAGE'],
    ['a worker without node', ['--worker', `0x${'11'.repeat(32)}`], 'CLI_USAGE'],
    ['a key of another length', ['--worker', '0x1111', '--node', 'ws://127.0.0.1:1'], 'CLI_OPTION_INVALID'],
    ['a node that is not there', ['--worker', `0x${'11'.repeat(32)}`, '--node', 'ws://127.0.0.1:1'], expect.stringMatching(/^SDK_/)],
  ])('ends with 2 for %s', async (_name, args, code) => {
    const { exitCode, stdout } = await verify(...args, '--json')
    expect([exitCode, told(stdout)['code']]).toEqual([2, code])
  })

  test('shows the policy in the form it reads', async () => {
    const first = await verify(file('evidence.scale'), '--at', NOW, '--policy', file('policy.json'), '--show-policy', '--json')
    const { policy } = told(first.stdout)
    writeFileSync(file('shown.json'), JSON.stringify(policy))
    const second = await verify(file('evidence.scale'), '--at', NOW, '--policy', file('shown.json'), '--show-policy', '--json')
    expect(told(second.stdout)).toEqual(told(first.stdout))
  })
})

describe('a time', () => {
  const parse = parseTime('--at')
  test('is Unix seconds, a date, or a date and time, in UTC unless it says otherwise', () => {
    const times = ['1772707803', '2026-03-05T10:50:03Z', '2026-03-05T10:50:03', '2026-03-05T10:50:03.900Z', '2026-03-05T11:50:03+01:00'].map(parse)
    expect(times).toEqual(times.map(() => NOW_SECONDS))
    expect(parse('2026-03-05')).toBe(NOW_SECONDS - 10 * 3600 - 50 * 60 - 3)
  })
  test.each(['', '-1', '2026-13-01', '5 March', '999999999999', '2026-03-05T25:00Z'])('is refused: %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'CLI_OPTION_INVALID' }))
  })
})
