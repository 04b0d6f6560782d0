/** Owns trying what may fail without failing with it. */
import type { Context } from '../../frame/context.ts'
import { DispatchFailure } from '../../frame/dispatch-error.ts'

/** Runs in a layer of its own. False: it failed as a call does and left nothing. */
export const attempt = (ctx: Context, run: () => void): boolean => {
  ctx.storage.begin()
  try {
    run()
    ctx.storage.commit()
    return true
  } catch (error) {
    if (!(error instanceof DispatchFailure)) throw error
    ctx.storage.rollback()
    return false
  }
}
