import { AppError } from '@phalanx/primitives/errors'
import { describe, expect, test } from 'vitest'
import { chooseTrust, isLocal } from './open-network.ts'

const HERE = 'ws://127.0.0.1:9944'
const THERE = 'wss://node.example.org'
const choose = (node: string, isSimulated: boolean, trust?: 'vendors' | 'chain'): string => {
  try {
    return chooseTrust({ node, ...(trust === undefined ? {} : { trust }) }, isSimulated)
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

describe('whose word counts about workers', () => {
  test('is the vendors\', wherever the node is', () => {
    expect([choose(HERE, false), choose(THERE, false)]).toEqual(['vendors', 'vendors'])
  })
  test('is the chain\'s where it is simulated on this machine; a node elsewhere cannot talk a user out of the vendors', () => {
    expect([choose(HERE, true), choose(THERE, true)]).toEqual(['chain', 'CLI_CHAIN_SIMULATED'])
  })
  test('is whose the user says', () => {
    expect([choose(THERE, true, 'chain'), choose(THERE, false, 'chain'), choose(HERE, true, 'vendors')]).toEqual(['chain', 'chain', 'vendors'])
  })
})

test.each([
  ['ws://localhost:1', true], ['ws://127.9.0.1', true], ['ws://[::1]:9944', true], ['ws://127.0.0.1.example.org', false], ['ws://localhost.example.org', false], ['ws://10.0.0.1', false],
  ['ws://[::2]', false], ['ws://0x7f000001', true], ['wss://example.org/127.0.0.1', false],
])('%s is on this machine: %s', (url, expected) => {
  expect(isLocal(url)).toBe(expected)
})
