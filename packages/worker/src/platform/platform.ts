/** Owns what a worker asks of the machine it runs on. One file per platform implements it and passes `compliance.ts`. */

/** A source of evidence and of sealing keys. Implementations belong to the trusted side: what they return never leaves it unprotected. */
export interface Platform {
  /** Name as operators choose it, for example `software`. */
  readonly name: string
  /** Measurement of the running code, as evidence carries it; at least 32 bytes. */
  readonly measurement: Uint8Array
  /** Name under which the chain knows this kind of evidence, in the JSON text of `Option<AttestationProvider>`. */
  readonly provider: string
  /** Attestation methods for GetInfo. */
  readonly attestationMethods: readonly string[]
  /** `[cpu cores, cpu feature level]`. */
  readonly features: readonly number[]
  /** 32 secret bytes, the same on every start of this code on this machine, others for other code or another machine. The caller erases them. */
  sealingKey(): Promise<Uint8Array>
  /** SCALE `Option<AttestationReport>` that carries these 64 bytes. `nowMs` is chain time. */
  quote(options: { readonly reportData: Uint8Array; readonly nowMs: bigint }): Promise<Uint8Array>
}

/** Bytes that evidence can carry. */
export const REPORT_DATA_BYTES = 64
