/** Owns proto3 default values. */
import type { Field } from '../api/schema.ts'

/** Value of a field that does not occur; a fresh list for a repeated one, undefined for one with presence. */
export const defaultOf = (field: Field<unknown>): unknown => {
  if (field.rule === 'repeated') return []
  if (field.rule === 'optional' || typeof field.type !== 'string') return undefined
  switch (field.type) {
    case 'bool': return false
    case 'uint32': return 0
    case 'uint64': return 0n
    case 'string': return ''
    case 'bytes': return new Uint8Array(0)
  }
}
