/** Owns small files on disk that survive a crash: written aside, synced, renamed over the old one, folder synced. */
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import type { BlobStore } from '@phalanx/primitives/ports'

const NAME = /^[a-z0-9][a-z0-9.-]{0,127}$/
const ASIDE = '.tmp'

const assertName = (name: string): void => {
  if (!NAME.test(name) || name.endsWith(ASIDE)) throw new AppError('WORKER_BLOB_NAME_INVALID', { name })
}

/** Some file systems (those of enclave runtimes among them) have no way to sync a folder and say so; their renames are as durable as they get. */
const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EINVAL')) throw error
  } finally {
    await folder.close()
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

const writeAside = async (file: string, bytes: Uint8Array): Promise<void> => {
  const handle = await open(file, 'w', 0o600)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Opens (and makes) a folder as a blob store. Leftovers of interrupted writes are removed. Writes are done one after another. */
export const openDiskBlobStore = async (path: string): Promise<BlobStore> => {
  await mkdir(path, { recursive: true, mode: 0o700 })
  for (const name of await readdir(path)) if (name.endsWith(ASIDE)) await rm(join(path, name), { force: true })
  let last: Promise<unknown> = Promise.resolve()
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work)
    last = done.catch(() => undefined)
    return done
  }
  return {
    async read(name) {
      assertName(name)
      try {
        return new Uint8Array(await readFile(join(path, name)))
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },
    async write(name, bytes) {
      assertName(name)
      await inOrder(async () => {
        const aside = join(path, `${name}${ASIDE}`)
        await writeAside(aside, bytes)
        await rename(aside, join(path, name))
        await syncFolder(path)
      })
    },
    async remove(name) {
      assertName(name)
      await inOrder(async () => {
        await rm(join(path, name), { force: true })
        await syncFolder(path)
      })
    },
  }
}
