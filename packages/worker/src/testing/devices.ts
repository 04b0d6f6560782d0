/**
 * Owns devices of machines that are not there: pseudo-files and guest sockets that behave as their documentation says, and the replay
 * of recorded sessions. Not for production.
 */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, parseHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { DeviceFiles, GuestSocket } from '../platform/platform.ts'

/** An error as the system gives it. */
const systemError = (code: string): Error => Object.assign(new Error(code), { code })

const missing = (): Promise<never> => Promise.reject(systemError('ENOENT'))

/** No device at all. */
export const noDeviceFiles: DeviceFiles = { read: missing, write: missing, makeFolder: missing, removeFolder: missing }

/** No guest agent at all. */
export const noGuestSocket: GuestSocket = { post: missing }

const bounded = (bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> => (bytes.length > maxBytes ? Promise.reject(systemError('EFBIG')) : Promise.resolve(bytes.slice()))

/** Makes a quote over report data. */
export type QuoteOf = (reportData: Uint8Array) => Uint8Array

/** Pseudo-files of an enclave: report data is kept until it is written again, as there. */
export const createEnclaveFiles = (options: { readonly quote: QuoteOf; readonly key: Uint8Array; readonly attestationType?: string }): DeviceFiles => {
  let reportData = new Uint8Array(64)
  const files: Readonly<Record<string, () => Uint8Array>> = {
    '/dev/attestation/attestation_type': () => utf8(options.attestationType ?? 'dcap'),
    '/dev/attestation/quote': () => options.quote(reportData),
    '/dev/attestation/keys/_sgx_mrenclave': () => options.key,
    '/proc/cpuinfo': () => utf8('processor\t: 0\nflags\t\t: fpu avx2\n\nprocessor\t: 1\nflags\t\t: fpu avx2\n'),
  }
  return {
    ...noDeviceFiles,
    read: (path, maxBytes) => {
      const content = files[path]
      return content === undefined ? missing() : bounded(content(), maxBytes)
    },
    write(path, bytes) {
      if (path !== '/dev/attestation/user_report_data') return missing()
      reportData = bytes.slice() as Uint8Array<ArrayBuffer>
      return Promise.resolve()
    },
  }
}

interface ReportFolder {
  generation: number
  inblob: Uint8Array | undefined
}

/** Somebody else at the same report folders; called after each of our writes. */
export type Intruder = (folder: { write(inblob: Uint8Array): void }) => void

const REPORT_ROOT = '/sys/kernel/config/tsm/report/'

/** Report folders of a confidential virtual machine. `failReads` is how many reads of a report fail with EBUSY first. */
export const createReportFiles = (
  options: { readonly provider: string; readonly quote: QuoteOf; readonly auxblob?: Uint8Array; readonly intruder?: Intruder; readonly failReads?: number },
): DeviceFiles & { readonly folders: ReadonlyMap<string, unknown> } => {
  const folders = new Map<string, ReportFolder>()
  let failing = options.failReads ?? 0
  const find = (path: string): readonly [ReportFolder | undefined, string] => {
    const [name = '', attribute = ''] = path.startsWith(REPORT_ROOT) ? path.slice(REPORT_ROOT.length).split('/') : []
    return [folders.get(name), attribute]
  }
  const put = (folder: ReportFolder, inblob: Uint8Array): void => {
    folder.inblob = inblob.slice()
    folder.generation++
  }
  const attributeOf = (folder: ReportFolder, attribute: string): Uint8Array => {
    if (attribute === 'generation') return utf8(`${folder.generation}\n`)
    if (attribute === 'provider') return utf8(`${options.provider}\n`)
    if (attribute === 'auxblob' && options.auxblob !== undefined) return options.auxblob
    if (attribute !== 'outblob') throw systemError('ENOENT')
    if (failing-- > 0) throw systemError('EBUSY')
    if (folder.inblob === undefined) throw systemError('EINVAL')
    return options.quote(folder.inblob)
  }
  return {
    folders,
    read: async (path, maxBytes) => {
      const [folder, attribute] = find(path)
      return folder === undefined ? missing() : bounded(attributeOf(folder, attribute), maxBytes)
    },
    write(path, bytes) {
      const [folder, attribute] = find(path)
      if (folder === undefined || attribute !== 'inblob') return missing()
      put(folder, bytes)
      options.intruder?.({ write: (inblob) => put(folder, inblob) })
      return Promise.resolve()
    },
    makeFolder(path) {
      const name = path.slice(REPORT_ROOT.length)
      if (folders.has(name)) return Promise.reject(systemError('EEXIST'))
      folders.set(name, { generation: 0, inblob: undefined })
      return Promise.resolve()
    },
    removeFolder: (path) => (folders.delete(path.slice(REPORT_ROOT.length)) ? Promise.resolve() : missing()),
  }
}

/** A guest agent, in its present or its older form. */
export const createGuestAgent = (options: {
  readonly quote: QuoteOf
  readonly key: Uint8Array
  readonly form: 'current' | 'legacy'
  readonly composeHash?: string
  readonly instanceId?: string
}): GuestSocket => {
  const { quote, key, form, composeHash = '11'.repeat(32), instanceId = '22'.repeat(20) } = options
  const info = { app_id: '33'.repeat(20), instance_id: instanceId, compose_hash: composeHash, app_name: 'phalanx-worker', tcb_info: '{}' }
  const answers: Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => object>> = form === 'current'
    ? {
        '/Info': () => info,
        '/GetQuote': (params) => ({ quote: toHexPlain(quote(parseHex(String(params['report_data'])))), event_log: '[]', report_data: params['report_data'], vm_config: '{}' }),
        '/GetKey': () => ({ key: toHexPlain(key), signature_chain: ['00', '01'] }),
      }
    : {
        '/prpc/Tappd.Info': () => info,
        '/prpc/Tappd.RawQuote': (params) => ({ quote: `0x${toHexPlain(quote(parseHex(String(params['report_data']))))}`, event_log: '[]' }),
        '/prpc/Tappd.DeriveK256Key': () => ({ k256_key: toHexPlain(key), k256_signature_chain: [] }),
      }
  const place = form === 'current' ? '/var/run/dstack.sock' : '/var/run/tappd.sock'
  return {
    post({ socket, path, body }) {
      if (socket !== place) return missing()
      const answer = answers[path]
      return Promise.resolve(answer === undefined ? { status: 404, body: utf8('{"error":"not found"}') } : { status: 200, body: utf8(JSON.stringify(answer(JSON.parse(body) as Record<string, unknown>))) })
    },
  }
}

/** One step of a recorded session. `*` in a path stands for one freely chosen name; `bytes` is hex, or the name of a blob of the test. */
export interface RecordedStep {
  readonly do: 'read' | 'write' | 'makeFolder' | 'removeFolder' | 'post'
  readonly path: string
  readonly socket?: string
  readonly text?: string
  readonly bytes?: string
  /** Answer to a post; `$name` inside stands for a blob in hex. */
  readonly json?: Readonly<Record<string, unknown>>
  readonly status?: number
  readonly error?: string
}

/** A recorded session. */
export interface Recording {
  /** Where the form of the session is documented. */
  readonly source: string
  readonly steps: readonly RecordedStep[]
}

/** Devices that give what was recorded, in the recorded order, and refuse everything else. */
export interface Replay extends DeviceFiles, GuestSocket {
  /** Steps that were not asked for. */
  readonly left: () => number
}

const matches = (pattern: string, path: string): boolean => {
  const [before = '', after] = pattern.split('*')
  return after === undefined ? pattern === path : path.startsWith(before) && path.endsWith(after) && !path.slice(before.length, path.length - after.length).includes('/')
}

/** Replays a recording. A step out of order is an error of the code under test, not of the device. */
export const replayRecording = (recording: Recording, blobs: Readonly<Record<string, Uint8Array>> = {}): Replay => {
  let next = 0
  const take = (kind: RecordedStep['do'], path: string): RecordedStep => {
    const step = recording.steps[next]
    assert(step !== undefined && step.do === kind && matches(step.path, path), `step ${next} of the recording is not: ${kind} ${path}`)
    next++
    if (step.error !== undefined) throw systemError(step.error)
    return step
  }
  const bytesOf = ({ text, bytes = '' }: RecordedStep): Uint8Array => (text === undefined ? (blobs[bytes] ?? parseHex(bytes)) : utf8(text))
  return {
    left: () => recording.steps.length - next,
    read: async (path, maxBytes) => bounded(bytesOf(take('read', path)), maxBytes),
    async write(path, bytes) {
      assert(bytesEqual(bytes, bytesOf(take('write', path))), `step ${next - 1} of the recording writes other bytes`)
    },
    makeFolder: async (path) => void take('makeFolder', path),
    removeFolder: async (path) => void take('removeFolder', path),
    async post({ socket, path }) {
      const step = take('post', path)
      if (step.socket !== socket) throw systemError('ENOENT')
      const text = JSON.stringify(step.json ?? {}).replace(/\$([a-zA-Z]+)/g, (_whole, name: string) => toHexPlain(blobs[name] ?? new Uint8Array(0)))
      return { status: step.status ?? 200, body: utf8(text) }
    },
  }
}
