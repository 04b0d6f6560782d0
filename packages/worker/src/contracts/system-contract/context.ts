/** Owns what every message of the built-in system contract works with: its frame, its storage, events, and the extension functions that it needs. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { bool, fixedBytes, option, text, tuple, u128, u32, u64, u8, unit, type Codec } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { encodeEvent, InkAccountId, SYSTEM_CONTRACT, type ArgumentSpecs, type ArgumentsOf, type EventSpec } from '@phalanx/primitives/ink'
import { stopWith } from '../execution/extension-function.ts'
import { PINK_EVENT_TOPIC, PinkEvent } from '../execution/pink-event.ts'
import type { VmHost } from '../vm.ts'
import { SystemStorage } from './storage.ts'

const Hash = fixedBytes(32)

interface ExtensionSpec<A, R> {
  readonly id: number
  readonly args: Codec<A>
  readonly output: Codec<R>
}

const extension = <A, R>(id: number, args: Codec<A>, output: Codec<R>): ExtensionSpec<A, R> => ({ id, args, output })

/** The extension functions that it calls. */
export const EXTENSION = {
  log: extension(10, tuple(u8, text), unit),
  balanceOf: extension(16, tuple(InkAccountId), tuple(u128, u128)),
  codeExists: extension(19, tuple(Hash, bool), bool),
  importLatestSystemCode: extension(20, tuple(InkAccountId), option(Hash)),
  runtimeVersion: extension(21, unit, tuple(u32, u32)),
  currentEventChainHead: extension(23, unit, tuple(u64, Hash)),
} as const

/** Cryptography that it needs: topics of events. */
export type SystemCrypto = Pick<Crypto, 'blake2b256'>

/** One run of the contract. */
export class SystemContext {
  readonly host: VmHost
  readonly storage: SystemStorage
  private readonly crypto: SystemCrypto

  constructor(host: VmHost, crypto: SystemCrypto) {
    this.host = host
    this.crypto = crypto
    this.storage = new SystemStorage(host)
  }

  /** The account that called. @throws CONTRACT_TRAPPED where nobody did */
  get caller(): Uint8Array {
    const { caller } = this.host
    if (caller === undefined) throw stopWith('ContractTrapped', 'nobody called: there is no caller')
    return caller
  }

  get isByOwner(): boolean {
    return bytesEqual(this.caller, this.storage.owner())
  }

  get isByAdmin(): boolean {
    return this.storage.isAdmin(this.caller)
  }

  get isBySelf(): boolean {
    return bytesEqual(this.caller, this.host.address)
  }

  /** Tells the worker. */
  tellWorker(event: PinkEvent): void {
    this.host.emitEvent([PINK_EVENT_TOPIC], PinkEvent.encode(event))
  }

  /** Tells whoever follows the contract. */
  emit<A extends ArgumentSpecs>(spec: EventSpec<A>, values: ArgumentsOf<A>): void {
    const { topics, data } = encodeEvent(this.crypto, SYSTEM_CONTRACT.storageName, spec, values)
    this.host.emitEvent(topics, data)
  }

  /** Calls an extension function. @throws CONTRACT_TRAPPED */
  ask<A, R>(called: ExtensionSpec<A, R>, args: A): R {
    const { status, output } = this.host.chainExtension(called.id, called.args.encode(args))
    if (status !== 0) throw stopWith('ContractTrapped', `the extension function ${called.id} ended with ${status}`)
    return called.output.decode(output)
  }

  log(level: 'Error' | 'Info', message: string): void {
    this.ask(EXTENSION.log, [level === 'Error' ? 1 : 3, message])
  }
}
