/** Owns the real way to a machine's devices: device files, Unix sockets, what the processor can do. Platforms get these handed in. */
import { constants } from 'node:fs'
import { mkdir, open, rmdir } from 'node:fs/promises'
import { request } from 'node:http'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import type { DeviceFiles, GuestSocket } from './platform.ts'

const CHUNK_BYTES = 64 * 1024
const SOCKET_TIMEOUT_MS = 30_000
const CPUINFO_BYTES_MAX = 4 * 1024 * 1024

const failed = (device: string, reason: string): AppError => new AppError('PLATFORM_DEVICE_ANSWER', { device, reason })

/** Device files of this machine. Their sizes say nothing, so they are read to their end. */
export const systemDeviceFiles: DeviceFiles = {
  async read(path, maxBytes) {
    const file = await open(path, constants.O_RDONLY)
    try {
      const parts: Uint8Array[] = []
      for (let size = 0; ; ) {
        const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, null)
        if (bytesRead === 0) return new Uint8Array(Buffer.concat(parts, size))
        size += bytesRead
        if (size > maxBytes) throw failed(path, `it gives more than ${maxBytes} bytes`)
        parts.push(buffer.subarray(0, bytesRead))
      }
    } finally {
      await file.close()
    }
  },
  async write(path, bytes) {
    const file = await open(path, constants.O_WRONLY)
    try {
      const { bytesWritten } = await file.write(bytes)
      if (bytesWritten !== bytes.length) throw failed(path, `it took ${bytesWritten} of ${bytes.length} bytes`)
    } finally {
      await file.close()
    }
  },
  makeFolder: (path) => mkdir(path).then(() => undefined),
  removeFolder: (path) => rmdir(path),
}

/** Unix sockets of this machine. */
export const systemGuestSocket: GuestSocket = {
  post: ({ socket, path, body, maxBytes }) =>
    new Promise((resolve, reject) => {
      const bytes = Buffer.from(body)
      const headers = { 'content-type': 'application/json', 'content-length': String(bytes.length) }
      const outgoing = request({ socketPath: socket, path, method: 'POST', headers, host: 'localhost' }, (answer) => {
        const parts: Buffer[] = []
        let size = 0
        answer.on('data', (part: Buffer) => {
          size += part.length
          parts.push(part)
          if (size > maxBytes) answer.destroy(failed(`${socket}${path}`, `it gives more than ${maxBytes} bytes`))
        })
        answer.on('error', reject)
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: new Uint8Array(Buffer.concat(parts, size)) }))
      })
      outgoing.setTimeout(SOCKET_TIMEOUT_MS, () => outgoing.destroy(failed(`${socket}${path}`, `no answer within ${SOCKET_TIMEOUT_MS} ms`)))
      outgoing.on('error', reject)
      outgoing.end(bytes)
    }),
}

/** `[cores, feature level]` out of `/proc/cpuinfo` (registry.md §2.1): level 1, one more with AVX2, one more with AVX-512F; `[1, 1]` where it cannot be read. */
export const readFeatures = async (files: Pick<DeviceFiles, 'read'>): Promise<readonly [number, number]> => {
  let text: string
  try {
    text = new TextDecoder().decode(await files.read('/proc/cpuinfo', CPUINFO_BYTES_MAX))
  } catch {
    return [1, 1]
  }
  const cores = text.match(/^processor\s*:/gm)?.length ?? 1
  const flags = new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.split(/\s+/) ?? [])
  return [cores, 1 + (flags.has('avx2') ? 1 : 0) + (flags.has('avx2') && flags.has('avx512f') ? 1 : 0)]
}
