/** A worker hands its identity to a newer code over the real methods, beside the real chain; every stranger, liar and crash on the way. */
import { beforeEach, describe, expect, test } from 'vitest'
import { TEE_KIND_NAMES } from '@phalanx/attestation'
import { concatBytes, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { ByteReader } from '@phalanx/primitives/codec'
import { AdmissionProof, Header } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger } from '@phalanx/primitives/ports'
import { OptionalAttestationReport } from '@phalanx/attestation'
import { WorkerRegistrationInfoV2, type SignedMessage } from '@phalanx/primitives/messages'
import { handOver } from '@phalanx/sdk'
import { createWorker, type Worker } from '@phalanx/worker'
import type { HandoverChallengeResponse, HandoverWorkerKey } from '@phalanx/worker/api'
import { createSoftwarePlatform, softwareRootCertificate, softwareSigner } from '@phalanx/worker/platform'
import { createDirectClient, createMemoryBlobStore, createTestBenchmark, createTestClock, createTestRandom, EgressMessages, type MemoryBlobStore } from '@phalanx/worker/testing'
import { createRealChain, type RealChain } from './real-chain.ts'

const crypto = await loadCrypto()
const codeOf = (name: string): Uint8Array => crypto.sha256(utf8(name))
const runtimeHash = (code: Uint8Array): Uint8Array => concatBytes(code, new Uint8Array(4), softwareSigner(crypto))
const OLD = codeOf('old code')
const NEW = codeOf('new code')
const SAME_AGE = codeOf('code admitted together with the old one')

let chain: RealChain
let seeds = 0

/** A worker on a disk, as one process after another. */
const place = (measurement: Uint8Array, blobs: MemoryBlobStore = createMemoryBlobStore()) => {
  const here = {
    blobs,
    worker: undefined as unknown as Worker,
    client: undefined as unknown as ReturnType<typeof createDirectClient>,
    async start(): Promise<void> {
      const random = createTestRandom(crypto, `handover ${seeds++}`)
      const platform = await createSoftwarePlatform({ measurement }, { crypto, blobs, random })
      here.worker = await createWorker({}, { platform, blobs, random, crypto, clock: createTestClock(), logger: silentLogger, benchmark: createTestBenchmark() })
      here.client = createDirectClient(here.worker)
    },
    async sync(): Promise<void> {
      const { blocknum } = await here.client.PhactoryAPI.GetInfo({})
      if (blocknum <= chain.height()) await here.client.PhalanxAPI.FeedBlocks({ encodedBlocks: await chain.blocks(chain.height(), blocknum) })
    },
    /** Delivers what the worker has to say, seals a block and feeds it. */
    async relay(rounds = 1): Promise<void> {
      for (let i = 0; i < rounds; i++) {
        const { encodedMessages } = await here.client.PhactoryAPI.GetEgressMessages({})
        for (const [, messages] of EgressMessages.decode(encodedMessages))
          for (const signedMessage of messages) await chain.submit({ pallet: 'PhalaMq', name: 'syncOffchainMessage', args: { signedMessage } }).catch(() => undefined)
        await chain.seal()
        await here.sync()
      }
    },
  }
  return here
}
type Place = ReturnType<typeof place>

const begin = async (worker: Place, checkpoint?: Uint8Array): Promise<unknown> =>
  worker.client.PhactoryAPI.InitRuntime({
    skipRa: false, encodedGenesisInfo: chain.genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false, ...(checkpoint === undefined ? {} : { encodedCheckpoint: checkpoint }),
  })

const register = async (worker: Place): Promise<void> => {
  const { encodedRuntimeInfo, attestation } = await worker.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: false })
  await chain.submit({
    pallet: 'PhalaRegistry', name: 'registerWorkerV2',
    args: { pruntimeInfo: WorkerRegistrationInfoV2.read(new ByteReader(encodedRuntimeInfo)), attestation: OptionalAttestationReport.decode(attestation?.encodedReport as Uint8Array) },
  })
  await worker.relay(4)
}

/** What whoever arranges a handover fetches from a node. */
const admission = async (): Promise<{ readonly encodedHeader: Uint8Array; readonly proof: readonly Uint8Array[] }> => {
  const { header, proof } = AdmissionProof.decode(parseHex(await chain.ask('phalanx_getAdmission', [])))
  return { encodedHeader: Header.encode(header), proof }
}

const node = () => ({
  admission: async () => parseHex(await chain.ask('phalanx_getAdmission', [])), genesisInfo: () => Promise.resolve(chain.genesisInfo),
  checkpoint: (worker: Uint8Array | undefined) => chain.checkpoint(worker),
})

let old: Place
let identity: Uint8Array

beforeEach(async () => {
  chain = await createRealChain(crypto, 4, { kinds: [...TEE_KIND_NAMES], roots: [toHex(softwareRootCertificate(crypto))], measurements: [toHex(runtimeHash(OLD)), toHex(runtimeHash(SAME_AGE))] })
  old = place(OLD)
  await old.start()
  await begin(old)
  await old.sync()
  await register(old)
  identity = old.worker.identity() as Uint8Array
  await chain.asRoot({ pallet: 'PhalaRegistry', name: 'addPruntime', args: { pruntimeHash: runtimeHash(NEW) } })
  await old.relay()
})

const request = async (to: Place): Promise<HandoverChallengeResponse> => {
  const answer = await to.client.PhactoryAPI.HandoverAcceptChallenge(await old.client.PhactoryAPI.HandoverCreateChallenge({}))
  return { ...answer, ...(await admission()) }
}
const addressed = async (parcel: HandoverWorkerKey): Promise<HandoverWorkerKey> =>
  ({ ...parcel, encodedGenesisInfo: chain.genesisInfo, encodedCheckpoint: await chain.checkpoint(identity), proof: (await admission()).proof })
const successor = async (code = NEW): Promise<Place> => {
  const to = place(code)
  await to.start()
  return to
}
const refusal = (what: string) => ({ context: { code: 'WORKER_HANDOVER_REFUSED', text: expect.stringContaining(what) } })

describe('a handover', () => {
  test('moves the identity, stops the old worker for good and leaves nothing of it on its disk', async () => {
    expect(old.worker.status()).toMatchObject({ state: 'registered', serving: true })
    const to = await successor()
    const parcel = await old.client.PhactoryAPI.HandoverStart(await request(to))
    expect(old.worker.status()).toMatchObject({ state: 'halted', serving: false })
    await expect(old.client.PhalanxAPI.FeedBlocks({ encodedBlocks: await chain.blocks(1) })).rejects.toMatchObject({ context: { code: 'WORKER_HALTED' } })
    const receipt = await to.client.PhactoryAPI.HandoverReceive(await addressed(parcel))
    await old.client.PhalanxAPI.HandoverFinish(receipt)
    expect(to.worker.identity()).toEqual(identity)
    expect([...to.blobs.files.keys()].includes('handover.seal')).toBe(false)
    expect([...old.blobs.files.keys()].filter((name) => name.endsWith('.seal'))).toEqual(['retired.seal'])

    await begin(to, await chain.checkpoint(identity))
    await register(to)
    await to.relay(3)
    expect(to.worker.status()).toMatchObject({ state: 'registered', serving: true })
    await old.start()
    expect(old.worker.status().state).toBe('halted')
    await expect(begin(old)).rejects.toMatchObject({ context: { code: 'WORKER_HANDED_OVER' } })
  }, 30_000)

  test('is carried by the SDK in one call', async () => {
    const to = await successor()
    await handOver({ from: old.client, to: to.client }, { node: node() })
    expect([to.worker.identity(), old.worker.identity()]).toEqual([identity, undefined])
  }, 30_000)

  test('goes on where the workers stand when it is carried again', async () => {
    const to = await successor()
    await old.client.PhactoryAPI.HandoverStart(await request(to))
    await old.client.PhactoryAPI.TakeCheckpoint({})
    await old.start()
    await to.start()
    await expect(handOver({ from: old.client, to: (await successor()).client }, { node: node() })).rejects.toMatchObject(refusal('given to another worker'))
    const parcel = await old.client.PhactoryAPI.HandoverStart({ encodedChallengeHandler: new Uint8Array(0), encodedHeader: new Uint8Array(0), proof: [] })
    await to.client.PhactoryAPI.HandoverReceive(await addressed(parcel))
    // The receipt was lost, and the successor runs already.
    await begin(to, await chain.checkpoint(identity))
    await handOver({ from: old.client, to: to.client }, { node: node() })
    expect([to.worker.identity(), old.worker.identity()]).toEqual([identity, undefined])
  }, 30_000)

  test('outlives a crash of either side at any point', async () => {
    const to = await successor()
    const asked = await request(to)
    await to.start()
    await old.client.PhactoryAPI.HandoverStart(asked)
    // The answer is lost with the giver: started again it is still stopped, and gives the same parcel to the same successor.
    await old.client.PhactoryAPI.TakeCheckpoint({})
    await old.start()
    expect(old.worker.status().state).toBe('halted')
    const parcel = await old.client.PhactoryAPI.HandoverStart(asked)
    await to.client.PhactoryAPI.HandoverReceive(await addressed(parcel))
    await to.start()
    const receipt = await to.client.PhactoryAPI.HandoverReceive(await addressed(parcel))
    await old.client.PhalanxAPI.HandoverFinish(receipt)
    await old.client.PhalanxAPI.HandoverFinish(receipt)
    expect([to.worker.identity(), old.worker.identity()]).toEqual([identity, undefined])
  }, 30_000)
})

describe('the giver refuses', () => {
  const give = async (to: Place, change: Partial<HandoverChallengeResponse> = {}): Promise<unknown> => old.client.PhactoryAPI.HandoverStart({ ...(await request(to)), ...change })

  test('code that was not admitted, or not later than its own', async () => {
    await expect(give(await successor(codeOf('unlisted')))).rejects.toMatchObject(refusal('evidence does not pass'))
    await expect(give(await successor(SAME_AGE))).rejects.toMatchObject(refusal('not after block'))
    await expect(give(await successor(OLD))).rejects.toMatchObject(refusal('not after block'))
    expect(old.worker.status().serving).toBe(true)
  }, 30_000)

  test('evidence of another request, none at all, rules that are not proven, and old challenges', async () => {
    const [to, other] = [await successor(), await successor()]
    const theirs = await other.client.PhactoryAPI.HandoverAcceptChallenge(await old.client.PhactoryAPI.HandoverCreateChallenge({}))
    await expect(give(to, { attestation: theirs.attestation })).rejects.toMatchObject(refusal('evidence does not pass'))
    await expect(give(to, { attestation: undefined })).rejects.toMatchObject({ context: { status: 500 } })
    await expect(give(to, { proof: [] })).rejects.toMatchObject(refusal('not proven'))
    const unknown = Header.encode({ ...Header.decode((await admission()).encodedHeader), extrinsicsRoot: NEW })
    await expect(give(to, { encodedHeader: unknown })).rejects.toMatchObject(refusal('not among the last ones'))
    await expect(old.client.PhactoryAPI.HandoverStart({ ...theirs, ...(await admission()) })).rejects.toMatchObject(refusal('last challenge'))
    expect(old.worker.status().serving).toBe(true)
  }, 30_000)

  test('a second successor, and receipts that the identity did not sign', async () => {
    const to = await successor()
    await old.client.PhactoryAPI.HandoverStart(await request(to))
    await expect(give(await successor())).rejects.toMatchObject(refusal('given to another worker'))
    await expect(old.client.PhalanxAPI.HandoverFinish({ signature: new Uint8Array(64) })).rejects.toMatchObject(refusal('not signed'))
    expect(old.worker.identity()).toEqual(identity)
  }, 30_000)
})

describe('the successor refuses', () => {
  test('parcels that were altered, belong to others or come from code it cannot check', async () => {
    const to = await successor()
    const honest = await addressed(await old.client.PhactoryAPI.HandoverStart(await request(to)))
    const altered = honest.encodedWorkerKey.slice()
    altered[altered.length - 1] = (altered[altered.length - 1] as number) ^ 1
    await expect(to.client.PhactoryAPI.HandoverReceive({ ...honest, encodedWorkerKey: altered })).rejects.toMatchObject(refusal('evidence does not pass'))
    await expect(to.client.PhactoryAPI.HandoverReceive({ ...honest, attestation: undefined })).rejects.toMatchObject({ context: { status: 500 } })
    await expect(to.client.PhactoryAPI.HandoverReceive({ ...honest, proof: [] })).rejects.toMatchObject(refusal('not proven'))
    await expect(to.client.PhactoryAPI.HandoverReceive({ ...honest, encodedCheckpoint: await chain.checkpoint(undefined) })).rejects.toMatchObject({ context: { code: 'LIGHT_CHECKPOINT_WORKER' } })
    await expect((await successor()).client.PhactoryAPI.HandoverReceive(honest)).rejects.toMatchObject(refusal('accepted no challenge'))
    expect(to.worker.identity()).toBeUndefined()
  }, 30_000)

  test('an identity where it has one, and a chain of its own while it waits for one', async () => {
    const to = await successor()
    await request(to)
    await expect(begin(to)).rejects.toMatchObject(refusal('waits for an identity'))
    await expect(old.client.PhactoryAPI.HandoverAcceptChallenge({ encodedChallenge: new Uint8Array(3) })).rejects.toMatchObject({ context: { code: 'WORKER_ALREADY_INITIALIZED' } })
    await expect((await successor()).client.PhactoryAPI.HandoverCreateChallenge({})).rejects.toMatchObject({ context: { code: 'WORKER_UNINITIALIZED' } })
  }, 30_000)
})

test('messages of the successor go on where those of the old worker ended', async () => {
  await old.client.PhalanxAPI.RotateEcdhKey({})
  await old.relay(2)
  const to = await successor()
  const parcel = await old.client.PhactoryAPI.HandoverStart(await request(to))
  await old.client.PhalanxAPI.HandoverFinish(await to.client.PhactoryAPI.HandoverReceive(await addressed(parcel)))
  await begin(to, await chain.checkpoint(identity))
  const [[, [first]]] = EgressMessages.decode((await to.client.PhactoryAPI.GetEgressMessages({})).encodedMessages) as [[unknown, [SignedMessage]]]
  expect(first.sequence).toBeGreaterThan(0n)
}, 30_000)
