/** Owns running code in a real browser: Debian's Chromium, driven by Playwright. Says "not run" where there is none. */
import { existsSync } from 'node:fs'
import { build } from 'esbuild'
import { chromium, type Page } from 'playwright-core'
import { describe, test } from 'vitest'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path))
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

/** Like `describe`, with the browser's path, but says "not run" and why where there is no browser. */
export const describeBrowser = (name: string, define: (executablePath: string) => void): void => {
  if (CHROMIUM !== undefined) {
    describe(name, () => define(CHROMIUM))
    return
  }
  describe(name, () => {
    test.skip('not run: chromium is not installed', () => {})
    console.log(`not run: ${name} (chromium is not installed)`)
  })
}

/** Bundles a module as a browser would get it, runs it on an empty page, and hands the page over. */
export const withPage = async <T>(executablePath: string, module: string, use: (page: Page) => Promise<T>): Promise<T> => {
  const bundle = await build({
    entryPoints: [new URL(module, import.meta.url).pathname], bundle: true, write: false, format: 'iife', platform: 'browser', conditions: ['browser'], logLevel: 'silent',
  })
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  try {
    const page = await browser.newPage()
    await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? '' })
    return await use(page)
  } finally {
    await browser.close()
  }
}
