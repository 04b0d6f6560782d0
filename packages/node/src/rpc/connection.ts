/** Owns one client's session: its subscriptions and whatever methods keep for it between calls. */

/** Ends when the client goes. */
export interface Connection {
  /** False for one-off requests over HTTP. */
  readonly canSubscribe: boolean
  readonly isUnsafeAllowed: boolean
  /** State that a group of methods keeps on this connection. */
  stateOf<T>(owner: object, create: () => T): T
  /** Called when the client goes. */
  onClose(listener: () => void): void
  /** When the client last sent something, by the injected clock; 0 before. */
  readonly lastRequestMs: number
  /** When the client was last sent an answer, likewise. */
  readonly lastAnswerMs: number
  /** A new identifier, unique on this connection. */
  nextId(): string
}
