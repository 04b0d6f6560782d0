/** Owns the state that contracts under test share: balances, storage, codes, contracts, what was told. Changes can be taken back to a mark. */
import { bytesToKey } from '@phalanx/primitives/bytes'
import type { ContractProgram } from '../contract/dispatch.ts'

/** A contract in the world. */
export interface TestContract {
  readonly address: Uint8Array
  readonly codeHash: Uint8Array
}

/** An event as the chain would see it. */
export interface RawEvent {
  readonly contract: Uint8Array
  readonly topics: readonly Uint8Array[]
  readonly data: Uint8Array
}

/** A note of a contract; level 1 is an error, 5 a trace. */
export interface TestLog {
  readonly contract: Uint8Array
  readonly level: number
  readonly message: string
}

/** State of all contracts under test. */
export class TestWorld {
  readonly codes = new Map<string, ContractProgram>()
  readonly logs: TestLog[] = []
  readonly cache = new Map<string, Uint8Array>()
  private readonly balances = new Map<string, bigint>()
  private readonly contracts = new Map<string, TestContract>()
  private readonly items = new Map<string, Map<string, Uint8Array>>()
  private readonly told: RawEvent[] = []
  private readonly undo: (() => void)[] = []

  /** A point to which `rollback` returns. */
  mark(): number {
    return this.undo.length
  }

  /** Takes back every change since a mark. */
  rollback(mark: number): void {
    while (this.undo.length > mark) this.undo.pop()?.()
  }

  private change<V>(map: Map<string, V>, key: string, value: V | undefined): void {
    const before = map.get(key)
    this.undo.push(() => {
      if (before === undefined) map.delete(key)
      else map.set(key, before)
    })
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }

  balanceOf(account: Uint8Array): bigint {
    return this.balances.get(bytesToKey(account)) ?? 0n
  }

  setBalance(account: Uint8Array, value: bigint): void {
    this.change(this.balances, bytesToKey(account), value)
  }

  /** Moves balance. @returns false, and nothing moved, where `least` would not be left */
  transfer({ from, to, value, least }: { readonly from: Uint8Array; readonly to: Uint8Array; readonly value: bigint; readonly least: bigint }): boolean {
    if (value === 0n) return true
    const rest = this.balanceOf(from) - value
    if (value < 0n || rest < least) return false
    this.setBalance(from, rest)
    this.setBalance(to, this.balanceOf(to) + value)
    return true
  }

  contract(address: Uint8Array): TestContract | undefined {
    return this.contracts.get(bytesToKey(address))
  }

  setContract(address: Uint8Array, contract: TestContract | undefined): void {
    this.change(this.contracts, bytesToKey(address), contract)
  }

  private itemsOf(contract: Uint8Array): Map<string, Uint8Array> {
    const key = bytesToKey(contract)
    const known = this.items.get(key)
    if (known !== undefined) return known
    const fresh = new Map<string, Uint8Array>()
    this.items.set(key, fresh)
    return fresh
  }

  item(contract: Uint8Array, key: Uint8Array): Uint8Array | undefined {
    return this.itemsOf(contract).get(bytesToKey(key))?.slice()
  }

  setItem(contract: Uint8Array, key: Uint8Array, value: Uint8Array | undefined): void {
    this.change(this.itemsOf(contract), bytesToKey(key), value?.slice())
  }

  clearItems(contract: Uint8Array): void {
    const items = this.itemsOf(contract)
    for (const key of [...items.keys()]) this.change(items, key, undefined)
  }

  tell(event: RawEvent): void {
    this.told.push(event)
    this.undo.push(() => void this.told.pop())
  }

  get events(): readonly RawEvent[] {
    return this.told
  }
}
