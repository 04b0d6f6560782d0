/** Owns what tests of every package share. For tests only. */
import { isAppError } from './errors.ts'

/** Code of the AppError that `run` throws, `none` where it throws nothing, and the text of any other error: tests assert codes, not messages. */
export const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return isAppError(error) ? error.code : String(error)
  }
  return 'none'
}

/** The same of a promise that rejects. */
export const codeOfRejection = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act
  } catch (error) {
    return isAppError(error) ? error.code : String(error)
  }
  return 'none'
}
