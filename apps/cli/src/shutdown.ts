/** Owns the end of long-running commands: the first SIGINT or SIGTERM closes everything in order, the second ends at once. */

/** Longest time a clean end may take before the process ends anyway; supervisors kill later. */
const CLOSE_MAX_MS = 1_600

/** Things to close, the last opened first. */
export interface Shutdown {
  /** Registers something to close at the end. */
  add(close: () => Promise<void> | void): void
  /** Resolves when the process was asked to end. */
  readonly requested: Promise<'signal' | 'failure'>
  /** Asks for the end, as a signal does. */
  request(): void
  /** Closes everything; safe to call twice. */
  close(): Promise<void>
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
    ask('signal')
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
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
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    if (failure !== undefined) throw failure
  }
  return {
    add: (close) => void closers.push(close),
    requested,
    request: () => ask('failure'),
    close: () => (closed ??= closeAll()),
  }
}
