import { mkdtemp, open as openFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OptionalAttestationReport, createPolicy, evaluateRegistration, providerOf, verifyEvidence } from '@phalanx/attestation'
import { SIMULATED_FAMILY_NAMES } from '@phalanx/attestation/simulated'
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOfRejection as codeOf } from '@phalanx/primitives/testing'
import { createMemoryBlobStore, createTestClock, createTestRandom } from '../testing.ts'
import { createBenchmark } from './benchmark.ts'
import { systemDeviceFiles, systemGuestSocket } from './devices.ts'
import { openDiskBlobStore, platformCompliance, type Platform, type PlatformUnderTest } from './index.ts'
import { createSealer } from './seal.ts'
import { createSoftwarePlatform, softwareFamilyMeasurements, softwareRootCertificate } from './software.ts'
import { simulatedPlatform } from './table.ts'

let crypto: Crypto
let folder: string
beforeAll(async () => {
  crypto = await loadCrypto()
  folder = await mkdtemp(join(tmpdir(), 'phalanx-platform-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('families of simulated machines', () => {
  test('on offer are those that the vendor makes; each is what it says, and a chain can list its measurement', async () => {
    expect(simulatedPlatform.families).toEqual(SIMULATED_FAMILY_NAMES)
    const measurements = softwareFamilyMeasurements(crypto, SIMULATED_FAMILY_NAMES)
    const policy = createPolicy({ simulated: true, kinds: ['SgxDcap', 'SevSnp', 'Tdx'], roots: [softwareRootCertificate(crypto)], enforceMeasurements: true, measurements })
    const found = new Set<string>()
    for (const family of [undefined, ...simulatedPlatform.families]) {
      const blobs = createMemoryBlobStore()
      const kind = await simulatedPlatform.load(family)
      const platform = await kind.open({ crypto, blobs, random: createTestRandom(crypto, 'family'), files: systemDeviceFiles, socket: systemGuestSocket })
      const evidence = OptionalAttestationReport.decode(await platform.quote({ reportData: new Uint8Array(64), nowMs: 1_790_000_000_000n }))
      assert(evidence !== undefined, 'the platform makes evidence')
      const verdict = verifyEvidence({ evidence, policy, nowSeconds: 1_790_000_000, crypto })
      assert(verdict.ok, 'evidence verifies under the list')
      found.add(String(verdict.facts.family ?? verdict.facts.fmspc))
    }
    expect(found.size).toBe(SIMULATED_FAMILY_NAMES.length)
  })
})

describe.each([undefined, ...SIMULATED_FAMILY_NAMES])('the software platform, family %s', (family) => {
  const blobs = createMemoryBlobStore()
  const otherBlobs = createMemoryBlobStore()
  const open = (store: typeof blobs, measurement?: Uint8Array): Promise<Platform> =>
    createSoftwarePlatform({ ...(measurement && { measurement }), ...(family && { family }) }, { crypto, blobs: store, random: createTestRandom(crypto, store === blobs ? 'a' : 'b') })
  const kinds = ['SgxDcap', 'SevSnp', 'Tdx']
  const subject: PlatformUnderTest = {
    sealing: 'bound',
    open: () => open(blobs),
    openOtherCode: () => open(blobs, new Uint8Array(32).fill(3)),
    openOtherMachine: () => open(otherBlobs),
    verify(platform, evidence, nowMs) {
      const report = OptionalAttestationReport.decode(evidence)
      assert(report !== undefined && platform.provider === JSON.stringify(providerOf(report.kind).kind.toLowerCase()), 'the provider is that of the evidence')
      const policy = createPolicy({ simulated: true, kinds, roots: [softwareRootCertificate(crypto)] })
      const verdict = verifyEvidence({ evidence: report, policy, nowSeconds: Number(nowMs / 1000n), crypto })
      // A guest's measurement is a hash over what was loaded, of which the platform's is one part.
      assert(verdict.ok, 'evidence verifies')
      const loaded = verdict.facts.fields['mrTd'] ?? verdict.facts.measurement
      assert(loaded instanceof Uint8Array && bytesEqual(loaded.slice(0, 32), platform.measurement), 'evidence names the measurement')
      return Promise.resolve(verdict.facts.reportData)
    },
  }
  test.each(platformCompliance)('$name', ({ run }) => run(subject))

  test('fails a policy without the simulated flag', async () => {
    const report = OptionalAttestationReport.decode(await (await subject.open()).quote({ reportData: new Uint8Array(64), nowMs: 1_800_000_000_000n }))
    const outcome = evaluateRegistration({
      report, commit: new Uint8Array(32), crypto, nowSeconds: 1_800_000_000, policy: createPolicy({ kinds, roots: [softwareRootCertificate(crypto)] }),
    })
    expect(outcome).toMatchObject({ ok: false, palletError: 'SimulatedEvidenceRefused' })
  })
})

describe('a sealed file', () => {
  const world = async (options: { measurement?: Uint8Array; secret?: string } = {}) => {
    const blobs = createMemoryBlobStore()
    const random = createTestRandom(crypto, options.secret ?? 'secret')
    const platform = await createSoftwarePlatform(options.measurement === undefined ? {} : { measurement: options.measurement }, { crypto, blobs, random })
    return { blobs, sealer: createSealer({ platform, blobs, random, crypto }) }
  }

  test('opens to what was sealed, and never twice to the same bytes', async () => {
    const { blobs, sealer } = await world()
    await sealer.write('a.seal', utf8('content'))
    const first = blobs.files.get('a.seal') as Uint8Array
    expect(await sealer.read('a.seal')).toEqual(utf8('content'))
    await sealer.write('a.seal', utf8('content'))
    expect(bytesEqual(first, blobs.files.get('a.seal') as Uint8Array)).toBe(false)
    expect(await sealer.read('b.seal')).toBeUndefined()
  })

  test('with any bit changed, any byte missing or one more is refused with a SEAL_ code', async () => {
    const { blobs, sealer } = await world()
    await sealer.write('a.seal', utf8('content'))
    const file = (blobs.files.get('a.seal') as Uint8Array).slice()
    const seen = new Set<string>()
    const refuse = async (bytes: Uint8Array): Promise<void> => {
      blobs.files.set('a.seal', bytes)
      const code = await codeOf(sealer.read('a.seal'))
      expect(code).toMatch(/^SEAL_/)
      seen.add(code)
    }
    for (let at = 0; at < file.length; at++) {
      for (let bit = 0; bit < 8; bit++) await refuse(file.map((byte, i) => (i === at ? byte ^ (1 << bit) : byte)))
      await refuse(file.slice(0, at))
    }
    await refuse(new Uint8Array([...file, 0]))
    expect([...seen].sort()).toEqual(['SEAL_FOREIGN', 'SEAL_MALFORMED', 'SEAL_TAMPERED', 'SEAL_VERSION_UNSUPPORTED'])
  })

  test('does not open under another name, for other code or on another machine', async () => {
    const { blobs, sealer } = await world()
    await sealer.write('a.seal', utf8('content'))
    const file = blobs.files.get('a.seal') as Uint8Array
    blobs.files.set('b.seal', file)
    expect(await codeOf(sealer.read('b.seal'))).toBe('SEAL_FOREIGN')
    const otherCode = await world({ measurement: new Uint8Array(32).fill(1) })
    otherCode.blobs.files.set('a.seal', file)
    expect(await codeOf(otherCode.sealer.read('a.seal'))).toBe('SEAL_FOREIGN')
    const otherMachine = await world({ secret: 'another' })
    otherMachine.blobs.files.set('a.seal', file)
    expect(await codeOf(otherMachine.sealer.read('a.seal'))).toBe('SEAL_TAMPERED')
  })
})

describe('files on disk', () => {
  test('are written whole, readable by nobody else, and leave nothing beside them', async () => {
    const path = join(folder, 'blobs')
    const store = await openDiskBlobStore(path)
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.write('a.seal', new Uint8Array(1000).fill(i))))
    expect(await store.read('a.seal')).toEqual(new Uint8Array(1000).fill(19))
    expect((await stat(join(path, 'a.seal'))).mode & 0o777).toBe(0o600)
    expect(await store.read('none')).toBeUndefined()
    const { ino } = await stat(join(path, 'a.seal'))
    const handle = await openFile(join(path, 'a.seal'))
    await store.write('a.seal', new Uint8Array(1000).fill(19))
    expect((await stat(join(path, 'a.seal'))).ino).not.toBe(ino)
    expect((await handle.readFile()).length).toBe(1000)
    await handle.close()
    await writeFile(join(path, 'a.seal.tmp'), 'cut off by a crash')
    expect(await (await openDiskBlobStore(path)).read('a.seal')).toEqual(new Uint8Array(1000).fill(19))
    expect(await readdir(path)).toEqual(['a.seal'])
    await store.remove('a.seal')
    await store.remove('a.seal')
    expect(await readdir(path)).toEqual([])
  })

  test.each(['', '..', '../a', 'a/b', 'A', 'a.tmp', '.hidden'])('may not be called "%s"', async (name) => {
    const store = await openDiskBlobStore(join(folder, 'names'))
    expect(await codeOf(store.write(name, new Uint8Array(1)))).toBe('WORKER_BLOB_NAME_INVALID')
  })
})

describe('the benchmark', () => {
  test('extends a sample over the time asked for, at least a second, and counts only while it runs', () => {
    const clock = createTestClock()
    let high = 0
    const benchmark = createBenchmark({ clock, highResolutionMs: () => (high += 0.625) })
    expect(benchmark.measure(2000n)).toBe(200n)
    expect(benchmark.measure(10n)).toBe(100n)
    expect(benchmark.take()).toBe(0n)
    benchmark.start()
    clock.advance(500)
    expect(benchmark.take()).toBe(50n)
    expect(benchmark.take()).toBe(0n)
    benchmark.stop()
    clock.advance(500)
    expect(benchmark.take()).toBe(0n)
  })
})
