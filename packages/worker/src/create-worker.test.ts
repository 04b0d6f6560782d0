import { beforeAll, describe, expect, test } from 'vitest'
import { OptionalAttestationReport, createPolicy, evaluateRegistration } from '@phalanx/attestation'
import { bytesEqual, concatBytes, toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Crypto } from '@phalanx/primitives/crypto'
import { silentLogger } from '@phalanx/primitives/ports'
import { TOPICS, WorkerRegistrationInfoV2, createMessage, palletOrigin, messageSigningPayload } from '@phalanx/primitives/messages'
import { EgressMessages } from './core/mq.ts'
import { createWorker, type Worker } from './create-worker.ts'
import { createSoftwarePlatform, softwareMeasurement, softwareRootCertificate } from './platform/software.ts'
import { createMemoryBlobStore, createTestBenchmark, createTestChain, createTestClock, createTestRandom, type MemoryBlobStore } from './testing.ts'
import { createWorkerClient, type WorkerClient } from './wire/index.ts'
import { encodeMessage } from './wire/protobuf.ts'
import { PrpcError } from './api/index.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const clientOf = (worker: Worker): WorkerClient =>
  createWorkerClient(async (path, body) => {
    try {
      return { status: 200, body: await worker.handle(path.slice('/prpc/'.length), body) }
    } catch (error) {
      return { status: 500, body: encodeMessage(PrpcError, { message: (error as Error).message }) }
    }
  })

let starts = 0
const start = async (blobs: MemoryBlobStore, options: { measurement?: Uint8Array } = {}): Promise<{ worker: Worker; client: WorkerClient }> => {
  const random = createTestRandom(crypto, `start ${starts++}`)
  const platform = await createSoftwarePlatform(options, { crypto, blobs, random })
  const worker = await createWorker({}, { platform, blobs, random, crypto, clock: createTestClock(), logger: silentLogger, benchmark: createTestBenchmark() })
  return { worker, client: clientOf(worker) }
}

const init = (client: WorkerClient, genesis: Uint8Array) =>
  client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: genesis, encodedGenesisState: new Uint8Array(0), isParachain: false })

describe('a worker from start to registration', () => {
  test('generates keys, follows blocks, attests, registers and anchors its key', async () => {
    const { worker, client } = await start(createMemoryBlobStore())
    const chain = createTestChain(crypto)
    expect(worker.status().state).toBe('unsealed')
    const first = await init(client, chain.genesisInfo)
    expect(first.attestation).toBeUndefined()
    expect(worker.status().state).toBe('initialised')
    const info = WorkerRegistrationInfoV2.decode(first.encodedRuntimeInfo)
    expect(bytesEqual(info.pubkey, info.ecdhPubkey)).toBe(false)
    chain.add()
    expect(await client.PhalanxAPI.FeedBlocks({ encodedBlocks: chain.feed(1) })).toEqual({ syncedTo: 1 })

    const attested = await client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: false })
    const report = OptionalAttestationReport.decode(attested.attestation?.encodedReport ?? new Uint8Array(0))
    const outcome = evaluateRegistration({
      report, commit: concatBytes(crypto.blake2b256(attested.encodedRuntimeInfo), chain.head.hash), crypto, nowSeconds: Number(chain.head.timeMs / 1000n),
      policy: createPolicy({ simulated: true, kinds: ['SgxDcap'], roots: [softwareRootCertificate(crypto)] }),
    })
    expect(outcome.ok).toBe(true)

    const registry = palletOrigin('PhalaRegistry')
    chain.add({
      messages: [
        createMessage(registry, TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey: info.pubkey, event: { kind: 'Registered', value: { confidenceLevel: 1 } } } }),
        createMessage(registry, TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey: info.pubkey, event: { kind: 'BenchStart', value: { duration: 2 } } } }),
        createMessage(registry, TOPICS.registryNotice, { kind: 'EcdhKeyAnchored', value: { pubkey: info.pubkey, epoch: 0n, ecdhPubkey: info.ecdhPubkey } }),
      ],
    })
    await client.PhalanxAPI.FeedBlocks({ encodedBlocks: chain.feed(2) })
    expect(worker.status()).toMatchObject({ state: 'registered', serving: true })
    chain.add()
    chain.add()
    await client.PhalanxAPI.FeedBlocks({ encodedBlocks: chain.feed(3) })
    await worker.handle('PhalanxAPI.Status', new Uint8Array(0))
    const [entry] = EgressMessages.decode((await client.PhactoryAPI.GetEgressMessages({})).encodedMessages)
    const message = entry?.[1][0]
    expect(message?.sequence).toBe(0n)
    expect(TOPICS.registryEvent.payload.decode(message?.message.payload as Uint8Array)).toEqual({
      kind: 'BenchReport', value: { startTime: 1_800_000_002_000n, iterations: 200n },
    })
    expect(crypto.sr25519.verify(message?.signature as Uint8Array, messageSigningPayload(message?.message as never, 0n), info.pubkey)).toBe(true)
    const got = await client.PhactoryAPI.GetInfo({})
    expect(got).toMatchObject({ initialized: true, registered: true, headernum: 5, blocknum: 5, stateRoot: '00'.repeat(32), publicKey: toHexPlain(info.pubkey), ecdhPublicKey: toHexPlain(info.pubkey) })
    expect((await client.PhalanxAPI.Status({})).measurement).toBe(toHex(softwareMeasurement(crypto)))
  })
})
