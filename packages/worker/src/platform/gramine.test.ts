import { beforeAll, describe, expect, test } from 'vitest'
import { OptionalAttestationReport, createPolicy, evaluateRegistration } from '@phalanx/attestation'
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOfRejection as codeOf } from '@phalanx/primitives/testing'
import { createEnclaveFiles, noDeviceFiles, noGuestSocket } from '../testing/devices.ts'
import { createMemoryBlobStore, createTestRandom } from '../testing.ts'
import { platformCompliance, type Platform, type PlatformUnderTest } from './index.ts'
import { gramine } from './gramine.ts'
import type { DeviceFiles } from './platform.ts'
import { softwareVendor } from './software.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

/** Files of an enclave on a machine of the simulated vendor. */
const enclave = (options: { readonly code?: number; readonly machine?: string } = {}): DeviceFiles => {
  const { code = 1, machine = 'one' } = options
  const platform = softwareVendor(crypto).platform({ id: machine })
  const mrEnclave = new Uint8Array(32).fill(code)
  return createEnclaveFiles({
    quote: (reportData) => platform.quote({ report: { mrEnclave, mrSigner: new Uint8Array(32).fill(9) }, reportData }),
    key: platform.sealingKey(mrEnclave).slice(0, 16),
  })
}

const openWith = (files: DeviceFiles): Promise<Platform> =>
  gramine.open({ crypto, files, socket: noGuestSocket, blobs: createMemoryBlobStore(), random: createTestRandom(crypto, 'gramine') })

describe('an enclave run by Gramine', () => {
  const subject: PlatformUnderTest = {
    sealing: 'bound',
    open: () => openWith(enclave()),
    openOtherCode: () => openWith(enclave({ code: 2 })),
    openOtherMachine: () => openWith(enclave({ machine: 'two' })),
    verify(platform, evidence, nowMs) {
      const report = OptionalAttestationReport.decode(evidence)
      assert(report?.kind === 'SgxDcap', 'evidence is a quote')
      const nowSeconds = Number(nowMs / 1000n)
      const vendor = softwareVendor(crypto)
      const complete = { kind: report.kind, value: { ...report.value, collateral: vendor.collateral({ nowSeconds }) } }
      const reportData = report.value.quote.slice(48 + 320, 48 + 384)
      const outcome = evaluateRegistration({ report: complete, commit: reportData, crypto, nowSeconds, policy: createPolicy({ simulated: true, kinds: ['SgxDcap'], roots: [vendor.rootCertificate] }) })
      assert(outcome.ok && bytesEqual(outcome.measurement, platform.measurement), 'evidence verifies and names the measurement')
      return Promise.resolve(reportData)
    },
  }
  test.each(platformCompliance)('$name', ({ run }) => run(subject))

  test('knows its cores and vector instructions', async () => {
    expect((await openWith(enclave())).features).toEqual([2, 2])
  })

  test('is refused outside of an enclave, with the file that is missing', async () => {
    await expect(openWith(noDeviceFiles)).rejects.toMatchObject({ code: 'PLATFORM_DEVICE_FAILED', context: { device: '/dev/attestation/attestation_type', reason: 'ENOENT' } })
  })

  test('is refused where the manifest switches attestation off', async () => {
    expect(await codeOf(openWith(createEnclaveFiles({ quote: () => new Uint8Array(0), key: new Uint8Array(16), attestationType: 'none' })))).toBe('PLATFORM_ANSWER_INVALID')
  })

  test('is refused when the quote is empty, cut or no quote', async () => {
    const whole = await enclave().read('/dev/attestation/quote', 1 << 20)
    for (const quote of [new Uint8Array(0), whole.slice(0, 100), whole.slice(0, -1), new Uint8Array(5000), new Uint8Array(100_000)]) {
      expect(await codeOf(openWith(createEnclaveFiles({ quote: () => quote, key: new Uint8Array(16).fill(1) })))).toMatch(/^PLATFORM_/)
    }
  })

  test('refuses a quote that was made for other data', async () => {
    const stuck = await enclave().read('/dev/attestation/quote', 1 << 20)
    const platform = await openWith(createEnclaveFiles({ quote: () => stuck, key: new Uint8Array(16).fill(1) }))
    expect(await codeOf(platform.quote({ reportData: new Uint8Array(64).fill(7), nowMs: 0n }))).toBe('PLATFORM_ANSWER_INVALID')
  })

  test('refuses a sealing key of zeros or of another length', async () => {
    for (const key of [new Uint8Array(16), new Uint8Array(15).fill(1), new Uint8Array(17).fill(1), new Uint8Array(0)]) {
      const files = enclave()
      const platform = await openWith({ ...files, read: (path, max) => (path.includes('/keys/') ? createEnclaveFiles({ quote: () => key, key }).read(path, max) : files.read(path, max)) })
      expect(await codeOf(platform.sealingKey?.() ?? Promise.resolve())).toMatch(/^PLATFORM_/)
    }
  })
})
