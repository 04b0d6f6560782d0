/** Anybody can check a registered worker by themselves: in a browser, and with `phalanx verify` alone, to the same verdict. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AttestationReport, policyToJson, referencePolicy, type PlainJson } from '@phalanx/attestation'
import { toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { softwareVendor } from '@phalanx/worker/platform'
import { startNetwork, type Network } from '../e2e/network.ts'
import { describeBrowser, withPage } from './chromium.ts'
import type { VerifyPage } from './verify-page.ts'

const launcher = resolve(import.meta.dirname, '../../apps/cli/bin/phalanx.mjs')

interface CliVerdict {
  readonly exitCode: number
  readonly verdict: Record<string, unknown>
}

/** `phalanx verify` as a process of its own. */
const verifyByCli = (args: readonly string[]): Promise<CliVerdict> =>
  new Promise((done) => {
    execFile(process.execPath, [launcher, 'verify', ...args, '--json'], { maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      const { worker: _worker, chain: _chain, ...verdict } = JSON.parse(stdout) as Record<string, unknown>
      done({ exitCode: error === null ? 0 : Number(error.code), verdict })
    })
  })

describeBrowser('a registered worker\'s evidence', (executablePath) => {
  let network: Network
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'phalanx-verify-'))
    network = await startNetwork({ workers: 1 })
  }, 120_000)
  afterAll(async () => {
    await network.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 30_000)

  test('gets one verdict from phalanx verify and from a browser, both over a node\'s WebSocket', { timeout: 120_000 }, async () => {
    const worker = network.workers[0]?.identity ?? ''
    const at = Math.floor(Date.now() / 1000)
    for (const policy of ['chain', 'built-in'] as const) {
      const byCli = await verifyByCli(['--worker', worker, '--node', network.rpc, '--at', String(at), ...(policy === 'chain' ? ['--policy', 'chain'] : [])])
      const inBrowser = await withPage(executablePath, './verify-page.ts', (page) =>
        page.evaluate((options) => (globalThis as unknown as { phalanxVerify: VerifyPage }).phalanxVerify.judgeWorker(options), { node: network.rpc, worker, policy, at }))
      expect(byCli.exitCode).toBe(policy === 'chain' ? 0 : 1)
      expect(byCli.verdict['trusted']).toBe(policy === 'chain')
      expect(inBrowser).toEqual(byCli.verdict)
    }
  })

  test('says that there is none for a worker that never registered', { timeout: 60_000 }, async () => {
    const { exitCode, verdict } = await verifyByCli(['--worker', `0x${'11'.repeat(32)}`, '--node', network.rpc])
    expect([exitCode, verdict['code']]).toEqual([2, 'SDK_EVIDENCE_NONE'])
  })

  test('in a file gets one verdict too', { timeout: 120_000 }, async () => {
    const at = 1_790_000_000
    const vendor = softwareVendor(await loadCrypto())
    const quote = { report: { mrEnclave: new Uint8Array(32).fill(1), mrSigner: new Uint8Array(32).fill(2) }, reportData: new Uint8Array(64), debug: true }
    const file = AttestationReport.encode(vendor.evidence({ platform: vendor.platform({ id: 'file' }), quote, nowSeconds: at }))
    const policy = utf8(JSON.stringify(policyToJson(referencePolicy({ simulated: true, roots: [vendor.rootCertificate] }))))
    writeFileSync(join(folder, 'evidence.scale'), file)
    writeFileSync(join(folder, 'policy.json'), policy)
    const byCli = await verifyByCli([join(folder, 'evidence.scale'), '--policy', join(folder, 'policy.json'), '--at', String(at)])
    const inBrowser: PlainJson = await withPage(executablePath, './verify-page.ts', (page) =>
      page.evaluate((options) => (globalThis as unknown as { phalanxVerify: VerifyPage }).phalanxVerify.judgeFile(options), { file: toHex(file), policy: toHex(policy), at }))
    expect(byCli.exitCode).toBe(1)
    expect(byCli.verdict['errorCode']).toBe('ATTESTATION_DEBUG_ENCLAVE')
    expect(inBrowser).toEqual(byCli.verdict)
  })
})
