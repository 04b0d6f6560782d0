import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Command } from 'commander'
import { createProgram } from './program.ts'
import { runCli } from './testing.ts'
import { processIo } from './system.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'phalanx-cli-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const pathsOf = (command: Command, before: readonly string[] = []): readonly (readonly string[])[] =>
  command.commands.flatMap((child) => [[...before, child.name()], ...pathsOf(child, [...before, child.name()])])

const commands = pathsOf(createProgram(processIo(), () => {}))

describe('help', () => {
  test('covers all commands', () => {
    expect(commands.map((path) => path.join(' '))).toEqual([
      'dev', 'node', 'worker', 'relay', 'keys', 'keys generate', 'keys inspect', 'keys backup', 'keys restore', 'chain-spec', 'chain-spec dev', 'chain-spec build', 'chain-spec check', 'verify', 'doctor', 'policy', 'policy show', 'policy dry-run', 'policy call', 'simulate', 'simulate economy', 'explain', 'explain worker', 'explain stake', 'explain balance', 'rewards', 'contract', 'contract new', 'contract build', 'contract test', 'contract deploy', 'contract call', 'contract query', 'contract logs', 'observe',
    ])
  })

  test.each([[], ...commands].map((path) => [path.join(' ')]))('of "%s" shows an example', async (path) => {
    const words = path === '' ? [] : path.split(' ')
    const { exitCode, stdout, stderr } = await runCli([...words, '--help'])
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toContain('Examples:')
    expect(stdout).toContain(`$ phalanx ${path}`.trim())
  })

  test('--version prints the version', async () => {
    expect(await runCli(['--version'])).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})

describe('wrong usage', () => {
  const cases: readonly (readonly [argv: readonly string[], code: string, hint: string])[] = [
    [['frobnicate'], 'CLI_USAGE', 'phalanx --help'],
    [['dev', '--frob'], 'CLI_USAGE', 'phalanx dev --help'],
    [['dev', '--worker', '2'], 'CLI_USAGE', '--workers'],
    [['keys', 'frob'], 'CLI_USAGE', 'phalanx keys --help'],
    [['keys'], 'CLI_USAGE', 'phalanx keys --help'],
    [['worker'], 'CLI_USAGE', '--base-path'],
    [['node'], 'CLI_USAGE', '--chain'],
    [['node', '--dev', '--chain', 'x'], 'CLI_USAGE', '--chain'],
    [['relay', '--worker', 'http://127.0.0.1:1', '--signer', '//Alice'], 'CLI_USAGE', '--node'],
    [['relay', '--node', 'ws://127.0.0.1:1', '--signer', '//Alice'], 'CLI_USAGE', '--worker'],
    [['relay', '--node', 'ws://127.0.0.1:1', '--worker', 'http://127.0.0.1:1'], 'CLI_USAGE', '--signer'],
    [['dev', '--workers', '-1'], 'CLI_OPTION_INVALID', '0 to 64'],
    [['dev', '--workers', '65'], 'CLI_OPTION_INVALID', '0 to 64'],
    [['dev', '--block-time', '1e3'], 'CLI_OPTION_INVALID', '50'],
    [['dev', '--rpc-port', '65536'], 'CLI_OPTION_INVALID', '65535'],
    [['dev', '--log-level', 'loud'], 'CLI_OPTION_INVALID', 'debug'],
    [['node', '--dev', '--rpc-methods', 'all'], 'CLI_OPTION_INVALID', 'unsafe'],
    [['worker', '--base-path', 'x', '--platform', 'abacus'], 'CLI_OPTION_INVALID', 'software'],
    [['relay', '--node', 'http://127.0.0.1:1'], 'CLI_OPTION_INVALID', 'ws://'],
    [['relay', '--worker', 'ftp://x'], 'CLI_OPTION_INVALID', 'http://'],
    [['keys', 'generate', '--words', '13'], 'CLI_OPTION_INVALID', '12'],
    [['keys', 'backup', '--out', 'x'], 'CLI_USAGE', '--key'],
    [['keys', 'restore', 'x'], 'CLI_USAGE', '--key'],
  ]

  test.each(cases.map(([argv, code, hint]) => [argv.join(' '), code, hint, argv] as const))('%s is refused with %s', async (_name, code, hint, argv) => {
    const { exitCode, stdout, stderr } = await runCli(argv)
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(code)
    expect(stderr).toMatch(/cause: .+\n +fix: +.+\n/)
    expect(stderr).toContain(hint)
  })

  test('suggests the command that was meant', async () => {
    expect((await runCli(['workr'])).stderr).toContain('worker')
  })

  test('is told to machines as one JSON object', async () => {
    const { exitCode, stdout, stderr } = await runCli(['dev', '--json', '--workers', 'many'])
    expect(exitCode).toBe(2)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ event: 'error', code: 'CLI_OPTION_INVALID', fix: expect.any(String) })
  })
})

describe('colours', () => {
  test('appear on a terminal only, and not where NO_COLOR is set', async () => {
    const isColoured = async (options: Parameters<typeof runCli>[1]): Promise<boolean> => (await runCli(['dev', '--frob'], options)).stderr.includes('\u001b[')
    expect(await isColoured({ isTerminal: true })).toBe(true)
    expect(await isColoured({ isTerminal: true, env: { NO_COLOR: '1' } })).toBe(false)
    expect(await isColoured({ isTerminal: false })).toBe(false)
  })
})

describe('keys', () => {
  const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'

  test('inspect shows address and public key, never the secret', async () => {
    const phrase = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'
    const { exitCode, stdout } = await runCli(['keys', 'inspect', '--file', '-', '--prefix', '42', '--json'], { stdin: `${phrase}//Alice\n` })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      type: 'sr25519', address: ALICE, publicKey: '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d', accountId: '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
    })
    expect(stdout).not.toContain('lake')
  })

  test('generate writes a key file for the owner alone that inspect reads', async () => {
    const file = join(folder, 'relay.key')
    const made = JSON.parse((await runCli(['keys', 'generate', '--out', file, '--json'])).stdout) as Record<string, string>
    expect(made).not.toHaveProperty('phrase')
    const seen = JSON.parse((await runCli(['keys', 'inspect', '--file', file, '--json'])).stdout) as Record<string, string>
    expect(seen['publicKey']).toBe(made['publicKey'])
    expect((await runCli(['keys', 'generate', '--out', file])).stderr).toContain('CLI_FILE_EXISTS')
  })

  test.each([[['keys', 'inspect', '//Alice/soft', '--type', 'ed25519'], 'CRYPTO_INVALID_SURI'], [['keys', 'inspect'], 'CLI_SECRET_MISSING'], [['keys', 'inspect', '--file', '/nowhere'], 'CLI_FILE_UNREADABLE']] as const)(
    '%s fails with %s', async (argv, code) => {
      const { exitCode, stderr } = await runCli(argv)
      expect(exitCode).toBe(1)
      expect(stderr).toContain(code)
    })
})

describe('backups', () => {
  const setUp = async () => {
    const key = join(folder, 'relay.key')
    const passphrase = join(folder, 'passphrase')
    const backup = join(folder, 'backup')
    writeFileSync(key, '//Alice\n')
    writeFileSync(passphrase, 'correct horse\n')
    const made = await runCli(['keys', 'backup', '--key', key, '--out', backup, '--passphrase-file', passphrase])
    return { key, passphrase, backup, made }
  }

  test('come back as they were, and hide what they hold', async () => {
    const { passphrase, backup, made } = await setUp()
    expect(made.exitCode).toBe(0)
    expect(readFileSync(backup, 'utf8')).not.toContain('Alice')
    const restored = join(folder, 'restored.key')
    expect((await runCli(['keys', 'restore', backup, '--key', restored, '--passphrase-file', passphrase])).exitCode).toBe(0)
    expect(readFileSync(restored, 'utf8')).toBe('//Alice\n')
  })

  test('are refused with a wrong passphrase, when altered, and never overwrite', async () => {
    const { key, passphrase, backup } = await setUp()
    const wrong = join(folder, 'wrong')
    writeFileSync(wrong, 'wrong horse\n')
    expect((await runCli(['keys', 'restore', backup, '--check', '--passphrase-file', wrong])).stderr).toContain('CLI_BACKUP_WRONG_PASSPHRASE')
    expect((await runCli(['keys', 'restore', backup, '--key', key, '--passphrase-file', passphrase])).stderr).toContain('CLI_FILE_EXISTS')
    const altered = join(folder, 'altered')
    writeFileSync(altered, readFileSync(backup, 'utf8').replace('"p": 1', '"p": 2'))
    expect((await runCli(['keys', 'restore', altered, '--check', '--passphrase-file', passphrase])).stderr).toContain('CLI_BACKUP_WRONG_PASSPHRASE')
    writeFileSync(altered, readFileSync(backup, 'utf8').replace('131072', '1073741824'))
    expect((await runCli(['keys', 'restore', altered, '--check', '--passphrase-file', passphrase])).stderr).toContain('CLI_BACKUP_MALFORMED')
    writeFileSync(altered, '{')
    expect((await runCli(['keys', 'restore', altered, '--check', '--passphrase-file', passphrase])).stderr).toContain('CLI_BACKUP_MALFORMED')
  })

  test('want a passphrase of some length, and a secret from somewhere', async () => {
    const { key } = await setUp()
    const short = join(folder, 'short')
    writeFileSync(short, 'abc\n')
    expect((await runCli(['keys', 'backup', '--key', key, '--out', join(folder, 'b2'), '--passphrase-file', short])).stderr).toContain('CLI_PASSPHRASE_WEAK')
    expect((await runCli(['keys', 'backup', '--key', key, '--out', join(folder, 'b2')])).stderr).toContain('CLI_SECRET_MISSING')
  })
})

describe('chain specifications', () => {
  test('of the development chain are what check accepts', async () => {
    const file = join(folder, 'dev.json')
    writeFileSync(file, (await runCli(['chain-spec', 'dev'])).stdout)
    const { exitCode, stdout } = await runCli(['chain-spec', 'check', file, '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ id: 'phalanx-dev', simulated: true, genesis: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
  })

  test('are built from changes, checked before they are written', async () => {
    const changes = join(folder, 'changes.json')
    const out = join(folder, 'mine.json')
    writeFileSync(changes, JSON.stringify({ name: 'Mine', id: 'mine' }))
    expect((await runCli(['chain-spec', 'build', '--from', changes, '--out', out])).exitCode).toBe(0)
    expect(JSON.parse((await runCli(['chain-spec', 'check', out, '--json'])).stdout)).toMatchObject({ name: 'Mine' })
    writeFileSync(changes, JSON.stringify({ id: 'NOT AN ID' }))
    expect((await runCli(['chain-spec', 'build', '--from', changes])).stderr).toContain('CHAIN_SPEC_MALFORMED')
  })

  test('that are none are refused', async () => {
    const file = join(folder, 'bad.json')
    writeFileSync(file, '[')
    expect((await runCli(['chain-spec', 'check', file])).stderr).toContain('CLI_CONFIG_MALFORMED')
    writeFileSync(file, '{"a":1}')
    expect((await runCli(['chain-spec', 'check', file])).stderr).toContain('CHAIN_SPEC_')
    expect((await runCli(['chain-spec', 'check', join(folder, 'none')])).stderr).toContain('CLI_FILE_UNREADABLE')
  })
})

describe('relay configuration', () => {
  test.each([
    ['{', 'JSON'], ['[]', 'object'], ['{"node":["ws://x"]}', 'not a known field'], ['{"nodes":["http://x"]}', 'nodes[0]'], ['{"workers":[{"endpoints":[]}]}', 'url is missing'],
    ['{"statusPort":-1}', 'port'], ['{"signerType":"rsa"}', 'one of'],
  ])('%s is refused', async (content, reason) => {
    const file = join(folder, 'relay.json')
    writeFileSync(file, content)
    const { exitCode, stderr } = await runCli(['relay', '--config', file])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('CLI_CONFIG_MALFORMED')
    expect(stderr).toContain(reason)
  })
})
