/** A contract that calls contracts in ink! that others wrote, for tests across languages. */
import { AccountId, Balance, bool, bytes, command, constructor, defineContract, defineInterface, foreignCommand, foreignQuery, option, query, text, tuple, u8, variant } from '@phalanx/sdk/contract'

const TokenError = variant('PSP22Error', {
  Custom: { index: 0, value: text }, InsufficientBalance: { index: 1 }, InsufficientAllowance: { index: 2 }, ZeroRecipientAddress: { index: 3 }, ZeroSenderAddress: { index: 4 },
  SafeTransferCheckFailed: { index: 5, value: text }, PermitInvalidSignature: { index: 6 }, PermitExpired: { index: 7 },
})

const Token = defineInterface({
  name: 'PSP22',
  messages: {
    totalSupply: foreignQuery({ selector: '0x162df8c2', returns: Balance }),
    balanceOf: foreignQuery({ selector: '0x6568382f', args: { owner: AccountId }, returns: Balance }),
    name: foreignQuery({ selector: '0x3d261bd4', returns: option(text) }),
    decimals: foreignQuery({ selector: '0x7271b782', returns: u8 }),
    transfer: foreignCommand({ selector: '0xdb20f9f5', args: { to: AccountId, value: Balance, data: bytes }, errors: TokenError }),
    mint: foreignCommand({ selector: '0xfc3c75d4', args: { to: AccountId, amount: Balance }, errors: TokenError }),
  },
})

const Flipper = defineInterface({ name: 'flipper', messages: { flip: foreignCommand({}), get: foreignQuery({ returns: bool }) } })

export default defineContract({
  name: 'shop',
  constructors: { new: constructor({ run() {} }) },
  messages: {
    flip: command({
      args: { at: AccountId }, returns: tuple(bool, bool),
      run(ctx, { at }) {
        const flipper = ctx.contract(Flipper, at)
        const before = flipper.get()
        flipper.flip()
        return [before, flipper.get()]
      },
    }),
    describe: query({ args: { token: AccountId, who: AccountId }, returns: tuple(option(text), u8, Balance, Balance), run(ctx, { token, who }) {
      const calls = ctx.contract(Token, token)
      return [calls.name(), calls.decimals(), calls.totalSupply(), calls.balanceOf({ owner: who })]
    } }),
    pay: command({ args: { token: AccountId, to: AccountId, value: Balance }, run: (ctx, { token, to, value }) => ctx.contract(Token, token).transfer({ to, value, data: new Uint8Array(0) }) }),
    tryPay: command({
      args: { token: AccountId, to: AccountId, value: Balance }, returns: option(TokenError),
      run(ctx, { token, to, value }) {
        const answer = ctx.tryContract(Token, token).transfer({ to, value, data: new Uint8Array(0) })
        return answer.ok || answer.error.kind !== 'Reverted' ? undefined : answer.error.value
      },
    }),
    mint: command({ args: { token: AccountId, amount: Balance }, run: (ctx, { token, amount }) => ctx.contract(Token, token).mint({ to: ctx.address, amount }) }),
  },
})
