/**
 * Owns the platform status words, how two of them merge, and the confidence level of registry.md §2.5.
 * Which advisories count as harmless is the kind's knowledge and is handed in.
 */

/** Status of a platform or of a component, in the words of TCB info (which evidence of other forms is mapped to). */
export type TcbStatus = (typeof TCB_STATUSES)[number]

/** All statuses. The order is the wire index in policies: append only. */
export const TCB_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const

/** Concluded by verifiers about guests that run on newer firmware than they were started on; no signed document states them. */
const CONCLUDED: readonly string[] = ['TDRelaunchAdvised', 'TDRelaunchAdvisedConfigurationNeeded']

/** Whether a word is a status that a signed document may state. */
export const isTcbStatus = (word: string): word is TcbStatus => (TCB_STATUSES as readonly string[]).includes(word) && !CONCLUDED.includes(word)

interface Reservations {
  readonly software: boolean
  readonly configuration: boolean
  readonly relaunch: boolean
  readonly outOfDate: boolean
}

const reserved = (...names: readonly (keyof Reservations)[]): Reservations =>
  ({ software: names.includes('software'), configuration: names.includes('configuration'), relaunch: names.includes('relaunch'), outOfDate: names.includes('outOfDate') })

const RESERVATIONS: Readonly<Record<TcbStatus, Reservations>> = {
  UpToDate: reserved(),
  SWHardeningNeeded: reserved('software'),
  ConfigurationNeeded: reserved('configuration'),
  ConfigurationAndSWHardeningNeeded: reserved('software', 'configuration'),
  OutOfDate: reserved('outOfDate'),
  OutOfDateConfigurationNeeded: reserved('configuration', 'outOfDate'),
  Revoked: reserved('outOfDate'),
  TDRelaunchAdvised: reserved('relaunch'),
  TDRelaunchAdvisedConfigurationNeeded: reserved('configuration', 'relaunch'),
}

/** Whether a status reserves that the platform's configuration must change. */
export const needsConfiguration = (status: TcbStatus): boolean => RESERVATIONS[status].configuration

/**
 * Status of a whole from those of two parts: every reservation of either stands; being out of date covers an advised relaunch and
 * missing software hardening; revoked covers all. This is the vendor's converging of platform, quoting enclave and module, read as a rule.
 */
export const mergeStatus = (one: TcbStatus, other: TcbStatus): TcbStatus => {
  if (one === 'Revoked' || other === 'Revoked') return 'Revoked'
  const a = RESERVATIONS[one]
  const b = RESERVATIONS[other]
  const configuration = a.configuration || b.configuration
  if (a.outOfDate || b.outOfDate) return configuration ? 'OutOfDateConfigurationNeeded' : 'OutOfDate'
  if (a.relaunch || b.relaunch) return configuration ? 'TDRelaunchAdvisedConfigurationNeeded' : 'TDRelaunchAdvised'
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
    // Such a guest was started by firmware that is out of date: what it kept secret then is no safer now.
    case 'TDRelaunchAdvised':
    case 'TDRelaunchAdvisedConfigurationNeeded':
      return 5
    case 'Revoked':
      return undefined
  }
}
