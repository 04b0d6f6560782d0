import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import {
  AddEndpointRequest, EchoMessage, Empty, FeedRequest, GetRuntimeInfoRequest, InitRuntimeRequest, InitRuntimeResponse, METHODS_NOT_OFFERED, PhactoryInfo, PrpcError, SyncedTo,
  WorkerStatus, workerApi, type MessageSchema, type Method,
} from '../api/index.ts'
import { optional, message, repeated, uint32, uint64 } from '../api/schema.ts'
import { createWorkerClient, decodeJson, decodeMessage, encodeJson, encodeMessage } from './index.ts'

const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing thrown'
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

const Mixed = message('Mixed', { one: optional(uint32(1)), many: repeated(uint32(2)), wide: uint64(15), far: optional(uint32(300)) })

describe('protobuf', () => {
  // Bytes by hand from the encoding rules: key = tag << 3 | wire type, base-128 varints.
  test.each<readonly [string, MessageSchema<any>, unknown, string]>([
    ['nothing', Empty, {}, '0x'],
    ['a number', SyncedTo, { syncedTo: 300 }, '0x08ac02'],
    ['a default left out', SyncedTo, { syncedTo: 0 }, '0x'],
    ['text', PrpcError, { message: 'hé' }, '0x0a0368c3a9'],
    ['a bool and bytes', GetRuntimeInfoRequest, { forceRefreshRa: true, encodedOperator: Uint8Array.of(7) }, '0x0801120107'],
    ['presence of an empty value', GetRuntimeInfoRequest, { forceRefreshRa: false, encodedOperator: new Uint8Array(0) }, '0x1200'],
    ['the widest number', Mixed, { one: 0, many: [1, 300], wide: (1n << 64n) - 1n, far: 5 }, '0x0800100110ac0278ffffffffffffffffff01e01205'],
  ])('writes %s', (_name, schema, value, hex) => {
    expect(toHex(encodeMessage(schema, value))).toBe(hex)
    expect(encodeMessage(schema, decodeMessage(schema, parseHex(hex)))).toEqual(parseHex(hex))
  })

  test('reads packed lists, unknown fields and the last of repeated singular fields', () => {
    expect(decodeMessage(Mixed, parseHex('0x1203010203'))).toMatchObject({ many: [1, 2, 3] })
    expect(decodeMessage(SyncedTo, parseHex('0x0801920301ff0802'))).toEqual({ syncedTo: 2 })
  })

  test.each([
    ['a cut varint', SyncedTo, '0x08ff'],
    ['a cut key', SyncedTo, '0x88'],
    ['another wire type', SyncedTo, '0x0a0101'],
    ['a number over 32 bits', SyncedTo, '0x088080808010'],
    ['a varint over 64 bits', Mixed, '0x78ffffffffffffffffffff01'],
    ['a bool of 2', GetRuntimeInfoRequest, '0x0802'],
    ['bytes beyond the end', EchoMessage, '0x0a7f01'],
    ['a length near 4 GiB', EchoMessage, '0x0affffffff0f01'],
    ['broken UTF-8', PrpcError, '0x0a01ff'],
    ['tag 0', SyncedTo, '0x0001'],
    ['wire type 7', SyncedTo, '0x0f01'],
    ['an unknown field that is cut', SyncedTo, '0x9203ff'],
    ['an unknown group without end', SyncedTo, '0x9303'],
  ])('refuses %s', (_name, schema, hex) => {
    expect(codeOf(() => decodeMessage(schema as MessageSchema<unknown>, parseHex(hex)))).toBe('WIRE_PROTOBUF_MALFORMED')
  })

  test('comes back equal for every message of the API', () => {
    const schemas = new Map<string, MessageSchema<unknown>>()
    for (const methods of Object.values(workerApi))
      for (const { params, result } of Object.values(methods as Readonly<Record<string, Method<unknown, unknown>>>)) schemas.set(params.name, params).set(result.name, result)
    fc.assert(
      fc.property(fc.constantFrom(...schemas.values()), fc.uint8Array({ maxLength: 80 }), (schema, bytes) => {
        let value: unknown
        try {
          value = decodeMessage(schema, bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
          return
        }
        expect(decodeMessage(schema, encodeMessage(schema, value))).toEqual(value)
        expect(decodeJson(schema, utf8(encodeJson(schema, value)))).toEqual(value)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the API', () => {
  test('uses every tag and every name once', () => {
    for (const schema of [PhactoryInfo, WorkerStatus, InitRuntimeRequest, InitRuntimeResponse, FeedRequest, AddEndpointRequest]) {
      const tags = Object.values(schema.fields).map(({ tag }) => tag)
      expect(new Set(tags).size).toBe(tags.length)
    }
  })

  test('does not offer what it declines', () => {
    for (const name of Object.keys(METHODS_NOT_OFFERED)) expect(Object.hasOwn(workerApi.PhactoryAPI, name)).toBe(false)
  })

  test('has the public methods of the reference, the status and our own queries, no others', () => {
    const open = Object.values(workerApi).flatMap((methods) =>
      Object.entries(methods as Readonly<Record<string, Method<unknown, unknown>>>).flatMap(([name, { access }]) => (access === 'public' ? [name] : [])))
    const declined = Object.entries(METHODS_NOT_OFFERED).flatMap(([name, { access }]) => (access === 'public' ? [name] : []))
    const reference = ['CalculateContractId', 'ContractQuery', 'GetClusterInfo', 'GetContractInfo', 'GetInfo', 'SaveClusterState', 'Statistics', 'UploadSidevmCode']
    expect([...open, ...declined].sort()).toEqual([...reference, 'GetReceipt', 'Query', 'Status'].sort())
  })
})

describe('JSON', () => {
  test('is snake_case with bytes as numbers, absent values null and all digits of large numbers', () => {
    const value = { version: 1, provider: '"dcap"', timestamp: (1n << 64n) - 1n, encodedReport: Uint8Array.of(0, 255) }
    const response = { encodedRuntimeInfo: new Uint8Array(0), encodedGenesisBlockHash: new Uint8Array(0), encodedPublicKey: Uint8Array.of(1), encodedEcdhPublicKey: new Uint8Array(0), attestation: value }
    const text = encodeJson(InitRuntimeResponse, response)
    expect(text).toContain('"encoded_public_key":[1],')
    expect(text).toContain('"timestamp":18446744073709551615,')
    expect(encodeJson(GetRuntimeInfoRequest, { forceRefreshRa: false })).toBe('{"force_refresh_ra":false,"encoded_operator":null}')
    expect(decodeJson(GetRuntimeInfoRequest, new Uint8Array(0))).toEqual({ forceRefreshRa: false })
  })
})

describe('the client', () => {
  test('turns an error answer into one AppError with the worker\'s code', async () => {
    const answers = [
      { status: 500, body: encodeMessage(PrpcError, { message: 'WORKER_HALTED: The worker has stopped: x. Do y.' }) },
      { status: 400, body: encodeMessage(PrpcError, { message: 'DecodeError(WIRE_PROTOBUF_MALFORMED: no)' }) },
      { status: 502, body: utf8('<html>') },
    ]
    const client = createWorkerClient(() => Promise.resolve(answers.shift() as { status: number; body: Uint8Array }))
    const codes: string[] = []
    for (let i = 0; i < 3; i++) await client.PhactoryAPI.GetInfo({}).catch((error: AppError<'WIRE_CALL_FAILED'>) => codes.push(`${error.code} ${error.context.status} ${error.context.code}`))
    expect(codes).toEqual(['WIRE_CALL_FAILED 500 WORKER_HALTED', 'WIRE_CALL_FAILED 400 WIRE_PROTOBUF_MALFORMED', 'WIRE_CALL_FAILED 502 '])
  })
})
