/**
 * Owns the interface of a cluster's system contract for contracts that call it: `ctx.contract(SystemContract, ctx.systemContract)`. Selectors
 * are those of the reference. Has a place of its own so that contracts that do not call it do not carry it.
 */
import { bool, named, option, text, tuple, u128, u16, u32, u64, variant } from '@phalanx/primitives/codec'
import { defineInterface, foreignCommand, foreignQuery } from './foreign.ts'
import { AccountId } from './types.ts'

/** Why a system contract refuses; the spelling is the reference's. */
export const SystemContractError = named('pink_extension::system::Error', variant('SystemError', {
  PermisionDenied: { index: 0 }, DriverNotFound: { index: 1 }, CodeNotFound: { index: 2 }, ConditionNotMet: { index: 3 },
}))

const Hook = variant('HookPoint', { OnBlockEnd: { index: 0 } })

/** Messages of a system contract that contracts call. Commands are for administrators of the cluster. */
export const SystemContract = defineInterface({
  name: 'system',
  messages: {
    version: foreignQuery({ selector: '0x87c98a8d', returns: tuple(u16, u16, u16) }),
    getDriver: foreignQuery({ selector: '0x2740cf0a', args: { name: text }, returns: option(AccountId) }),
    isAdmin: foreignQuery({ selector: '0xf06f050a', args: { contractId: AccountId }, returns: bool }),
    totalBalanceOf: foreignQuery({ selector: '0x5a98f226', args: { account: AccountId }, returns: u128 }),
    freeBalanceOf: foreignQuery({ selector: '0x8a0d40d7', args: { account: AccountId }, returns: u128 }),
    setDriver: foreignCommand({ selector: '0xaa1e2030', args: { name: text, contractId: AccountId }, errors: SystemContractError }),
    /** Calls a message at the end of each block; `selector` is the message's, as a number: 0x633aa551. */
    setHook: foreignCommand({ selector: '0x352c6b5c', args: { hook: Hook, contract: AccountId, selector: u32, gasLimit: u64 }, errors: SystemContractError }),
    setContractWeight: foreignCommand({ selector: '0x45ec9b18', args: { contractId: AccountId, weight: u32 }, errors: SystemContractError }),
  },
})
