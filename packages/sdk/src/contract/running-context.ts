/** Owns what stands behind the `ctx` of a running message: the host's functions under the names and guards of context.ts. */
import { bigintToLe, concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import type { ResultValue } from '@phalanx/primitives/codec'
import { extensionForms, type ExtensionForm, type HttpRequest, HttpRequestError, type HttpResponse } from '@phalanx/primitives/contracts/extension'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { answerCodec, encodeInput } from './abi.ts'
import type { CallFailure, CallOptions, CommandContext, ContractCache, ContractHttp, ContractKeys, ContractKeyType, ContractLog, HttpOptions, QueryContext } from './context.ts'
import type { AnyEntry, ContractDefinition } from './define.ts'
import './errors.ts'
import { encodeEvent, type AnyEvent } from './event.ts'
import type { ContractHost, HostCall, HostCallOutcome, HostHashKind } from './host.ts'

const REVERTED = 1

const stopped = (reason: string): AppError => new AppError('SDK_CONTRACT_STOPPED', { reason })

type Forms = typeof extensionForms

/** Calls a function of the chain extension. A status is given to `onStatus`, which throws. */
const ask = <A, R>(host: ContractHost, form: ExtensionForm<A, R>, args: A, onStatus?: (status: number) => never): R => {
  const { status, output } = host.chainExtension(form.id, form.args.encode(args))
  if (status !== 0) {
    onStatus?.(status)
    throw stopped(`function ${form.id} of the chain extension answered with status ${status}`)
  }
  return form.output.decode(output)
}

const createLog = (host: ContractHost): ContractLog => ({
  error: (message) => host.log(1, message), warn: (message) => host.log(2, message), info: (message) => host.log(3, message),
  debug: (message) => host.log(4, message), trace: (message) => host.log(5, message),
})

const SIG_TYPES = { ed25519: { kind: 'Ed25519' }, sr25519: { kind: 'Sr25519' }, ecdsa: { kind: 'Ecdsa' } } as const satisfies Record<ContractKeyType, { readonly kind: string }>

const createKeys = (host: ContractHost): ContractKeys => {
  const sr25519 = (salt: Uint8Array): Uint8Array => ask(host, extensionForms.deriveSr25519Key, [salt])
  return {
    sr25519,
    secret: (salt) => host.hash('blake2b256', concatBytes(utf8('phalanx/contract-secret'), sr25519(salt))),
    publicKey: (type, secret) => ask(host, extensionForms.publicKey, [SIG_TYPES[type], secret]),
    sign({ type, secret }, message) {
      if (type === 'sr25519' && host.mode !== 'Query') throw stopped('a command cannot sign with sr25519; use ed25519 or ecdsa, or sign in a query')
      return ask(host, extensionForms.sign, [SIG_TYPES[type], secret, message])
    },
    verify: ({ type, publicKey, message, signature }) => ask(host, extensionForms.verify, [SIG_TYPES[type], publicKey, message, signature]),
    ecdsaSignHash: (secret, hash) => ask(host, extensionForms.ecdsaSignPrehashed, [secret, hash]),
    ecdsaVerifyHash: ({ signature, hash, publicKey }) => ask(host, extensionForms.ecdsaVerifyPrehashed, [signature, hash, publicKey]),
  }
}

const createCache = (host: ContractHost): ContractCache => ({
  get: (key) => ask(host, extensionForms.cacheGet, [key]),
  set: (key, value) => void ask(host, extensionForms.cacheSet, [key, value], () => {
    throw stopped('the quota of this contract in the cache is used up')
  }),
  expire: (key, seconds) => void ask(host, extensionForms.cacheSetExpiration, [key, seconds]),
  remove: (key) => ask(host, extensionForms.cacheRemove, [key]),
})

const toRequest = ({ url, method = 'GET', headers = {}, body = EMPTY }: HttpOptions): HttpRequest => ({
  url, method, headers: Object.entries(headers), body: typeof body === 'string' ? utf8(body) : body,
})

const createHttp = (host: ContractHost): ContractHttp => {
  const requireQuery = (): void => {
    if (host.mode !== 'Query') throw stopped('HTTP requests are made in queries only')
  }
  return {
    request(options): HttpResponse {
      requireQuery()
      return ask(host, extensionForms.httpRequest, [toRequest(options)])
    },
    batch(requests, timeoutMs) {
      requireQuery()
      return ask(host, extensionForms.batchHttpRequest, [requests.map(toRequest), timeoutMs], (status) => {
        throw stopped(`no request was made: ${HttpRequestError.decode(Uint8Array.of(status - 1)).kind}`)
      })
    },
  }
}

/** Most bytes that the extension draws at once. */
const DRAW_MAX = 255
const HASH_LENGTH = 32

/** The context of one run. Commands and queries have the same object; `contract` declarations see only their part of it. */
export class RunningContext implements Omit<CommandContext<unknown>, 'contract' | 'tryContract' | 'instantiate'>, Omit<QueryContext<unknown>, 'contract' | 'tryContract'> {
  readonly log: ContractLog
  readonly keys: ContractKeys
  readonly cache: ContractCache
  readonly http: ContractHttp
  readonly storage: CommandContext['storage']
  private readonly definition: ContractDefinition
  private readonly entry: AnyEntry
  private readonly host: ContractHost

  constructor(definition: ContractDefinition, entry: AnyEntry, host: ContractHost) {
    this.definition = definition
    this.entry = entry
    this.host = host
    this.log = createLog(host)
    this.keys = createKeys(host)
    this.cache = createCache(host)
    this.http = createHttp(host)
    this.storage = {
      get: (key) => host.getStorage(key),
      set: (key, value) => {
        this.requireCommand('write storage')
        host.setStorage(key, value)
      },
    }
  }

  /** Types keep queries from these; this stops authors who cast or write plain JavaScript. */
  private requireCommand(what: string): void {
    if (this.entry.kind === 'query') throw stopped(`a query cannot ${what}`)
  }

  get mode(): ContractHost['mode'] { return this.host.mode }
  get hasCaller(): boolean { return this.host.caller !== undefined }
  get address(): Uint8Array { return this.host.address }
  get codeHash(): Uint8Array { return this.host.codeHash }
  get blockNumber(): number { return this.host.blockNumber }
  get nowMs(): bigint { return this.host.nowMs }
  get value(): bigint { return this.host.value }
  get systemContract(): Uint8Array { return this.ask('systemContractId', []) }
  get workerPublicKey(): Uint8Array { return this.ask('workerPublicKey', []) }
  get untrustedNowMs(): bigint { return this.ask('untrustedNowMs', []) }

  get caller(): Uint8Array {
    const { caller } = this.host
    if (caller === undefined) throw stopped('nobody called: the cluster itself runs this')
    return caller
  }

  private ask<Name extends keyof Forms>(name: Name, args: Parameters<Forms[Name]['args']['encode']>[0]): ReturnType<Forms[Name]['output']['decode']> {
    return ask(this.host, extensionForms[name] as ExtensionForm<unknown, unknown>, args) as ReturnType<Forms[Name]['output']['decode']>
  }

  gasLeft(): bigint { return this.host.gasLeft() }
  balance(): bigint { return this.host.balance() }
  hash(kind: HostHashKind, bytes: Uint8Array): Uint8Array { return this.host.hash(kind, bytes) }
  codeHashOf(account: Uint8Array): Uint8Array | undefined { return this.host.codeHashOf(account) }

  balanceOf(account: Uint8Array): { readonly total: bigint; readonly free: bigint } {
    const [total, free] = this.ask('balanceOf', [account])
    return { total, free }
  }

  random(length: number): Uint8Array {
    const isQuery = this.mode === 'Query'
    const seed = isQuery ? EMPTY : this.host.randomSeed(utf8('random'))
    const parts: Uint8Array[] = []
    for (let at = 0; at < length; at += isQuery ? DRAW_MAX : HASH_LENGTH) {
      parts.push(isQuery ? this.ask('random', [Math.min(length - at, DRAW_MAX)]) : this.hash('blake2b256', concatBytes(seed, bigintToLe(BigInt(at), 4))))
    }
    return concatBytes(...parts).slice(0, length)
  }

  revert(error: unknown): never {
    if (this.entry.errors === undefined) throw stopped('this message declares no errors to revert with')
    throw new AppError('SDK_CONTRACT_REVERTED', { error })
  }

  emit(event: AnyEvent, value: unknown): void {
    this.requireCommand('tell events')
    if (!this.definition.events.includes(event)) throw stopped(`${this.definition.name} does not declare the event ${event.name}`)
    const { topics, data } = encodeEvent((bytes) => this.host.hash('blake2b256', bytes), this.definition.name, { definition: event, value })
    this.host.emitEvent(topics, data)
  }

  transfer({ to, value }: { readonly to: Uint8Array; readonly value: bigint }): void {
    this.requireCommand('pay')
    if (!this.host.transfer(to, value)) throw stopped(`${value} cannot be paid from this contract's balance`)
  }

  call(request: HostCall): HostCallOutcome {
    this.requireCommand('call what it does not know to be a query')
    return this.host.call(request)
  }

  delegateCall(request: { readonly codeHash: Uint8Array; readonly input: Uint8Array }): HostCallOutcome {
    this.requireCommand('run other code')
    return this.host.delegateCall(request)
  }

  private encodeCall(name: string, entry: AnyEntry, args: unknown): Uint8Array {
    return encodeInput((bytes) => this.host.hash('blake2b256', bytes), { name, entry, args })
  }

  private tryCall(callee: Uint8Array, call: { readonly name: string; readonly entry: AnyEntry; readonly args: unknown; readonly options: CallOptions | undefined }): ResultValue<unknown, CallFailure<unknown>> {
    const { name, entry, args, options } = call
    if (entry.kind === 'command') this.requireCommand(`send the command ${name}`)
    const outcome = this.host.call({ callee, value: 0n, input: this.encodeCall(name, entry, args), ...options })
    return answerOf(entry, outcome)
  }

  tryContract(definition: ContractDefinition, address: Uint8Array): Readonly<Record<string, (args?: unknown, options?: CallOptions) => ResultValue<unknown, CallFailure<unknown>>>> {
    return Object.fromEntries(Object.entries(definition.messages).map(([name, entry]) => [name, (args?: unknown, options?: CallOptions) => this.tryCall(address, { name, entry, args, options })]))
  }

  contract(definition: ContractDefinition, address: Uint8Array): Readonly<Record<string, (args?: unknown, options?: CallOptions) => unknown>> {
    return Object.fromEntries(Object.entries(this.tryContract(definition, address)).map(([name, attempt]) => [name, (args?: unknown, options?: CallOptions) => {
      const answer = attempt(args, options)
      if (!answer.ok) throw stopped(`${definition.name}.${name} failed: ${describeFailure(answer.error)}`)
      return answer.value
    }]))
  }

  instantiate(definition: ContractDefinition, request: { readonly codeHash: Uint8Array; readonly entry: string; readonly args: unknown; readonly value?: bigint; readonly salt?: Uint8Array; readonly gasLimit?: bigint }): Uint8Array {
    this.requireCommand('make contracts')
    const { entry: name, args, codeHash, value = 0n, salt = EMPTY, gasLimit } = request
    const entry = definition.constructors[name]
    if (entry === undefined) throw stopped(`${definition.name} has no constructor ${name}`)
    const input = this.encodeCall(name, entry, args)
    const outcome = this.host.instantiate({ codeHash, value, salt, input, ...(gasLimit === undefined ? {} : { gasLimit }) })
    const answer = answerOf(entry, outcome)
    if (!answer.ok) throw stopped(`${definition.name}.${name} failed: ${describeFailure(answer.error)}`)
    return outcome.address
  }

  terminate(beneficiary: Uint8Array): never {
    this.requireCommand('end its contract')
    this.host.terminate(beneficiary)
    throw stopped('the contract has ended')
  }

  upgrade(codeHash: Uint8Array): void {
    this.requireCommand('change its code')
    if (!this.host.setCodeHash(codeHash)) throw stopped('there is no code of that hash')
  }
}

/** What another contract's entry came to; unreadable bytes are a failure of the callee. */
const answerOf = (entry: AnyEntry, outcome: HostCallOutcome): ResultValue<unknown, CallFailure<unknown>> => {
  if (!outcome.ok) return { ok: false, error: { kind: 'Failed', value: outcome.error } }
  // A contract that ended itself answers nothing, which is all right where nothing is to be answered.
  if (outcome.data.length === 0 && outcome.flags === 0 && entry.returns.minSize === 0) return { ok: true, value: undefined }
  try {
    const answer = answerCodec(entry).decode(outcome.data)
    if (!answer.ok) return { ok: false, error: { kind: 'Unreadable', value: answer.error } }
    if (!answer.value.ok) return { ok: false, error: { kind: 'Reverted', value: answer.value.error } }
    return (outcome.flags & REVERTED) === 0 ? answer.value : { ok: false, error: { kind: 'Failed', value: 'it took its changes back' } }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { ok: false, error: { kind: 'Failed', value: `its answer cannot be read: ${error.message}` } }
  }
}

const describeFailure = (failure: CallFailure<unknown>): string => {
  if (failure.kind === 'Failed') return failure.value
  if (failure.kind === 'Unreadable') return 'it cannot read its input'
  const kind = (failure.value as { readonly kind?: unknown } | undefined)?.kind
  return typeof kind === 'string' ? `it reverted with ${kind}` : 'it reverted'
}
