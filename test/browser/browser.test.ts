/** The code that browsers get, in a real browser, on a page without network. */
import { expect, test } from 'vitest'
import { complianceChecks } from '@phalanx/primitives/crypto/compliance'
import { describeBrowser, withPage } from './chromium.ts'
import type { PageResult } from './page.ts'

describeBrowser('in Chromium', (executablePath) => {
  test('crypto keeps every rule, and evidence gets the same verdict as in Node', { timeout: 120_000 }, async () => {
    const result = await withPage(executablePath, './page.ts', (page) => page.evaluate(() => (globalThis as unknown as { phalanxResult: Promise<PageResult> }).phalanxResult))
    expect(result.failed).toEqual([])
    expect(result.passed).toHaveLength(complianceChecks.length)
    expect(result.verdict).toBe(true)
    expect(result.refusal).toBe('PRuntimeRejected')
  })
})
