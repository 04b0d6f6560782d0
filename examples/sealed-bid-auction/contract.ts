/**
 * A sealed-bid auction: bids are commands that only the cluster's workers can read, and stay secret until the auction is closed. The highest
 * bid wins and pays the second highest price (Vickrey), so that the answer depends on what two different senders said in secret.
 */
import {
  AccountId, Balance, bool, bytesEqual, command, constructor, defineContract, defineStorage, event, list, map, option, query, struct, text, u32, value, variant, type CommandContext,
} from '@phalanx/sdk/contract'

const AuctionError = variant('AuctionError', {
  Closed: { index: 0, docs: ['The auction takes no more bids.'] },
  StillOpen: { index: 1, docs: ['Nobody learns anything before the auction is closed.'] },
  NotSeller: { index: 2, docs: ['Only the seller closes the auction.'] },
  NothingBid: { index: 3, docs: ['A bid must be above zero.'] },
})

const Result = struct({ lot: text, winner: option(AccountId), price: Balance, bidders: u32 })

const AuctionClosed = event('AuctionClosed', { bidders: u32 }, 'The auction is closed; its result can be queried.')

const kept = defineStorage({
  seller: value(AccountId),
  lot: value(text),
  closesAfter: value(u32),
  isClosed: value(bool, false),
  bids: map(AccountId, Balance, 0n),
  bidders: list(AccountId),
})

const close = (ctx: CommandContext<never>): void => {
  kept.isClosed.set(ctx, true)
  ctx.emit(AuctionClosed, { bidders: kept.bidders.length(ctx) })
}

export default defineContract({
  name: 'sealed_bid_auction',
  docs: 'A sealed-bid auction with second price.',
  events: [AuctionClosed],
  storage: kept,
  constructors: {
    new: constructor({
      docs: 'Opens an auction. It closes when so many have bid; with 0 only its seller closes it.',
      args: { lot: text, closesAfter: u32 },
      run(ctx, { lot, closesAfter }) {
        kept.seller.set(ctx, ctx.caller)
        kept.lot.set(ctx, lot)
        kept.closesAfter.set(ctx, closesAfter)
      },
    }),
  },
  messages: {
    bid: command({
      docs: 'Bids an amount. Another bid of the same account takes the place of its first.',
      args: { amount: Balance },
      errors: AuctionError,
      run(ctx, { amount }) {
        if (kept.isClosed.get(ctx)) return ctx.revert({ kind: 'Closed' })
        if (amount === 0n) return ctx.revert({ kind: 'NothingBid' })
        if (!kept.bids.has(ctx, ctx.caller)) kept.bidders.push(ctx, ctx.caller)
        kept.bids.set(ctx, ctx.caller, amount)
        ctx.log.info('a bid was placed')
        if (kept.bidders.length(ctx) === kept.closesAfter.get(ctx)) close(ctx)
      },
    }),
    close: command({
      docs: 'Closes the auction; for its seller.',
      errors: AuctionError,
      run(ctx) {
        if (kept.isClosed.get(ctx)) return ctx.revert({ kind: 'Closed' })
        if (!bytesEqual(ctx.caller, kept.seller.get(ctx))) return ctx.revert({ kind: 'NotSeller' })
        close(ctx)
      },
    }),
    myBid: query({
      docs: 'What the caller bids; nobody else can ask for it.',
      returns: Balance,
      run: (ctx) => kept.bids.get(ctx, ctx.caller),
    }),
    isOpen: query({ docs: 'Whether bids are taken.', returns: bool, run: (ctx) => !kept.isClosed.get(ctx) }),
    result: query({
      docs: 'Who won, and the price: the second highest bid, or the only one. Of equal bids the earliest wins.',
      returns: Result,
      errors: AuctionError,
      run(ctx) {
        if (!kept.isClosed.get(ctx)) return ctx.revert({ kind: 'StillOpen' })
        const bidders = kept.bidders.all(ctx)
        let [winner, highest, second]: [Uint8Array | undefined, bigint, bigint] = [undefined, 0n, 0n]
        for (const bidder of bidders) {
          const amount = kept.bids.get(ctx, bidder)
          if (amount > highest) [winner, second, highest] = [bidder, highest, amount]
          else if (amount > second) second = amount
        }
        return { lot: kept.lot.get(ctx), winner, price: second === 0n ? highest : second, bidders: bidders.length }
      },
    }),
  },
})
