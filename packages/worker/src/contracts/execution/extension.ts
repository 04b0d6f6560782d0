/** Owns dispatch of the chain extension: function by number, arguments, and what each answers in queries and in transactions. */
import { bytesEqual, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import { bool, bytes, fixedBytes, option, text, tuple, u32, u64, u8, unit, variant, vec, type TypeOf } from '@phalanx/primitives/codec'
import { extensionForms } from '@phalanx/primitives/contracts/extension'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { ExtensionAnswer } from '../vm.ts'
import { recordPinkEvent } from './effects.ts'
import type { QueryEnv } from './env.ts'
import { CRYPTO_FUNCTIONS } from './extension-crypto.ts'
import { decodeArguments, drawRandom, formedFunction, plainFunction, stopWith, type ExtensionContext, type ExtensionFunction } from './extension-function.ts'
import { HttpRequestError, type HttpAnswer, type HttpRequest, type HttpResponse } from './http.ts'
import { STATE_GAS } from './meter.ts'
import { PinkEvent, type CacheOp } from './pink-event.ts'
import { storeCode } from './upload.ts'

const Hash = fixedBytes(32)
const DONE: readonly [] = []
const BATCH_MAX = 5
const ABORTING_ERRORS: readonly string[] = ['InvalidUrl', 'InvalidMethod', 'InvalidHeaderName', 'InvalidHeaderValue', 'FailedToCreateClient', 'Timeout']
/** Version of the reference's contract runtime that this one answers as. */
const RUNTIME_VERSION = [1, 2] as const
const NO_HASH = new Uint8Array(32)

const queryOf = ({ execution }: ExtensionContext): QueryEnv | undefined => (execution.env.mode === 'Query' ? execution.env.query : undefined)

/** Answers of the outside to requests: recorded ones, or the query stops here and runs again when they are there. */
const askOutside = (context: ExtensionContext, query: QueryEnv, ask: { readonly requests: readonly HttpRequest[]; readonly timeoutMs: bigint | undefined }): readonly HttpAnswer[] => {
  const { execution } = context
  const round = execution.requestCount++
  const answers = query.answers[round]
  if (answers !== undefined && answers.length === ask.requests.length) return answers
  execution.pending = ask
  throw new AppError('CONTRACT_NEEDS_EFFECT', { round })
}

const pseudoResponse = (statusCode: number, reasonPhrase: string, body: string): HttpResponse => ({ statusCode, reasonPhrase, headers: [], body: utf8(body) })

const httpRequest = formedFunction(extensionForms.httpRequest, (context, [request]) => {
  const query = queryOf(context)
  if (query === undefined) return pseudoResponse(523, 'API Unavailable', 'HTTP requests are only made in queries')
  const [answer] = askOutside(context, query, { requests: [request], timeoutMs: undefined }) as [HttpAnswer]
  if (answer.ok) return answer.value
  if (ABORTING_ERRORS.includes(answer.error.kind)) throw stopWith('ContractTrapped', `HTTP request: ${answer.error.kind}`)
  return pseudoResponse(524, 'IO Error', answer.error.kind)
})

const batchHttpRequest: ExtensionFunction = {
  run(context, input) {
    const [requests, timeoutMs] = decodeArguments(extensionForms.batchHttpRequest.args, input)
    const refuse = (kind: HttpRequestError['kind']): ExtensionAnswer => ({ status: (HttpRequestError.encode({ kind })[0] as number) + 1, output: EMPTY })
    const query = queryOf(context)
    if (query === undefined) return refuse('NotAllowed')
    if (requests.length > BATCH_MAX) return refuse('TooManyRequests')
    return { status: 0, output: extensionForms.batchHttpRequest.output.encode(askOutside(context, query, { requests, timeoutMs })) }
  },
}

const noteCacheOp = (context: ExtensionContext, op: CacheOp): void => {
  const { execution, address } = context
  if (execution.env.mode !== 'Transaction') return
  recordPinkEvent(execution.store.overlay, address, PinkEvent.encode({ kind: 'CacheOp', value: op }))
}

const QUOTA_EXCEEDED = 1

const cacheSet: ExtensionFunction = {
  run(context, input) {
    const [key, value] = decodeArguments(extensionForms.cacheSet.args, input)
    context.execution.keep(key.length + value.length)
    const query = queryOf(context)
    if (query !== undefined) return { status: query.cache.set(context.address, key, value) ? 0 : QUOTA_EXCEEDED, output: EMPTY }
    noteCacheOp(context, { kind: 'Set', value: { key, value } })
    return { status: 0, output: EMPTY }
  },
}

const cacheSetExpiration = formedFunction(extensionForms.cacheSetExpiration, (context, [key, seconds]) => {
  context.execution.keep(key.length)
  const query = queryOf(context)
  if (query !== undefined) query.cache.setExpiration(context.address, key, seconds)
  else noteCacheOp(context, { kind: 'SetExpiration', value: { key, expiration: seconds } })
  return DONE
})

const cacheRemove = formedFunction(extensionForms.cacheRemove, (context, [key]) => {
  context.execution.keep(key.length)
  const query = queryOf(context)
  if (query !== undefined) return query.cache.remove(context.address, key)
  noteCacheOp(context, { kind: 'Remove', value: { key } })
  return undefined
})

const LEVEL_MAX = 5
/** Of a text in memory, at most. */
const BYTES_PER_CHARACTER = 2

const log = plainFunction(tuple(u8, text), unit, ({ execution, address }, [level, message]) => {
  execution.keep(message.length * BYTES_PER_CHARACTER)
  execution.logs.push({ contract: address, level: level >= 1 && level <= LEVEL_MAX ? level : 1, message })
  return DONE
})

const JsValue = variant('JsValue', {
  Undefined: { index: 0 }, Null: { index: 1 }, String: { index: 2, value: text }, Bytes: { index: 3, value: bytes }, Other: { index: 4, value: text },
  Exception: { index: 5, value: text },
})
const JsCode = variant('JsCode', { Source: { index: 0, value: text }, Bytecode: { index: 1, value: bytes } })

const systemContractId = formedFunction(extensionForms.systemContractId, ({ execution }) => {
  const id = execution.config.systemContract
  if (id === undefined) throw stopWith('ContractTrapped', 'the cluster has no system contract')
  return id
})

/** Takes the system code of the chain into the cluster, for the system contract alone; none where the chain has none. */
const importLatestSystemCode = plainFunction(tuple(Hash), option(Hash), ({ execution, address, gas }, [owner]) => {
  const { config: { systemContract }, env, store } = execution
  if (systemContract === undefined || !bytesEqual(systemContract, address)) throw stopWith('ContractTrapped', 'BadOrigin: only the system contract imports system code')
  const code = store.latestSystemCode()
  if (code === undefined) return undefined
  gas.charge(STATE_GAS.importByte * BigInt(code.length))
  try {
    return storeCode(store, env, { owner, code, deterministic: true })
  } catch (error) {
    throw isAppError(error, 'CONTRACT_CODE_REFUSED') || isAppError(error, 'CONTRACT_IMPORT_UNKNOWN') ? stopWith('CodeRejected', error.message) : error
  }
})

const NAMED: Readonly<Record<number, ExtensionFunction>> = {
  1: httpRequest,
  6: cacheSet,
  7: cacheSetExpiration,
  8: formedFunction(extensionForms.cacheGet, (context, [key]) => queryOf(context)?.cache.get(context.address, key)),
  9: cacheRemove,
  10: log,
  11: formedFunction(extensionForms.random, (context, [length]) => {
    const query = queryOf(context)
    return query === undefined ? EMPTY : drawRandom(context, query, length)
  }),
  12: plainFunction(unit, bool, ({ execution }) => execution.env.mode !== 'Query'),
  15: systemContractId,
  16: formedFunction(extensionForms.balanceOf, ({ execution }, [who]) => {
    const { free, held } = execution.store.account(who)
    return [free + held, free] as const
  }),
  17: formedFunction(extensionForms.workerPublicKey, (context) => queryOf(context)?.workerPublicKey ?? NO_HASH),
  18: formedFunction(extensionForms.untrustedNowMs, (context) => queryOf(context)?.untrustedNowMs ?? 0n),
  19: formedFunction(extensionForms.codeExists, ({ execution }, [hash, isSideVm]) => !isSideVm && execution.store.codeInfo(hash) !== undefined),
  20: importLatestSystemCode,
  21: plainFunction(unit, tuple(u32, u32), () => RUNTIME_VERSION),
  22: batchHttpRequest,
  23: plainFunction(unit, tuple(u64, Hash), ({ execution }) => {
    const head = execution.env.eventChainHead
    return [head?.number ?? 0n, head?.hash ?? NO_HASH] as const
  }),
  24: plainFunction(tuple(vec(JsCode), vec(text)), JsValue, (): TypeOf<typeof JsValue> => ({ kind: 'Exception', value: 'this worker has no JavaScript runtime for js_eval' })),
  25: plainFunction(unit, option(unit), () => undefined),
}

/** Calls a function of the extension. @throws CONTRACT_TRAPPED, CONTRACT_NEEDS_EFFECT */
export const callExtension = (context: ExtensionContext, id: number, input: Uint8Array): ExtensionAnswer => {
  const found = NAMED[id] ?? CRYPTO_FUNCTIONS[id]
  if (found === undefined) throw stopWith('NoChainExtension', `there is no extension function ${id}`)
  return found.run(context, input)
}
