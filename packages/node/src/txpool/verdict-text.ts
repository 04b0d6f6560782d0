/** Owns the sentences that clients of Substrate nodes know for refused transactions. Relays look for "bad signature" in them. */
import type { TransactionValidityError } from '@phalanx/runtime/frame'

const INVALID: Readonly<Record<string, string>> = {
  Call: 'Transaction call is not expected',
  Payment: 'Inability to pay some fees (e.g. account balance too low)',
  Future: 'Transaction will be valid in the future',
  Stale: 'Transaction is outdated',
  BadProof: 'Transaction has a bad signature',
  AncientBirthBlock: 'Transaction has an ancient birth block',
  ExhaustsResources: 'Transaction would exhaust the block limits',
  BadMandatory: 'A call was labelled as mandatory, but resulted in an Error.',
  MandatoryValidation: 'Transaction dispatch is mandatory; transactions must not be validated.',
  BadSigner: 'Invalid signing address',
}

const UNKNOWN: Readonly<Record<string, string>> = {
  CannotLookup: 'Could not lookup information required to validate the transaction',
  NoUnsignedValidator: 'Could not find an unsigned validator for the unsigned transaction',
}

/** The sentence of a refusal. */
export const verdictText = (error: TransactionValidityError): string => {
  const { kind, value } = error
  if (kind === 'Invalid') return value.kind === 'Custom' ? `InvalidTransaction custom error: ${value.value}` : (INVALID[value.kind] ?? value.kind)
  return value.kind === 'Custom' ? `UnknownTransaction custom error: ${value.value}` : (UNKNOWN[value.kind] ?? value.kind)
}
