/**
 * Owns the platform status words, how two of them merge, and the confidence level of registry.md §2.5.
 * Which advisories count as harmless is the kind's knowledge and is handed in.
 */

/** Status of a platform or of a component, in the words of TCB info (which evidence of other forms is mapped to). */
export type TcbStatus = (typeof TCB_STATUSES)[number]

/** All statuses, from best to worst. The order is the wire index in policies. */
export const TCB_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const

/** Whether a word is a known status. */
export const isTcbStatus = (word: string): word is TcbStatus => (TCB_STATUSES as readonly string[]).includes(word)

const FLAGS: Readonly<Record<TcbStatus, { readonly software: boolean; readonly configuration: boolean; readonly outOfDate: boolean }>> = {
  UpToDate: { software: false, configuration: false, outOfDate: false },
  SWHardeningNeeded: { software: true, configuration: false, outOfDate: false },
  ConfigurationNeeded: { software: false, configuration: true, outOfDate: false },
  ConfigurationAndSWHardeningNeeded: { software: true, configuration: true, outOfDate: false },
  OutOfDate: { software: false, configuration: false, outOfDate: true },
  OutOfDateConfigurationNeeded: { software: false, configuration: true, outOfDate: true },
  Revoked: { software: false, configuration: false, outOfDate: true },
}

/**
 * Status of a whole from those of two parts: every reservation of either stands; being out of date covers missing software
 * hardening; revoked covers all. This is the vendor's converging of platform and quoting enclave, read as a rule.
 */
export const mergeStatus = (one: TcbStatus, other: TcbStatus): TcbStatus => {
  if (one === 'Revoked' || other === 'Revoked') return 'Revoked'
  const a = FLAGS[one]
  const b = FLAGS[other]
  const configuration = a.configuration || b.configuration
  if (a.outOfDate || b.outOfDate) return configuration ? 'OutOfDateConfigurationNeeded' : 'OutOfDate'
  const software = a.software || b.software
  if (configuration) return software ? 'ConfigurationAndSWHardeningNeeded' : 'ConfigurationNeeded'
  return software ? 'SWHardeningNeeded' : 'UpToDate'
}

/** Confidence level 1 (best) to 5; undefined where the status earns none. `harmless` are advisories that do not lower level 3. */
export const confidenceOf = (options: {
  readonly status: TcbStatus
  readonly advisoryIds: readonly string[]
  readonly harmless: readonly string[]
}): number | undefined => {
  switch (options.status) {
    case 'UpToDate':
      return 1
    case 'SWHardeningNeeded':
      return 2
    case 'ConfigurationNeeded':
    case 'ConfigurationAndSWHardeningNeeded':
      return options.advisoryIds.every((id) => options.harmless.includes(id)) ? 3 : 4
    case 'OutOfDate':
    case 'OutOfDateConfigurationNeeded':
      return 5
    case 'Revoked':
      return undefined
  }
}
