/** Owns what the tests of PhalaMq and PhalaRegistry share: a chain with both, a simulated vendor, workers that sign. For tests only. */
import { type AttestationReport } from '@phalanx/attestation'
import { createSimulatedVendor, type CollateralOptions, type PlatformOptions, type QuoteOptions } from '@phalanx/attestation/simulated'
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import {
  createMessage, messageSigningPayload, WorkerRegistrationInfoV2, type SignedMessage, type TopicOf,
} from '@phalanx/primitives/messages'
import type { RuntimeCall } from '../../frame/context.ts'
import { createTestChain, devAccount, type TestChain } from '../../frame/testing.ts'
import { phalaMq } from '../phala-mq/pallet.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { phalaRegistry } from './pallet.ts'

const SEED = new Uint8Array(32).fill(7)
const START_MS = 1_760_000_000_000n

/** A registration call with one thing changed. */
export interface RegistrationOptions {
  readonly info?: Partial<WorkerRegistrationInfoV2>
  /** Info that the evidence is made for, where it differs from the info handed in. */
  readonly attested?: Partial<WorkerRegistrationInfoV2>
  readonly platform?: Partial<PlatformOptions>
  readonly quote?: Partial<QuoteOptions>
  readonly nowSeconds?: number
  /** Fills the second half of the report data. */
  readonly salt?: number
  /** The second half of the report data: hash of the block that the worker saw last. */
  readonly anchor?: Uint8Array
  /** Platform family of the machine; that of the testbed's vendor unless given. */
  readonly family?: Uint8Array
  /** Collateral that comes with the evidence: other options for it, or none. */
  readonly collateral?: Partial<CollateralOptions> | 'none'
}

/** A worker of the tests. */
export interface TestWorker {
  readonly pubkey: Uint8Array
  readonly secret: Uint8Array
  readonly ecdhPubkey: Uint8Array
}

/** Starts the test world; the simulated vendor's root is pinned and its code's measurement admitted unless told otherwise. */
export const createRegistryTestbed = (crypto: Crypto, options: { readonly simulated?: boolean; readonly genesis?: object; readonly measurements?: readonly string[]; readonly policy?: object } = {}) => {
  const vendor = createSimulatedVendor({ seed: SEED, crypto })
  const report = { mrEnclave: new Uint8Array(32).fill(1), mrSigner: new Uint8Array(32).fill(2) }
  const measurement = new Uint8Array([...report.mrEnclave, 0, 0, 0, 0, ...report.mrSigner])
  const chain: TestChain = createTestChain(
    {
      pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 40, pallet: phalaMq }, { index: 41, pallet: phalaRegistry }],
      simulated: options.simulated ?? true,
      timeMs: START_MS,
      genesis: {
        PhalaRegistry: {
          kinds: [vendor.evidence({ platform: vendor.platform({ id: 'any' }), quote: { report, reportData: SEED }, nowSeconds: Number(START_MS / 1000n) }).kind],
          roots: [toHex(vendor.rootCertificate)],
          measurements: options.measurements ?? [toHex(measurement)],
          policy: { admitUnanchored: true, ...options.policy },
          ...options.genesis,
        },
      },
    },
    { crypto },
  )
  const worker = (name: string): TestWorker => {
    const { publicKey, secret } = devAccount(crypto, name)
    return { pubkey: publicKey, secret, ecdhPubkey: devAccount(crypto, `${name}-ecdh`).publicKey }
  }
  const infoOf = (who: TestWorker, changes: Partial<WorkerRegistrationInfoV2> = {}): WorkerRegistrationInfoV2 => ({
    version: 1, machineId: new Uint8Array(0), pubkey: who.pubkey, ecdhPubkey: who.ecdhPubkey, genesisBlockHash: chain.genesisHash,
    features: [4, 1], operator: undefined, paraId: 0, maxConsensusVersion: 0, ...changes,
  })
  const vendorOf = (family: Uint8Array | undefined) => (family === undefined ? vendor : createSimulatedVendor({ seed: SEED, family, crypto }))
  const evidence = (info: Uint8Array, change: RegistrationOptions = {}): AttestationReport => {
    const reportData = new Uint8Array(64).fill(change.salt ?? 0)
    reportData.set(crypto.blake2b256(info))
    if (change.anchor !== undefined) reportData.set(change.anchor, 32)
    const own = vendorOf(change.family)
    const nowSeconds = change.nowSeconds ?? Number(START_MS / 1000n)
    const platform = own.platform({ id: 'machine', ...change.platform })
    const made = own.evidence({ platform, quote: { report, reportData, ...change.quote }, nowSeconds })
    if (change.collateral === undefined) return made
    const collateral = change.collateral === 'none' ? undefined : own.collateral({ nowSeconds, authority: platform.authority, ...change.collateral })
    return { ...made, value: { ...made.value, collateral } } as AttestationReport
  }
  const registration = (who: TestWorker, change: RegistrationOptions = {}): RuntimeCall => {
    const info = infoOf(who, change.info)
    const attested = WorkerRegistrationInfoV2.encode(infoOf(who, { ...change.info, ...change.attested }))
    return phalaRegistry.call('registerWorkerV2', { pruntimeInfo: info, attestation: evidence(attested, change) })
  }
  const signedMessage = <T>(who: TestWorker, to: TopicOf<T>, payload: T, sequence: bigint): SignedMessage => {
    const message = createMessage({ kind: 'Worker', value: who.pubkey }, to, payload)
    return { message, sequence, signature: crypto.sr25519.sign(who.secret, messageSigningPayload(message, sequence), SEED) }
  }
  return { chain, vendor, vendorOf, measurement, report, worker, infoOf, registration, signedMessage, evidence }
}
