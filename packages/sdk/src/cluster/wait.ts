/**
 * Owns waiting for something on the chain: looked for now, after every finalised block and whenever the node has come back, never by sleeping. The node may go away
 * meanwhile.
 */
import type { ChainClient } from '../chain-client.ts'
import '../errors.ts'
import type { Subscription } from '../transport.ts'
import { createSpan, type Span, type SpanDependencies, type SpanOptions } from './patience.ts'

/** A chain that can be followed. */
export type Followed = Pick<ChainClient, 'followFinalized'> & { readonly rpc: SpanDependencies['rpc'] }

/** What is waited for. */
export interface Wait<T> extends SpanOptions {
  readonly chain: Followed
  readonly surroundings: Omit<SpanDependencies, 'rpc'>
  /** Looks; undefined where it is not there yet. */
  find(): Promise<T | undefined>
}

/** Something that rings; rings while nobody waits are not lost, but count as one. */
const createBell = (): { readonly ring: () => void; readonly rung: () => Promise<void> } => {
  let isDue = false
  let answer: (() => void) | undefined
  return {
    ring: () => {
      if (answer === undefined) isDue = true
      else answer()
      answer = undefined
    },
    rung: () => new Promise((resolve) => {
      if (isDue) resolve()
      else answer = resolve
      isDue = false
    }),
  }
}

/** The first value that `find` gives within a span, looked for one at a time. @throws what ends the span, and what `find` or the subscription throws */
export const findInSpan = async <T>(span: Span, chain: Followed, find: () => Promise<T | undefined>): Promise<T> => {
  const bell = createBell()
  let subscription: Subscription | undefined
  let isDone = false
  // The going away counts as well: only who asks learns that another chain came back.
  const stop = chain.rpc.onConnection(bell.ring)
  chain.followFinalized(bell.ring).then(
    (made) => {
      subscription = made
      if (isDone) made.unsubscribe()
    },
    (error: unknown) => span.fail(error),
  )
  try {
    for (;;) {
      const found = await span.through(find)
      if (found !== undefined) return found
      await span.within(bell.rung())
    }
  } finally {
    isDone = true
    stop()
    subscription?.unsubscribe()
  }
}

/** The first value that `find` gives. @throws SDK_WAIT_TIMEOUT, SDK_WAIT_ABORTED, SDK_CLIENT_CLOSED, SDK_CHAIN_DIFFERS, and what `find` or the subscription throws */
export const waitForState = async <T>({ chain, surroundings, find, ...options }: Wait<T>): Promise<T> => {
  const { clock, random, logger } = surroundings
  const span = createSpan(options, { rpc: chain.rpc, clock, random, logger })
  try {
    return await findInSpan(span, chain, find)
  } finally {
    span.close()
  }
}
