import { beforeAll, describe, expect, test } from 'vitest'
import { OptionalAttestationReport } from '@phalanx/attestation'
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, concatBytes, parseHex, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOfRejection as codeOf } from '@phalanx/primitives/testing'
import { createReportFiles, noDeviceFiles, noGuestSocket, type Intruder } from '../testing/devices.ts'
import { guestQuote, judgeGuest } from '../testing/guests.ts'
import { createMemoryBlobStore, createTestRandom } from '../testing.ts'
import { platformCompliance, type Platform, type PlatformUnderTest } from './index.ts'
import type { DeviceFiles } from './platform.ts'
import { tsm } from './tsm.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const openWith = (files: DeviceFiles): Promise<Platform> =>
  tsm.open({ crypto, files, socket: noGuestSocket, blobs: createMemoryBlobStore(), random: createTestRandom(crypto, 'tsm') })
const guest = (options: { readonly code?: number; readonly machine?: string; readonly intruder?: Intruder; readonly failReads?: number; readonly provider?: string } = {}) => {
  const { code = 1, machine = 'one', provider = 'tdx_guest', ...rest } = options
  return createReportFiles({ provider, quote: guestQuote(crypto, code, machine), ...rest })
}
const DATA = new Uint8Array(64).fill(7)

describe('a confidential virtual machine with configfs-tsm', () => {
  const subject: PlatformUnderTest = {
    sealing: 'ephemeral',
    open: () => openWith(guest()),
    openOtherCode: () => openWith(guest({ code: 2 })),
    openOtherMachine: () => openWith(guest({ machine: 'two' })),
    verify: (...judged) => judgeGuest(crypto, ...judged),
  }
  test.each(platformCompliance)('$name', ({ run }) => run(subject))

  test('leaves no report folder behind, also when the driver fails', async () => {
    const files = guest()
    await (await openWith(files)).quote({ reportData: DATA, nowMs: 0n })
    expect(files.folders.size).toBe(0)
    const failing = guest({ failReads: 100 })
    expect(await codeOf(openWith(failing))).toBe('PLATFORM_CONTENDED')
    expect(failing.folders.size).toBe(0)
  })

  test('asks again when the driver is busy', async () => {
    const platform = await openWith(guest({ failReads: 3 }))
    expect(platform.measurement).toHaveLength(32)
  })

  test('asks again when somebody else wrote between, and never hands out their report', async () => {
    let intrusions = 3
    const intruder: Intruder = (folder) => {
      if (intrusions-- > 0) folder.write(new Uint8Array(64).fill(0xee))
    }
    const platform = await openWith(guest({ intruder }))
    intrusions = 2
    const report = OptionalAttestationReport.decode(await platform.quote({ reportData: DATA, nowMs: 0n }))
    assert(report?.kind === 'Tdx', 'a quote')
    expect(report.value.quote.slice(48 + 520, 48 + 584)).toEqual(DATA)
  })

  test('gives up when somebody else always writes between', async () => {
    expect(await codeOf(openWith(guest({ intruder: (folder) => folder.write(DATA) })))).toBe('PLATFORM_CONTENDED')
  })

  test('does not take a generation that jumped backwards or is no number', async () => {
    const files = guest()
    for (const text of ['', 'x', '-1', '1e3']) expect(await codeOf(openWith({ ...files, read: (path, max) => (path.endsWith('generation') ? Promise.resolve(utf8(text)) : files.read(path, max)) }))).toBe('PLATFORM_ANSWER_INVALID')
  })

  test('is refused without configfs-tsm, with an unknown driver, and with another kind of evidence than the driver\'s', async () => {
    await expect(openWith(noDeviceFiles)).rejects.toMatchObject({ code: 'PLATFORM_DEVICE_FAILED', context: { reason: 'ENOENT' } })
    expect(await codeOf(openWith(guest({ provider: 'arm_cca_guest' })))).toBe('PLATFORM_ANSWER_INVALID')
    expect(await codeOf(openWith(guest({ provider: 'constructor' })))).toBe('PLATFORM_ANSWER_INVALID')
    expect(await codeOf(openWith(guest({ provider: 'sev_guest' })))).toBe('PLATFORM_ANSWER_INVALID')
    expect(await codeOf(openWith(createReportFiles({ provider: 'tdx_guest', quote: () => new Uint8Array(100) })))).toBe('PLATFORM_ANSWER_INVALID')
  })

  test('asks for fresh evidence each time', async () => {
    const files = guest()
    const platform = await openWith(files)
    const quotes = await Promise.all([1, 2].map((fill) => platform.quote({ reportData: new Uint8Array(64).fill(fill), nowMs: 0n })))
    expect(bytesEqual(quotes[0] as Uint8Array, quotes[1] as Uint8Array)).toBe(false)
  })
})

describe('a report with the host\'s certificates', () => {
  const GUIDS = { vcek: '63da758de6644564adc5f4b93be8accd', ask: '4ab7b379bbac4fe4a02f05aef327c782', ark: 'c0b406a4a803495297433fb6014cd0ae', other: '92f81bc358114d3d97ffd19f88dc67ea' }
  const report = (data: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(1184)
    bytes[0] = 2
    bytes.set(data, 0x50)
    return bytes
  }
  const table = (entries: readonly (readonly [guid: string, content: Uint8Array])[]): Uint8Array => {
    const head = new Uint8Array((entries.length + 1) * 24)
    const view = new DataView(head.buffer)
    let offset = head.length
    entries.forEach(([guid, content], i) => {
      head.set(parseHex(guid), i * 24)
      view.setUint32(i * 24 + 16, offset, true)
      view.setUint32(i * 24 + 20, content.length, true)
      offset += content.length
    })
    return concatBytes(head, ...entries.map(([, content]) => content), new Uint8Array(100))
  }
  const evidenceWith = async (auxblob: Uint8Array) => {
    const platform = await openWith(createReportFiles({ provider: 'sev_guest', quote: report, auxblob }))
    const evidence = OptionalAttestationReport.decode(await platform.quote({ reportData: DATA, nowMs: 0n }))
    assert(evidence?.kind === 'SevSnp', 'a report')
    return evidence.value
  }

  test('carries them, by their GUIDs, as DER', async () => {
    const pem = utf8(`-----BEGIN CERTIFICATE-----\n${Buffer.from([9, 9, 9]).toString('base64')}\n-----END CERTIFICATE-----\n`)
    const value = await evidenceWith(table([[GUIDS.other, utf8('list')], [GUIDS.ark, utf8('root')], [GUIDS.ask, utf8('authority')], [GUIDS.vcek, pem]]))
    expect(value.endorsement).toEqual(Uint8Array.of(9, 9, 9))
    expect(value.collateral).toEqual({ kind: 'SevSnp', value: { authority: utf8('authority'), root: utf8('root'), revocationList: undefined } })
  })

  test('does without what the host did not give', async () => {
    for (const aux of [new Uint8Array(0), new Uint8Array(24), table([])]) expect(await evidenceWith(aux)).toMatchObject({ endorsement: new Uint8Array(0), collateral: undefined })
    expect(await evidenceWith(table([[GUIDS.vcek, utf8('leaf')]]))).toMatchObject({ endorsement: utf8('leaf'), collateral: undefined })
  })

  test('is refused with a table that points outside of itself', async () => {
    const broken = table([[GUIDS.vcek, utf8('leaf')]])
    new DataView(broken.buffer).setUint32(20, 0xffff_ffff, true)
    expect(await codeOf(evidenceWith(broken))).toBe('PLATFORM_ANSWER_INVALID')
  })
})
