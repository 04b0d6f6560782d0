/** Owns the interfaces between the SDK and whatever carries its requests: JSON-RPC transport and the injected socket. */

/** A running subscription. */
export interface Subscription {
  /** Ends it; safe to call twice and after the connection is gone. */
  unsubscribe(): void
}

/** What a subscription tells its listener. */
export interface SubscriptionListener {
  /** One notification's `result`. */
  next(result: unknown): void
  /** The connection went away and the subscription was not to be renewed. Called at most once, nothing follows. */
  lost?(error: unknown): void
}

/** What to subscribe to. */
export interface SubscriptionRequest {
  readonly method: string
  readonly unsubscribe: string
  readonly params: readonly unknown[]
  /** Subscribe again after every reconnect; otherwise `lost` is called. */
  readonly renew: boolean
}

/** Carries JSON-RPC requests and subscriptions. */
export interface Transport {
  /** @throws SDK_RPC_REFUSED and connection codes */
  request(method: string, params: readonly unknown[]): Promise<unknown>
  subscribe(request: SubscriptionRequest, listener: SubscriptionListener): Promise<Subscription>
  close(): void
}

/** The part of a WebSocket that the client needs; browsers' own and the `ws` package fit. */
export interface SocketLike {
  onopen: ((event: never) => void) | null
  onmessage: ((event: { readonly data: unknown }) => void) | null
  onclose: ((event: { readonly reason?: string }) => void) | null
  onerror: ((event: { readonly message?: string }) => void) | null
  send(text: string): void
  close(): void
}
