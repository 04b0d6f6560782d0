/** Owns the amounts of logging. */

/** From nothing to everything. */
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
/** One of the amounts. */
export type LogLevel = (typeof LOG_LEVELS)[number]
