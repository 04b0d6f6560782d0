/** Fuzz targets of @phalanx/worker: feeds, genesis information, protobuf and JSON requests, sealed files, checkpoints. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { TOPICS, createMessage, palletOrigin } from '@phalanx/primitives/messages'
import { workerApi, type MessageSchema, type Method } from '@phalanx/worker/api'
import { createTestChain, createTestFeeder, decodeCheckpoint, openBytes, sealBytes, startAt } from '@phalanx/worker/testing'
import { decodeJson, decodeMessage, encodeJson, encodeMessage } from '@phalanx/worker/wire'
import type { FuzzTarget } from './fuzzer.ts'

const crypto = await loadCrypto()
const chain = createTestChain(crypto)
const notice = createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, { kind: 'MinimumVersion', value: [0, 0, 1] })
chain.add({ messages: [notice] })
chain.add({ justify: false, acks: [{ sender: palletOrigin('x'), next: 3n }] })
chain.add({ nextAuthorities: [crypto.sha256(utf8('next'))] })
chain.add({ messages: [notice, notice] })
const feeder = createTestFeeder(crypto, chain)

/** Checkpoints after each honest prefix: a feed that is accepted must lead to one of them, or let its blocks wait. */
const honest = [1, 3, 4].map((to) => feeder.preview(chain.feed(1, to)))

const feed: FuzzTarget = {
  name: 'worker.feed',
  seeds: [chain.feed(1), chain.feed(1, 1), chain.feed(1, 3), chain.feed(2), chain.forkAt(1).feed(1)],
  run(input) {
    const checkpoint = feeder.preview(input)
    const { follow } = decodeCheckpoint(checkpoint)
    assert(follow.head.number === 0 || honest.some((each) => bytesEqual(each, checkpoint)), 'only honest blocks are executed')
  },
}

const genesis: FuzzTarget = {
  name: 'worker.genesis',
  seeds: [chain.genesisInfo, createTestChain(crypto, { authorities: [utf8('a'.repeat(32)), utf8('b'.repeat(32))] }).genesisInfo],
  run(input) {
    createTestFeeder(crypto, { genesisInfo: input })
  },
}

const joined = createTestChain(crypto)
for (let number = 1; number <= 6; number++) joined.add(number === 3 ? { nextAuthorities: [crypto.sha256(utf8('next'))] } : { hasState: number === 6 })
const chainCheckpoint = joined.checkpoint()

/** Whatever a host hands over, a worker begins at the honest checkpoint or nowhere. */
const joining: FuzzTarget = {
  name: 'worker.chainCheckpoint',
  seeds: [chainCheckpoint],
  run(input) {
    const { head } = startAt(crypto, joined, input)
    assert(bytesEqual(head.hash, joined.head.hash), 'only the final block is begun at')
  },
}

const checkpointBytes = feeder.preview(chain.feed(1))

const checkpoint: FuzzTarget = { name: 'worker.checkpoint', seeds: [checkpointBytes, ...honest], run: (input) => void decodeCheckpoint(input) }

const platform = { name: 'software', measurement: new Uint8Array(32).fill(1) }
const sealingKey = new Uint8Array(32).fill(2)
const content = utf8('content')
const sealed = sealBytes(crypto, { platform, sealingKey, name: 'identity.seal', content, iv: new Uint8Array(12) })

const sealedFile: FuzzTarget = {
  name: 'worker.sealedFile',
  seeds: [sealed],
  run(input) {
    const opened = openBytes(crypto, { platform, sealingKey, name: 'identity.seal', file: input })
    assert(bytesEqual(input, sealed) && bytesEqual(opened, content), 'only the file that was sealed opens')
  },
}

const schemas = new Map<string, MessageSchema<unknown>>()
for (const methods of Object.values(workerApi))
  for (const { params, result } of Object.values(methods as Readonly<Record<string, Method<unknown, unknown>>>)) schemas.set(params.name, params).set(result.name, result)

/** A message with something in every field. */
const sample = (schema: MessageSchema<unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(schema.fields).map(([name, { type, rule }]) => {
      const one = typeof type !== 'string' ? sample(type) : type === 'bool' ? true : type === 'uint32' ? 300 : type === 'uint64' ? 1n << 40n : type === 'string' ? 'hé' : Uint8Array.of(1, 2)
      return [name, rule === 'repeated' ? [one, one] : one]
    }),
  )

const protobuf = (schema: MessageSchema<unknown>): FuzzTarget => ({
  name: `worker.protobuf.${schema.name}`,
  seeds: [encodeMessage(schema, sample(schema))],
  run(input) {
    const bytes = encodeMessage(schema, decodeMessage(schema, input))
    assert(bytesEqual(encodeMessage(schema, decodeMessage(schema, bytes)), bytes), 'an accepted message comes back equal')
  },
})

const json = (schema: MessageSchema<unknown>): FuzzTarget => ({
  name: `worker.json.${schema.name}`,
  seeds: [utf8(encodeJson(schema, sample(schema))), utf8('{}')],
  run(input) {
    const text = encodeJson(schema, decodeJson(schema, input))
    assert(encodeJson(schema, decodeJson(schema, utf8(text))) === text, 'an accepted message comes back equal')
  },
})

/** Requests to the HTTP door as one byte string; nothing but an AppError may come out of any decoder. */
const anyRequest: FuzzTarget = {
  name: 'worker.anyRequest',
  seeds: [new Uint8Array(0), Uint8Array.of(0x0a, 1, 0)],
  run(input) {
    let accepted = false
    for (const schema of schemas.values()) {
      try {
        decodeMessage(schema, input)
        accepted = true
      } catch (error) {
        if (!isAppError(error, 'WIRE_PROTOBUF_MALFORMED')) throw error
      }
    }
    if (!accepted) decodeMessage(schemas.get('SyncedTo') as MessageSchema<unknown>, input)
  },
}

/** All of them. */
export const targets: readonly FuzzTarget[] = [
  feed, genesis, joining, checkpoint, sealedFile, anyRequest,
  ...['PhactoryInfo', 'InitRuntimeRequest', 'FeedRequest', 'WorkerStatus', 'AddEndpointRequest', 'InitRuntimeResponse'].flatMap((name) => {
    const schema = schemas.get(name) as MessageSchema<unknown>
    return [protobuf(schema), json(schema)]
  }),
]
