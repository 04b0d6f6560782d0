/** Owns storing code: which machine it is for, the complete check, the record. For uploads from the chain and for system code that a contract takes over. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { CodeVm } from '../vm.ts'
import type { ClusterStore } from './schema.ts'

/** Code to store, and the account that it is noted for. */
export interface UploadRequest {
  readonly owner: Uint8Array
  readonly code: Uint8Array
  readonly deterministic: boolean
}

/**
 * Stores code after checking it completely; the same code again changes nothing. @returns its hash
 * @throws CONTRACT_CODE_REFUSED, CONTRACT_IMPORT_UNKNOWN
 */
export const storeCode = (store: ClusterStore, dependencies: { readonly crypto: Pick<Crypto, 'blake2b256'>; readonly vms: readonly CodeVm[] }, request: UploadRequest): Uint8Array => {
  const { crypto, vms } = dependencies
  const { owner, code, deterministic } = request
  const codeHash = crypto.blake2b256(code)
  const known = store.codeInfo(codeHash)
  if (known !== undefined && (known.isDeterministic || !deterministic)) return codeHash
  const vm = vms.find((each) => each.recognises(code))
  if (vm === undefined) throw new AppError('CONTRACT_CODE_REFUSED', { reason: 'it is neither a WebAssembly module nor a contract bundle' })
  const { kind, isDeterministic } = vm.validate(code, { deterministic })
  store.setCode(codeHash, code)
  store.setCodeInfo(codeHash, { owner, users: known?.users ?? 0n, isDeterministic, kind: { kind } })
  return codeHash
}
