/** Owns waiting for several things of which some may fail: nothing is left starting behind our back. */

/** Like `Promise.all`, but rejects only when all have ended, with the first failure. */
export const settleAll = async <const T extends readonly Promise<unknown>[]>(promises: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  const ended = await Promise.allSettled(promises)
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
  return ended.map((one) => (one.status === 'fulfilled' ? one.value : undefined)) as { -readonly [K in keyof T]: Awaited<T[K]> }
}
