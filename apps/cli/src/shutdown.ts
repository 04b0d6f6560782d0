/** Owns the end of long-running commands: the first SIGINT or SIGTERM closes everything in order, the second ends at once. */

/** Longest time a clean end may take before the process ends anyway; supervisors kill later. */
const CLOSE_MAX_MS = 1_600

/** Things to close, the last opened first. */
export interface Shutdown {
  /** Registers something to close at the end; at once where the end has come. */
  add(close: () => Promise<void> | void): void
  /** Resolves when the process was asked to end. */
  readonly requested: Promise<'signal' | 'failure'>
  /** Asks for the end, as a signal does. */
  request(): void
  /** Closes everything; safe to call twice. */
  close(): Promise<void>
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const leaveAtOnce = (): void => process.exit(0)

/** Until a command has anything to close, a signal ends the process at once and cleanly: loading code is no reason to wait. */
export const armEarlyExit = (): void => {
  for (const signal of SIGNALS) process.on(signal, leaveAtOnce)
}

/** Takes the early exit away again. */
export const disarmEarlyExit = (): void => {
  for (const signal of SIGNALS) process.off(signal, leaveAtOnce)
}

/** Listens to the process's signals until closed. */
export const createShutdown = (): Shutdown => {
  const closers: (() => Promise<void> | void)[] = []
  let ask: (why: 'signal' | 'failure') => void = () => {}
  const requested = new Promise<'signal' | 'failure'>((resolve) => (ask = resolve))
  let signals = 0
  let closed: Promise<void> | undefined
  const onSignal = (): void => {
    if (++signals > 1) process.exit(130)
    // However far the start or the end has come by then: nobody waits longer.
    setTimeout(leaveAtOnce, CLOSE_MAX_MS).unref()
    ask('signal')
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  disarmEarlyExit()
  const closeAll = async (): Promise<void> => {
    const watchdog = setTimeout(() => process.exit(signals > 0 ? 0 : 1), CLOSE_MAX_MS)
    let failure: unknown
    for (const close of closers.reverse()) {
      try {
        await close()
      } catch (error) {
        failure ??= error
      }
    }
    clearTimeout(watchdog)
    for (const signal of SIGNALS) process.off(signal, onSignal)
    if (failure !== undefined) throw failure
  }
  return {
    add(close) {
      // What opens while everything closes must not stay behind.
      if (closed === undefined) closers.push(close)
      else void Promise.resolve(close()).catch(() => {})
    },
    requested,
    request: () => ask('failure'),
    close: () => (closed ??= closeAll()),
  }
}
