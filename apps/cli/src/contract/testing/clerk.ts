/** A contract that speaks to the system contract of its cluster, for tests on a worker's machine. */
import { AccountId, Balance, command, constructor, defineContract, option, query, text, tuple, u16 } from '@phalanx/sdk/contract'
import { SystemContract, SystemContractError } from '@phalanx/sdk/contract/system'

export default defineContract({
  name: 'clerk',
  constructors: { new: constructor({ run() {} }) },
  messages: {
    ask: query({
      args: { name: text, who: AccountId }, returns: tuple(tuple(u16, u16, u16), option(AccountId), Balance),
      run(ctx, { name, who }) {
        const system = ctx.contract(SystemContract, ctx.systemContract)
        return [system.version(), system.getDriver({ name }), system.freeBalanceOf({ account: who })]
      },
    }),
    hook: command({
      returns: option(SystemContractError),
      run(ctx) {
        const answer = ctx.tryContract(SystemContract, ctx.systemContract).setHook({ hook: { kind: 'OnBlockEnd' }, contract: ctx.address, selector: 0x633a_a551, gasLimit: 10n ** 10n })
        return answer.ok || answer.error.kind !== 'Reverted' ? undefined : answer.error.value
      },
    }),
  },
})
