/** Owns the translation of errors of the operating system, wherever in a chain of causes they hide, into codes with a fix. */
import { AppError } from '@phalanx/primitives/errors'
import { explainDiskError } from './base-path.ts'
import './errors.ts'

interface SystemError {
  readonly code: string
  readonly path?: string
  readonly port?: number
}

const asSystemError = (error: unknown): SystemError | undefined => {
  const { code, path, port, syscall } = (error ?? {}) as { code?: unknown; path?: unknown; port?: unknown; syscall?: unknown }
  if (typeof code !== 'string' || typeof syscall !== 'string') return undefined
  return { code, ...(typeof path === 'string' ? { path } : {}), ...(typeof port === 'number' ? { port } : {}) }
}

/** The error itself where it has a code of ours; else ours for what the system said. */
export const explainSystemError = (error: unknown): unknown => {
  if (error instanceof AppError) return error
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const found = asSystemError(at)
    if (found === undefined) continue
    if (found.code === 'EADDRINUSE') return new AppError('CLI_PORT_IN_USE', { port: String(found.port ?? '?'), option: 'the port option' }, { cause: error })
    const explained = explainDiskError(at, found.path ?? 'the base path')
    if (explained !== at) return explained
  }
  return error
}
