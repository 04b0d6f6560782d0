import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { explainInstallFailure, installReason, nodeProblem } from './preflight.mjs'

describe('the Node that runs us', () => {
  test.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0'])('%s will do', (version) => {
    expect(nodeProblem(version)).toBeUndefined()
  })
  test.each(['18.20.4', '20.18.3', '12.22.0'])('%s is refused with cause and fix', (version) => {
    expect(nodeProblem(version)).toMatchObject({ cause: expect.stringContaining(version), fix: expect.stringContaining('nodejs.org') })
  })
})

describe('whether npm ci is needed', () => {
  let root = ''
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'phalanx-preflight-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const writeLocks = (wanted: object, have?: object): void => {
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }))
    if (have === undefined) return
    mkdirSync(join(root, 'node_modules'))
    writeFileSync(join(root, 'node_modules/.package-lock.json'), JSON.stringify({ packages: have }))
    utimesSync(join(root, 'node_modules/.package-lock.json'), 1, 1)
  }

  test('on a fresh clone', () => {
    writeLocks({})
    expect(installReason(root)).toContain('nothing is installed')
  })
  test('not when the same versions are installed, whatever the dates', () => {
    writeLocks({ '': {}, 'packages/a': {}, 'node_modules/ws': { version: '8.0.0' } }, { 'node_modules/ws': { version: '8.0.0' } })
    expect(installReason(root)).toBeUndefined()
  })
  test('when a version changed or a package is new', () => {
    writeLocks({ 'node_modules/ws': { version: '8.1.0' } }, { 'node_modules/ws': { version: '8.0.0' } })
    expect(installReason(root)).toContain('ws')
    rmSync(join(root, 'node_modules'), { recursive: true })
    writeLocks({ 'node_modules/new': { version: '1.0.0' } }, {})
    expect(installReason(root)).toContain('new')
  })
  test('not for packages of other platforms that npm left out', () => {
    writeLocks({ 'node_modules/win': { version: '1.0.0', optional: true } }, {})
    expect(installReason(root)).toBeUndefined()
  })
  test('when the record of what is installed is broken', () => {
    writeLocks({}, {})
    writeFileSync(join(root, 'node_modules/.package-lock.json'), '{')
    utimesSync(join(root, 'node_modules/.package-lock.json'), 1, 1)
    expect(installReason(root)).toContain('unreadable')
  })
})

describe('why npm ci failed', () => {
  test.each([
    ['ENOENT', '', 'npm was not found'],
    [1, 'npm error code ENOTFOUND', 'registry cannot be reached'],
    [1, 'npm error code EAI_AGAIN', 'registry cannot be reached'],
    [1, 'npm error ENOSPC: no space left', 'disk is full'],
    [243, 'npm error code EACCES', 'cannot be written'],
    [1, 'npm warn x\nnpm error code EUSAGE\nnpm error the lock file is not in sync', 'lock file is not in sync'],
  ])('%s %s', (code, output, cause) => {
    expect(explainInstallFailure(code, output).cause).toContain(cause)
    expect(explainInstallFailure(code, output).fix).toMatch(/\.$/)
  })
})
