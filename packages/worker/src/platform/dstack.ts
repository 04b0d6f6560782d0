/**
 * Owns the platform of an application in a dstack guest: quotes and keys over the guest agent's Unix socket (dstack, sdk/curl/api.md);
 * guests before 0.4.2 offer the older form of the same on another socket (sdk/curl/api-tappd.md). Keys belong to the application, not
 * to the code: who may update the application may read them, so they are bound to compose hash and instance as well.
 */
import { concatBytes, parseHex, utf8 } from '@phalanx/primitives/bytes'
import { bytes } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { EVIDENCE_BYTES_MAX, createDevicePlatform, recognizeEvidence, systemReason, withDevice } from './device-evidence.ts'
import { readFeatures } from './devices.ts'
import type { GuestSocket, PlatformKind } from './platform.ts'

const NAME = 'dstack'
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
const KEY_PATH = 'phalanx/sealing'
const KEY_PURPOSE = 'sealing'
const KEY_BYTES = 32

/** One form of the agent's API. */
interface Api {
  readonly socket: string
  readonly quote: string
  readonly key: string
  /** Field of the key's answer that holds the key, in hex. */
  readonly keyField: string
  readonly info: string
}

const CURRENT = { quote: '/GetQuote', key: '/GetKey', keyField: 'key', info: '/Info' }
const LEGACY = { quote: '/prpc/Tappd.RawQuote', key: '/prpc/Tappd.DeriveK256Key', keyField: 'k256_key', info: '/prpc/Tappd.Info' }

/** Places and forms in order of preference. */
const APIS: readonly Api[] = [
  { socket: '/var/run/dstack.sock', ...CURRENT },
  { socket: '/var/run/dstack/dstack.sock', ...CURRENT },
  { socket: '/var/run/tappd.sock', ...LEGACY },
]

type Answer = Readonly<Record<string, unknown>>

const invalid = (reason: string): AppError => new AppError('PLATFORM_ANSWER_INVALID', { platform: NAME, reason })

const parseAnswer = (path: string, status: number, body: Uint8Array): Answer => {
  let answer: unknown
  try {
    answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new AppError('PLATFORM_ANSWER_INVALID', { platform: NAME, reason: `${path} answered ${status} without JSON` }, { cause })
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw invalid(`${path} answered something other than an object`)
  const { error } = answer as Answer
  if (status !== 200 || typeof error === 'string') throw invalid(`${path} answered ${status}${typeof error === 'string' ? `: ${error.slice(0, 200)}` : ''}`)
  return answer as Answer
}

const hexField = (answer: Answer, path: string, field: string): Uint8Array => {
  const text = answer[field]
  if (typeof text !== 'string' || !/^(0x)?([0-9a-fA-F]{2})+$/.test(text)) throw invalid(`${path} gives no hex in "${field}"`)
  return parseHex(text.toLowerCase())
}

const textField = (answer: Answer, path: string, field: string): string => {
  const text = answer[field]
  if (typeof text !== 'string' || text === '') throw invalid(`${path} gives no "${field}"`)
  return text
}

const call = async (socket: GuestSocket, api: Api, path: string, params: Answer): Promise<Answer> => {
  const { status, body } = await withDevice(NAME, api.socket, () => socket.post({ socket: api.socket, path, body: JSON.stringify(params), maxBytes: ANSWER_BYTES_MAX }))
  return parseAnswer(path, status, body)
}

/** The first form whose socket is there, with what the guest says of itself. */
const findApi = async (socket: GuestSocket): Promise<{ readonly api: Api; readonly info: Answer }> => {
  for (const api of APIS) {
    try {
      return { api, info: await call(socket, api, api.info, {}) }
    } catch (error) {
      const reason = error instanceof AppError ? systemReason(error.cause) : ''
      if (reason !== 'ENOENT' && reason !== 'ECONNREFUSED') throw error
    }
  }
  throw new AppError('PLATFORM_DEVICE_FAILED', { platform: NAME, device: APIS.map((api) => api.socket).join(', '), reason: 'ENOENT' })
}

/** Applications in a dstack guest (TDX). */
export const dstack: PlatformKind = {
  name: NAME,
  prerequisites: [
    {
      step: 'driver', name: 'guest agent\'s socket', test: { kind: 'path', anyOf: APIS.map(({ socket }) => socket) }, access: 'write',
      fix: 'Map the guest agent\'s socket into the container: /var/run/dstack.sock:/var/run/dstack.sock.', accessFix: 'Run the container\'s process as a user who may write to the socket.',
    },
  ],
  async open({ crypto, files, socket }) {
    const { api, info } = await findApi(socket)
    const place = ['compose_hash', 'instance_id'].map((field) => bytes.encode(utf8(textField(info, api.info, field))))
    const ask = async (reportData: Uint8Array) => {
      const answer = await call(socket, api, api.quote, { report_data: Buffer.from(reportData).toString('hex') })
      const quote = hexField(answer, api.quote, 'quote')
      if (quote.length > EVIDENCE_BYTES_MAX) throw invalid(`${api.quote} gives a quote of ${quote.length} bytes`)
      return recognizeEvidence(NAME, 'Tdx', quote)
    }
    const sealingKey = async (): Promise<Uint8Array> => {
      const ikm = hexField(await call(socket, api, api.key, { path: KEY_PATH, purpose: KEY_PURPOSE }), api.key, api.keyField)
      try {
        if (ikm.length !== KEY_BYTES) throw invalid(`${api.key} gives a key of ${ikm.length} bytes`)
        return crypto.hkdfSha256({ ikm, salt: utf8('phalanx/dstack/1'), info: concatBytes(...place), length: 32 })
      } finally {
        ikm.fill(0)
      }
    }
    return createDevicePlatform({ name: NAME, ask, features: await readFeatures(files), sealingKey }, { crypto })
  },
}
