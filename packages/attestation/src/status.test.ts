/** Statuses: merging and confidence as the reference's table. */
import { describe, expect, test } from 'vitest'
import { TCB_STATUSES, confidenceOf, mergeStatus, type TcbStatus } from './status.ts'

describe('mergeStatus', () => {
  test.each<[TcbStatus, TcbStatus, TcbStatus]>([
    ['UpToDate', 'UpToDate', 'UpToDate'],
    ['UpToDate', 'OutOfDate', 'OutOfDate'],
    ['SWHardeningNeeded', 'OutOfDate', 'OutOfDate'],
    ['ConfigurationNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
    ['ConfigurationAndSWHardeningNeeded', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
    ['OutOfDate', 'OutOfDate', 'OutOfDate'],
    ['OutOfDateConfigurationNeeded', 'UpToDate', 'OutOfDateConfigurationNeeded'],
    ['UpToDate', 'Revoked', 'Revoked'],
    ['Revoked', 'UpToDate', 'Revoked'],
    ['SWHardeningNeeded', 'ConfigurationNeeded', 'ConfigurationAndSWHardeningNeeded'],
  ])('%s with %s is %s', (one, other, merged) => {
    expect(mergeStatus(one, other)).toBe(merged)
  })

  test('is symmetric, and up to date changes nothing', () => {
    for (const one of TCB_STATUSES) {
      expect(mergeStatus(one, 'UpToDate')).toBe(one)
      for (const other of TCB_STATUSES) expect(mergeStatus(one, other)).toBe(mergeStatus(other, one))
    }
  })
})

describe('confidenceOf', () => {
  const harmless = ['SA-1', 'SA-2']
  test.each<[TcbStatus, readonly string[], number | undefined]>([
    ['UpToDate', ['SA-9'], 1],
    ['SWHardeningNeeded', ['SA-9'], 2],
    ['ConfigurationNeeded', [], 3],
    ['ConfigurationAndSWHardeningNeeded', ['SA-1', 'SA-2'], 3],
    ['ConfigurationAndSWHardeningNeeded', ['SA-1', 'SA-9'], 4],
    ['ConfigurationNeeded', ['SA-9'], 4],
    ['OutOfDate', [], 5],
    ['OutOfDateConfigurationNeeded', ['SA-1'], 5],
    ['Revoked', [], undefined],
  ])('%s with %j is %s', (status, advisoryIds, level) => {
    expect(confidenceOf({ status, advisoryIds, harmless })).toBe(level)
  })
})
