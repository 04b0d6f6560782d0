/** The code that browsers get, in a real browser: Debian's Chromium, driven by Playwright, on a page without network. */
import { existsSync } from 'node:fs'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { complianceChecks } from '@phalanx/primitives/crypto/compliance'
import type { PageResult } from './page.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path))
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

const describeBrowser = (name: string, define: (executablePath: string) => void): void => {
  if (CHROMIUM !== undefined) {
    describe(name, () => define(CHROMIUM))
    return
  }
  describe(name, () => {
    test.skip('not run: chromium is not installed', () => {})
    console.log(`not run: ${name} (chromium is not installed)`)
  })
}

const runPage = async (executablePath: string): Promise<PageResult> => {
  const bundle = await build({
    entryPoints: [new URL('./page.ts', import.meta.url).pathname], bundle: true, write: false, format: 'iife', platform: 'browser', conditions: ['browser'], logLevel: 'silent',
  })
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  try {
    const page = await browser.newPage()
    await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' })
    return await page.evaluate(() => (globalThis as unknown as { phalanxResult: Promise<PageResult> }).phalanxResult)
  } finally {
    await browser.close()
  }
}

describeBrowser('in Chromium', (executablePath) => {
  test('crypto keeps every rule, and evidence gets the same verdict as in Node', { timeout: 120_000 }, async () => {
    const result = await runPage(executablePath)
    expect(result.failed).toEqual([])
    expect(result.passed).toHaveLength(complianceChecks.length)
    expect(result.verdict).toBe(true)
    expect(result.refusal).toBe('PRuntimeRejected')
  })
})
