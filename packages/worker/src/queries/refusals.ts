/** Owns how trouble of running code is told: codes of queries pass, a machine that gave out is one of them, faults of ours pass as they are. */
import { AppError, isAppError } from '@phalanx/primitives/errors'

/** The error as the asker may see it. */
export const asRefusal = (error: unknown): unknown =>
  isAppError(error, 'CONTRACT_ENGINE_FAILED') ? new AppError('QUERY_ENGINE_FAILED', { reason: error.context.reason }, { cause: error }) : error
