/** Owns what every platform must do, as a list of checks that a test runs against an implementation. Knows no test framework. */
import { OptionalAttestationReport } from '@phalanx/attestation'
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { REPORT_DATA_BYTES, type Platform } from './platform.ts'

/** Ways to open the platform under test. */
export interface PlatformUnderTest {
  /** Whether the machine offers a sealing key; without one every start is a new identity. */
  readonly sealing: 'bound' | 'ephemeral'
  /** The same code on the same machine, as after a restart. */
  open(): Promise<Platform>
  /** Other code on the same machine. */
  openOtherCode(): Promise<Platform>
  /** The same code on another machine. */
  openOtherMachine(): Promise<Platform>
  /** Report data of evidence that was verified as the chain verifies it. */
  verify(platform: Platform, evidence: Uint8Array, nowMs: bigint): Promise<Uint8Array>
}

/** One requirement. */
export interface ComplianceCheck {
  readonly name: string
  run(subject: PlatformUnderTest): Promise<void>
}

const NOW_MS = 1_800_000_000_000n

const dataOf = (fill: number): Uint8Array => new Uint8Array(REPORT_DATA_BYTES).map((_, i) => (fill + i) & 0xff)

const sealingKeyOf = (platform: Platform): Promise<Uint8Array> => {
  assert(platform.sealingKey !== undefined, 'a bound platform has a sealing key')
  return platform.sealingKey()
}

/** The requirements; run each as a test of its own. */
export const platformCompliance: readonly ComplianceCheck[] = [
  {
    name: 'names itself, its provider and its measurement',
    async run(subject) {
      const platform = await subject.open()
      assert(/^[a-z][a-z0-9-]*$/.test(platform.name), 'a name is lower case')
      assert(platform.measurement.length >= 32, 'a measurement has at least 32 bytes')
      assert(JSON.parse(platform.provider) !== null, 'evidence has a provider')
      assert(platform.features.length === 2, 'features are cores and level')
    },
  },
  {
    name: 'offers a sealing key exactly where it says so',
    async run(subject) {
      const platform = await subject.open()
      assert((platform.sealingKey === undefined) === (subject.sealing === 'ephemeral'), 'a sealing key is there, or the identity is ephemeral')
    },
  },
  {
    name: 'gives the same sealing key after a restart, in an array of its own',
    async run(subject) {
      if (subject.sealing === 'ephemeral') return
      const first = await sealingKeyOf(await subject.open())
      const copy = first.slice()
      first.fill(0)
      assert(copy.length === 32, 'a sealing key has 32 bytes')
      assert(bytesEqual(copy, await sealingKeyOf(await subject.open())), 'a sealing key is stable')
    },
  },
  {
    name: 'gives other code and other machines other sealing keys',
    async run(subject) {
      if (subject.sealing === 'ephemeral') return
      const key = await sealingKeyOf(await subject.open())
      assert(!bytesEqual(key, await sealingKeyOf(await subject.openOtherCode())), 'a sealing key is bound to the measurement')
      assert(!bytesEqual(key, await sealingKeyOf(await subject.openOtherMachine())), 'a sealing key is bound to the machine')
    },
  },
  {
    name: 'names other code by another measurement, and the same code on another machine by the same',
    async run(subject) {
      const { measurement } = await subject.open()
      assert(!bytesEqual(measurement, (await subject.openOtherCode()).measurement), 'other code has another measurement')
      assert(bytesEqual(measurement, (await subject.openOtherMachine()).measurement), 'a measurement says nothing of the machine')
    },
  },
  {
    name: 'makes evidence that verifies and carries exactly the report data',
    async run(subject) {
      const platform = await subject.open()
      for (const fill of [1, 200]) {
        const evidence = await platform.quote({ reportData: dataOf(fill), nowMs: NOW_MS })
        assert(OptionalAttestationReport.decode(evidence) !== undefined, 'evidence is never None')
        assert(bytesEqual(await subject.verify(platform, evidence, NOW_MS), dataOf(fill)), 'evidence carries the report data')
      }
    },
  },
  {
    name: 'keeps requests that come together apart',
    async run(subject) {
      const platform = await subject.open()
      const fills = [3, 4, 5, 6]
      const all = await Promise.all(fills.map((fill) => platform.quote({ reportData: dataOf(fill), nowMs: NOW_MS })))
      for (const [i, evidence] of all.entries()) assert(bytesEqual(await subject.verify(platform, evidence, NOW_MS), dataOf(fills[i] as number)), 'each request gets its own evidence')
    },
  },
]
