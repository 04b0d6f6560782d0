import { createSocket } from 'node:dgram'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OptionalAttestationReport, referencePolicy, type AttestationPolicy } from '@phalanx/attestation'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { createSoftwarePlatform, software, softwareVendor, type Platform, type PlatformKind } from '@phalanx/worker/platform'
import { platformTable } from '@phalanx/worker/platform/table'
import { createMemoryBlobStore } from '@phalanx/worker/testing'
import { createStyle, stripStyle } from '../output.ts'
import { systemRandom } from '../system.ts'
import { runCli } from '../testing.ts'
import { examine, type ExamineOptions } from './examine.ts'
import { formatFindings, type Finding, type FindingState } from './findings.ts'
import type { Machine, NodeView, PathView } from './machine.ts'
import { createSystemMachine } from './system-machine.ts'
import { parseTimeAnswer } from './time-server.ts'

const NOW_MS = 1_790_000_000_000
const GENESIS = new Uint8Array(32).fill(0xaa)
const OPEN: PathView = { isReadable: true, isWritable: true }

let crypto: Crypto
let simulatedPolicy: AttestationPolicy
let evidencePlatform: Platform
beforeAll(async () => {
  crypto = await loadCrypto()
  simulatedPolicy = referencePolicy({ simulated: true, roots: [softwareVendor(crypto).rootCertificate] })
  evidencePlatform = await createSoftwarePlatform({}, { crypto, blobs: createMemoryBlobStore(), random: systemRandom })
})

const systemError = (code: string): Error => Object.assign(new Error(code), { code })

const nodeOf = (changes: Partial<NodeView> = {}): NodeView => ({
  genesisHash: GENESIS, specName: 'phalanx', specVersion: 1, finalizedNumber: 10, blockTimeMs: NOW_MS - 1000, policy: () => Promise.resolve(simulatedPolicy), close: () => {}, ...changes,
})

/** A machine that is in order for a confidential guest; change what differs. */
const machineOf = (changes: Partial<Machine> & { readonly paths?: Readonly<Record<string, PathView>>; readonly texts?: Readonly<Record<string, string>> } = {}): Machine => {
  const {
    paths = { '/dev/tdx_guest': OPEN, '/sys/kernel/config': OPEN, '/sys/kernel/config/tsm/report': OPEN },
    texts = { '/proc/cpuinfo': 'processor : 0\nflags\t\t: fpu tdx_guest sgx\n', '/proc/sys/kernel/osrelease': '6.8.0-49-generic\n' }, ...rest
  } = changes
  return {
    random: systemRandom, nowMs: () => NOW_MS,
    readText: (path) => (texts[path] === undefined ? Promise.reject(systemError('ENOENT')) : Promise.resolve(texts[path])),
    look: (path) => Promise.resolve(paths[path]),
    isPortFree: () => Promise.resolve(true),
    disk: () => Promise.resolve({ freeBytes: 50 * 1024 ** 3, syncMs: 2 }),
    clockOffsetMs: () => Promise.resolve(20),
    connect: () => Promise.resolve(nodeOf()),
    openPlatform: () => Promise.resolve(evidencePlatform),
    complete: (evidence) => Promise.resolve(evidence),
    ...rest,
  }
}

const platformNamed = async (name: string): Promise<PlatformKind> => {
  const entry = platformTable.find((one) => one.name === name)
  if (entry === undefined) throw new Error(name)
  return entry.load()
}

const ALL: Omit<ExamineOptions, 'platform'> = { ports: [8100, 9615], basePath: '/base', nodeUrl: 'ws://node', genesisHash: GENESIS, timeServer: 'time' }

const examineWith = async (machine: Machine, options: Partial<ExamineOptions> = {}): Promise<readonly Finding[]> =>
  examine({ ...ALL, platform: await platformNamed('tsm'), ...options }, { machine, crypto })

const byCheck = (findings: readonly Finding[], check: string): Finding | undefined => findings.find((finding) => finding.check === check)
const inState = (findings: readonly Finding[], state: FindingState): readonly string[] => findings.filter((finding) => finding.state === state).map(({ check }) => check)

describe('a machine in order', () => {
  test('has nothing to mend, from processor to policy, in this order', async () => {
    const findings = await examineWith(machineOf())
    expect(findings.map(({ check, state }) => [check, state])).toEqual([
      'cpu: confidential guest', 'device: guest device', 'driver: kernel', 'driver: configfs', 'driver: report folder', 'permission: report folder',
      'port 8100', 'port 9615', 'clock: time server', 'node', 'chain identity', 'clock: chain', 'disk: room', 'disk: synced writes', 'evidence', 'collateral', 'policy',
    ].map((check) => [check, 'ok']))
    expect(formatFindings(findings, createStyle({}, {}))).toMatch(/^Everything that was looked at is in order\./)
  })

  test('says what it did not look at, and why', async () => {
    const findings = await examine({ platform: software, ports: [] }, { machine: machineOf(), crypto })
    expect(inState(findings, 'fail')).toEqual([])
    expect(inState(findings, 'skip')).toEqual(['hardware', 'clock: time server', 'node', 'chain identity', 'clock: chain', 'disk: room', 'disk: synced writes', 'policy'])
    for (const { state, seen } of findings) if (state === 'skip') expect(seen.length).toBeGreaterThan(10)
  })
})

describe('a fault is named with its fix', () => {
  const withPaths = (paths: Readonly<Record<string, PathView>>): Machine => machineOf({ paths })
  const cases: readonly (readonly [name: string, machine: () => Machine, check: string, cause: RegExp, fix: RegExp])[] = [
    ['no guest device', () => withPaths({}), 'device: guest device', /no \/dev\/tdx_guest/, /modprobe/],
    ['an old kernel', () => machineOf({ texts: { '/proc/cpuinfo': 'flags : tdx_guest', '/proc/sys/kernel/osrelease': '6.5.0' } }), 'driver: kernel', /6\.5\.0 is older than 6\.7/, /6\.7/],
    ['a kernel without version', () => machineOf({ texts: { '/proc/cpuinfo': '', '/proc/sys/kernel/osrelease': 'next' } }), 'driver: kernel', /names no version/, /6\.7/],
    ['no /proc', () => machineOf({ texts: {} }), 'driver: kernel', /ENOENT/, /6\.7/],
    ['no configfs', () => withPaths({ '/dev/tdx_guest': OPEN }), 'driver: configfs', /no \/sys\/kernel\/config/, /mount -t configfs/],
    ['a report folder for root alone', () => withPaths({ '/dev/tdx_guest': OPEN, '/sys/kernel/config': OPEN, '/sys/kernel/config/tsm/report': { isReadable: true, isWritable: false } }), 'permission: report folder', /may not write/, /as root/],
    ['a taken port', () => machineOf({ isPortFree: (port) => Promise.resolve(port !== 9615) }), 'port 9615', /another process/, /ss -ltnp/],
    ['a privileged port', () => machineOf({ isPortFree: () => Promise.reject(systemError('EACCES')) }), 'port 8100', /EACCES/, /another port/],
    ['a wrong clock', () => machineOf({ clockOffsetMs: () => Promise.resolve(-90_000) }), 'clock: time server', /-90\.0 s/, /timedatectl/],
    ['a clock behind the chain', () => machineOf({ connect: () => Promise.resolve(nodeOf({ blockTimeMs: NOW_MS + 120_000 })) }), 'clock: chain', /-120\.0 s/, /timedatectl/],
    ['no node', () => machineOf({ connect: () => Promise.reject(new AppError('CLI_TIME_SERVER_FAILED', { server: 'x', reason: 'no answer' })) }), 'node', /no answer/, /\w/],
    ['another chain', () => machineOf({ connect: () => Promise.resolve(nodeOf({ genesisHash: new Uint8Array(32) })) }), 'chain identity', /another chain/, /--node/],
    ['a folder that cannot be written', () => machineOf({ disk: () => Promise.reject(systemError('EACCES')) }), 'disk: room', /EACCES/, /--base-path/],
    ['a full disk', () => machineOf({ disk: () => Promise.resolve({ freeBytes: 1000, syncMs: 1 }) }), 'disk: room', /0\.0 GiB/, /Free space/],
    ['a disk that takes seconds', () => machineOf({ disk: () => Promise.resolve({ freeBytes: 1e12, syncMs: 1500 }) }), 'disk: synced writes', /1500\.0 ms/, /SSD/],
    ['a platform without evidence', () => machineOf({ openPlatform: () => Promise.reject(new AppError('CLI_TIME_SERVER_FAILED', { server: 'x', reason: 'broken' })) }), 'evidence', /broken/, /\w/],
    ['a policy of real hardware alone', () => machineOf({ connect: () => Promise.resolve(nodeOf({ policy: () => Promise.resolve(referencePolicy()) })) }), 'policy', /does not admit/, /\w/],
    ['a node that loses the policy', () => machineOf({ connect: () => Promise.resolve(nodeOf({ policy: () => Promise.reject(systemError('ECONNRESET')) })) }), 'policy', /ECONNRESET/, /--node/],
  ]
  test.each(cases)('%s', async (_name, machine, check, cause, fix) => {
    const findings = await examineWith(machine())
    const found = byCheck(findings, check)
    expect(found?.state).toBe('fail')
    expect(found?.seen).toMatch(cause)
    expect(found?.fix).toMatch(fix)
    const first = findings.find(({ state }) => state === 'fail')
    const lines = stripStyle(formatFindings(findings, createStyle({ isTTY: true }, {}))).split('\n')
    expect(lines[0]).toBe(`cause  ${first?.check}: ${first?.seen}`)
    expect(lines[1]).toBe(`→ fix  ${first?.fix}`)
    for (const finding of findings) expect(lines.slice(2).join('\n')).toContain(finding.check)
  })

  test.each([
    ['a disk that is filling up', machineOf({ disk: () => Promise.resolve({ freeBytes: 1024 ** 3, syncMs: 80 }) }), ['disk: room', 'disk: synced writes']],
    ['a clock that drifts', machineOf({ clockOffsetMs: () => Promise.resolve(5000) }), ['clock: time server']],
    ['a chain that stands', machineOf({ connect: () => Promise.resolve(nodeOf({ blockTimeMs: NOW_MS - 3_600_000 })) }), ['clock: chain']],
    ['a processor that does not say it is a guest', machineOf({ texts: { '/proc/cpuinfo': 'flags : fpu', '/proc/sys/kernel/osrelease': '6.8.0' } }), ['cpu: confidential guest']],
  ])('%s is a warning, not a failure', async (_name, machine, checks) => {
    const findings = await examineWith(machine)
    expect([inState(findings, 'warn'), inState(findings, 'fail')]).toEqual([checks, []])
  })
})

describe('collateral', () => {
  const bare = async (): Promise<Platform> => ({
    ...evidencePlatform,
    async quote(request) {
      const report = OptionalAttestationReport.decode(await evidencePlatform.quote(request))
      if (report?.kind !== 'SgxDcap') throw new Error('another kind')
      return OptionalAttestationReport.encode({ kind: report.kind, value: { ...report.value, collateral: undefined } })
    },
  })
  test('is fetched for evidence that lacks it, and the policy judges the whole', async () => {
    const asked: string[] = []
    const complete = (evidence: Uint8Array, url: string): Promise<Uint8Array> => {
      asked.push(url)
      const report = OptionalAttestationReport.decode(evidence)
      if (report?.kind !== 'SgxDcap') throw new Error('another kind')
      return Promise.resolve(OptionalAttestationReport.encode({ kind: report.kind, value: { ...report.value, collateral: softwareVendor(crypto).collateral({ nowSeconds: NOW_MS / 1000 }) } }))
    }
    const findings = await examineWith(machineOf({ openPlatform: bare, complete }), { pccsUrl: 'https://pccs' })
    expect(inState(findings, 'fail')).toEqual([])
    expect([asked, byCheck(findings, 'collateral')?.state, byCheck(findings, 'policy')?.state]).toEqual([['https://pccs'], 'ok', 'ok'])
  })
  test('that cannot be fetched is a failure; without a service it is not looked at', async () => {
    const lost = await examineWith(machineOf({ openPlatform: bare, complete: () => Promise.reject(systemError('ENOTFOUND')) }), { pccsUrl: 'https://pccs' })
    expect([byCheck(lost, 'collateral')?.state, byCheck(lost, 'policy')?.state]).toEqual(['fail', 'skip'])
    const none = await examineWith(machineOf({ openPlatform: bare }))
    expect([byCheck(none, 'collateral')?.state, byCheck(none, 'policy')?.state]).toEqual(['skip', 'skip'])
  })
})

describe('an enclave\'s host', () => {
  const host = { '/dev/sgx_enclave': OPEN, '/dev/sgx_provision': OPEN, '/var/run/aesmd/aesm.socket': OPEN }
  const texts = { '/proc/cpuinfo': 'flags : sgx sgx_lc' }
  test('is examined, and evidence is left to the inside', async () => {
    const findings = await examineWith(machineOf({ paths: host, texts }), { platform: await platformNamed('gramine') })
    expect(inState(findings, 'fail')).toEqual([])
    expect(byCheck(findings, 'evidence')).toMatchObject({ state: 'skip', seen: expect.stringContaining('inside') })
  })
  test('is not looked at from the inside', async () => {
    const findings = await examineWith(machineOf({ paths: { '/dev/attestation/quote': OPEN } }), { platform: await platformNamed('gramine') })
    expect(findings[0]).toMatchObject({ check: 'hardware', state: 'ok' })
    expect(byCheck(findings, 'evidence')?.state).toBe('ok')
  })
})

const timeAnswer = (seconds: number, head = [0x24, 2]): Uint8Array => {
  const packet = new Uint8Array(48)
  packet.set(head)
  for (const offset of [32, 40]) new DataView(packet.buffer).setUint32(offset, seconds + 2_208_988_800)
  return packet
}

describe('an answer of a time server', () => {
  test('gives the offset, half the way there and back taken off', () => {
    expect(parseTimeAnswer(timeAnswer(1000), { askedMs: 1_010_000, answeredMs: 1_010_200 })).toBe(10_100)
  })
  test.each([['cut', timeAnswer(1).slice(0, 47)], ['no server\'s', timeAnswer(1, [0x23, 2])], ['unsynchronised', timeAnswer(1, [0x24, 0])], ['of no stratum', timeAnswer(1, [0x24, 16])]])('is none when %s', (_name, packet) => {
    expect(parseTimeAnswer(packet, { askedMs: 0, answeredMs: 0 })).toBeUndefined()
  })
})

describe('this machine', () => {
  let folder = ''
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'phalanx-doctor-'))))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('is examined as it is, and nothing stays behind', async () => {
    const machine = createSystemMachine({ crypto })
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((done) => server.once('listening', done))
    const { port } = server.address() as AddressInfo
    expect(await machine.isPortFree(port)).toBe(false)
    await new Promise((done) => server.close(done))
    expect(await machine.isPortFree(port)).toBe(true)
    expect(await machine.look('/dev/null')).toEqual(OPEN)
    expect(await machine.look(join(folder, 'none'))).toBeUndefined()
    const disk = await machine.disk(join(folder, 'base'))
    expect(disk.freeBytes).toBeGreaterThan(0)
    expect(readdirSync(join(folder, 'base'))).toEqual([])
    expect((await machine.openPlatform('software')).name).toBe('software')
    await expect(machine.connect('ws://127.0.0.1:1')).rejects.toMatchObject({ code: expect.stringMatching(/^SDK_/) })
  })

  test('gets its exit code and JSON from phalanx doctor', async () => {
    const good = await runCli(['doctor', '--port', '0', '--base-path', join(folder, 'base'), '--json'])
    expect(good.exitCode).toBe(0)
    expect(JSON.parse(good.stdout)).toMatchObject({ format: 1, platform: 'software', inOrder: true })
    const bad = await runCli(['doctor', '--port', '0', '--node', 'ws://127.0.0.1:1'])
    expect(bad.exitCode).toBe(1)
    expect(bad.stdout).toMatch(/^cause {2}node: .+\n→ fix {2}.+\n\n/)
    expect((await runCli(['doctor', '--platform', 'abacus'])).exitCode).toBe(2)
    expect((await runCli(['doctor', '--genesis', '0x00'])).exitCode).toBe(2)
  })

  test('asks a time server, and believes nothing that is no time', async () => {
    const server = createSocket('udp4')
    await new Promise<void>((done) => server.bind(0, '127.0.0.1', done))
    const machine = createSystemMachine({ crypto })
    const place = `127.0.0.1:${server.address().port}`
    const answerWith = (packet: Uint8Array): void => void server.removeAllListeners('message').on('message', (_question, from) => server.send(packet, from.port, from.address))
    answerWith(timeAnswer(Math.floor(machine.nowMs() / 1000) - 3600))
    expect(Math.round((await machine.clockOffsetMs(place)) / 60_000)).toBe(60)
    answerWith(new Uint8Array(48))
    await expect(machine.clockOffsetMs(place)).rejects.toMatchObject({ code: 'CLI_TIME_SERVER_FAILED' })
    server.close()
  })
})
