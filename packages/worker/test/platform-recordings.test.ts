/** Sessions with devices replay against real evidence: what a platform hands out verifies as the evidence's authors say. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { OptionalAttestationReport, attachCollateral, referencePolicy, verifyEvidence, type AttestationReport } from '@phalanx/attestation'
import { concatBytes, parseHex, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { platformTable } from '@phalanx/worker/platform/table'
import type { Platform } from '@phalanx/worker/platform'
import { createMemoryBlobStore, createTestRandom, replayRecording, type Recording, type Replay } from '@phalanx/worker/testing'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const load = (name: string): Recording => JSON.parse(readFileSync(join(import.meta.dirname, 'recordings', `${name}.json`), 'utf8')) as Recording

interface Session {
  readonly platform: Platform
  readonly replay: Replay
  readonly report: AttestationReport
}

/** Opens a platform on a recorded session and asks it for evidence. */
const run = async (platformName: string, recording: string, blobs: Readonly<Record<string, Uint8Array>>): Promise<Session> => {
  const entry = platformTable.find(({ name }) => name === platformName)
  if (entry === undefined) throw new Error(`no platform ${platformName}`)
  const replay = replayRecording(load(recording), blobs)
  const platform = await (await entry.load()).open({ crypto, files: replay, socket: replay, blobs: createMemoryBlobStore(), random: createTestRandom(crypto, recording) })
  const report = OptionalAttestationReport.decode(await platform.quote({ reportData: blobs['reportData'] as Uint8Array, nowMs: 0n }))
  if (report === undefined) throw new Error('no evidence')
  return { platform, replay, report }
}

const CASES = '2-dcap/cases'

describeVectors('recorded sessions with real quotes', () => {
  const dcap: readonly (readonly [platform: string, recording: string, file: string, reportDataAt: number, status: string])[] = [
    ['gramine', 'gramine', 'v3-sgx-teepot-ba71c6-2023-05-15-swhardeningneeded', 48 + 320, 'SWHardeningNeeded'],
    ['tsm', 'tsm-tdx', 'v4-tdx-dstack-cbdb5b-2026-02-18-uptodate', 48 + 520, 'UpToDate'],
    ['tsm', 'tsm-tdx-contended', 'v4-tdx-nearai-afb2d8-2024-12-20-uptodate', 48 + 520, 'UpToDate'],
    ['dstack', 'dstack', 'v4-tdx-dstack-cbdb5b-2026-02-18-uptodate', 48 + 520, 'UpToDate'],
    ['dstack', 'dstack-legacy', 'v4-tdx-dstack-0c699d-2026-08-13-uptodate', 48 + 520, 'UpToDate'],
  ]
  test.each(dcap)('%s (%s) hands out %s, which verifies', async (platformName, recording, file, reportDataAt, status) => {
    const found = readVectorJson<{ readonly quoteHex: string; readonly verifyAt: number }>(`${CASES}/${file}.json`)
    const evidence = parseHex(found.quoteHex)
    const { platform, replay, report } = await run(platformName, recording, { evidence, reportData: evidence.slice(reportDataAt, reportDataAt + 64) })
    const complete = attachCollateral(report, utf8(JSON.stringify(found)))
    const verdict = verifyEvidence({ evidence: complete, policy: referencePolicy(), nowSeconds: found.verifyAt, crypto })
    expect(verdict.ok ? [verdict.facts.tcbStatus, verdict.facts.measurement] : verdict.detail).toEqual([status, platform.measurement])
    if (platform.sealingKey !== undefined) expect(await platform.sealingKey()).toHaveLength(32)
    expect(replay.left()).toBe(0)
    expect(platform.features).toEqual([1, 3])
  })

  /** The second guest may be debugged by its host, as its author set it up; everything else of it stands. */
  const snp: readonly (readonly [file: string, nowSeconds: number, outcome: string])[] = [
    ['snp-teekit-sev-gcp', 1_780_272_000, 'trusted'],
    ['snp-gosev-milan', 1_780_272_000, 'ATTESTATION_DEBUG_ENCLAVE'],
    ['snp-dstack', 1_800_000_000, 'trusted'],
  ]
  test.each(snp)('tsm (tsm-snp) hands out %s with the host\'s certificates, at %d: %s', async (file, nowSeconds, outcome) => {
    const found = readVectorJson<{ readonly reportHex: string; readonly vcekOrVlekPem: string; readonly chainPem: readonly string[] }>(`3-other-tee/amd-sev-snp/${file}.json`)
    const evidence = parseHex(found.reportHex)
    const der = (pem: string): Uint8Array => new Uint8Array(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64'))
    const [authority, root] = found.chainPem
    const entries = [['c0b406a4a803495297433fb6014cd0ae', der(root as string)], ['4ab7b379bbac4fe4a02f05aef327c782', der(authority as string)], ['63da758de6644564adc5f4b93be8accd', der(found.vcekOrVlekPem)]] as const
    const head = new Uint8Array(24 * 4)
    let offset = head.length
    entries.forEach(([guid, content], i) => {
      head.set(parseHex(guid), i * 24)
      new DataView(head.buffer).setUint32(i * 24 + 16, offset, true)
      new DataView(head.buffer).setUint32(i * 24 + 20, content.length, true)
      offset += content.length
    })
    const certificates = concatBytes(head, ...entries.map(([, content]) => content))
    const { platform, replay, report } = await run('tsm', 'tsm-snp', { evidence, certificates, reportData: evidence.slice(0x50, 0x90) })
    const verdict = verifyEvidence({ evidence: report, policy: referencePolicy(), nowSeconds, crypto })
    const { measurement } = verdict.ok ? verdict.facts : verdict.claims
    expect(measurement).toEqual(platform.measurement)
    expect(verdict.ok ? 'trusted' : verdict.errorCode).toBe(outcome)
    expect(replay.left()).toBe(0)
  })
})

describe('a recording', () => {
  test('is held to its order and its bytes', async () => {
    const replay = replayRecording(load('tsm-tdx'), {})
    await expect(replay.makeFolder('/elsewhere')).rejects.toThrow(/step 0/)
    await replay.read('/proc/cpuinfo', 4096)
    await replay.makeFolder('/sys/kernel/config/tsm/report/phalanx-1')
    await replay.read('/sys/kernel/config/tsm/report/phalanx-1/generation', 64)
    await expect(replay.write('/sys/kernel/config/tsm/report/phalanx-1/inblob', new Uint8Array(1))).rejects.toThrow(/other bytes/)
  })
})
