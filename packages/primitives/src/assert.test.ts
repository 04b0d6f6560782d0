import { expect, test } from 'vitest'
import { assert, AssertionError, unreachable } from './assert.ts'

test('assert passes what holds and ends what does not', () => {
  expect(() => assert(true, 'never')).not.toThrow()
  expect(() => assert(false, 'stake is negative')).toThrow(AssertionError)
})

test('assert narrows types', () => {
  const value = [1][0]
  assert(value !== undefined, 'one element')
  expect(value + 1).toBe(2)
})

test('unreachable names the value that should not be', () => {
  expect(() => unreachable('new kind' as never)).toThrow(AssertionError)
})
