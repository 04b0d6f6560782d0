import { expect, expectTypeOf, test } from 'vitest'
import {
  AccountId, Balance, bool, command, constructor, defineContract, defineStorage, event, indexed, map, query, text, tuple, u32, value, variant, vec,
  type ArgsOf, type CommandContext, type ConstructorArgsOf, type ContractCalls, type ErrorOf, type EventsOf, type MessageNames, type MessagesOf, type QueryContext,
  type ReturnOf, type TypeOf,
} from './index.ts'

const Problem = variant('Problem', { Closed: { index: 0 }, TooLow: { index: 1, value: Balance } })
const Bid = event('Bid', { bidder: indexed(AccountId), count: u32 })
const kept = defineStorage({ owner: value(AccountId), count: value(u32, 0), bids: map(AccountId, Balance), names: map(u32, text, '') })

const Auction = defineContract({
  name: 'auction',
  events: [Bid],
  storage: kept,
  constructors: {
    new: constructor({
      args: { lot: text, least: Balance },
      errors: Problem,
      run(ctx, { lot, least }) {
        expectTypeOf<Parameters<typeof ctx.revert>[0]['kind']>().toEqualTypeOf<'Closed' | 'TooLow'>()
        expectTypeOf(ctx).toExtend<CommandContext<TypeOf<typeof Problem>>>()
        expectTypeOf(lot).toEqualTypeOf<string>()
        expectTypeOf(least).toEqualTypeOf<bigint>()
      },
    }),
  },
  messages: {
    bid: command({
      args: { amount: Balance },
      returns: u32,
      errors: Problem,
      payable: true,
      run(ctx, { amount }) {
        if (amount < 1n) return ctx.revert({ kind: 'TooLow', value: 1n })
        // @ts-expect-error no such error
        if (amount > 9n) return ctx.revert({ kind: 'TooHigh' })
        // @ts-expect-error not the event's field
        ctx.emit(Bid, { who: ctx.caller })
        ctx.emit(Bid, { bidder: ctx.caller, count: 1 })
        return 1
      },
    }),
    close: command({ run: (ctx) => kept.count.set(ctx, 1) }),
    winner: query({
      returns: vec(AccountId),
      run(ctx) {
        expectTypeOf(ctx).toEqualTypeOf<QueryContext>()
        // @ts-expect-error a query writes nothing
        expect(() => kept.count.set(ctx, 1)).toThrow()
        // @ts-expect-error this query declares no errors
        if (kept.count.get(ctx) > 7) ctx.revert({ kind: 'Closed' })
        return [ctx.caller]
      },
    }),
    isOpen: query({ args: { at: u32 }, returns: bool, run: () => true }),
    problem: query({ returns: tuple(u32, Problem), run: (ctx) => [ctx.blockNumber, { kind: 'TooLow', value: 1n }] }),
    state: query({ returns: Problem, run: (ctx) => (ctx.blockNumber > 1 ? { kind: 'Closed' } : { kind: 'TooLow', value: 1n }) }),
  },
})
type Auction = typeof Auction

test('clients derive everything from the declaration', () => {
  expectTypeOf<ArgsOf<Auction, 'bid'>>().toEqualTypeOf<{ readonly amount: bigint }>()
  expectTypeOf<ReturnOf<Auction, 'bid'>>().toEqualTypeOf<number>()
  expectTypeOf<ReturnOf<Auction, 'close'>>().toEqualTypeOf<void>()
  expectTypeOf<ReturnOf<Auction, 'winner'>>().toEqualTypeOf<readonly Uint8Array[]>()
  expectTypeOf<ErrorOf<Auction, 'bid'>['kind']>().toEqualTypeOf<'Closed' | 'TooLow'>()
  expectTypeOf<ErrorOf<Auction, 'close'>>().toEqualTypeOf<never>()
  expectTypeOf<ConstructorArgsOf<Auction, 'new'>>().toEqualTypeOf<{ readonly lot: string; readonly least: bigint }>()
  expectTypeOf<MessageNames<Auction>>().toEqualTypeOf<'bid' | 'close' | 'winner' | 'isOpen' | 'problem' | 'state'>()
  expectTypeOf<MessageNames<Auction, 'query'>>().toEqualTypeOf<'winner' | 'isOpen' | 'problem' | 'state'>()
  expectTypeOf<MessagesOf<Auction>['bid']['kind']>().toEqualTypeOf<'command'>()
  expectTypeOf<EventsOf<Auction>>().toEqualTypeOf<{ readonly kind: 'Bid'; readonly value: { readonly bidder: Uint8Array; readonly count: number } }>()
  expect(Object.keys(Auction.messages)).toEqual(['bid', 'close', 'winner', 'isOpen', 'problem', 'state'])
})

test('another contract is called by its declaration', () => {
  expectTypeOf<ContractCalls<Auction>['bid']>().toBeCallableWith({ amount: 1n }, { value: 2n })
  expectTypeOf<ContractCalls<Auction>['close']>().toBeCallableWith()
  expectTypeOf<ContractCalls<Auction>['winner']>().returns.toEqualTypeOf<readonly Uint8Array[]>()
  expectTypeOf<ContractCalls<Auction, 'query'>>().not.toHaveProperty('bid')
})

test('cells know whether something is always there', () => {
  expectTypeOf(kept.bids.get).returns.toEqualTypeOf<bigint | undefined>()
  expectTypeOf(kept.names.get).returns.toEqualTypeOf<string>()
  expectTypeOf(kept.count.get).returns.toEqualTypeOf<number>()
  expect(kept.count.rootKey).toHaveLength(4)
})

test('mistakes do not compile', () => {
  // @ts-expect-error a case that is not declared
  expect(query({ returns: Problem, run: () => ({ kind: 'Open' }) }).kind).toBe('query')
  // @ts-expect-error returns a text where a number is declared
  expect(command({ returns: u32, run: () => 'one' }).kind).toBe('command')
  // @ts-expect-error a query takes no payment
  expect(query({ payable: true, run: () => undefined }).isPayable).toBe(true)
  // @ts-expect-error an initial value of another type
  expect(value(u32, 'none')).toBeTypeOf('function')
})
