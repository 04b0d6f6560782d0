import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { renderErrorList } from '../tools/docs/error-list.ts'
import { renderLayerTable } from '../tools/docs/layer-table.ts'

const root = resolve(import.meta.dirname, '..')
const launcher = join(root, 'apps/cli/bin/phalanx.mjs')
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/operators.md', 'docs/errors.md', 'docs/verify.md', 'docs/policy.md', 'docs/economy.md', 'docs/contracts.md', 'deploy/README.md', ...readdirSync(join(root, 'docs/deploy')).map((name) => `docs/deploy/${name}`)]
const UNITS = readdirSync(join(root, 'deploy/systemd')).map((name) => `deploy/systemd/${name}`)
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const run = promisify(execFile)

/** Fenced blocks of a document, with the HTML comment on the line before the fence. */
const blocks = (path: string): readonly { readonly mark: string; readonly text: string }[] =>
  [...read(path).matchAll(/(?:<!-- (\w+) -->\n)?```\w*\n([\s\S]*?)```/g)].map(([, mark, text]) => ({ mark: mark ?? '', text: text ?? '' }))

describe.each(DOCUMENTS)('%s', (path) => {
  test('links to files that exist', () => {
    const links = [...read(path).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string).filter((link) => !/^(https?:|#)/.test(link))
    const broken = links.filter((link) => !existsSync(join(root, dirname(path), link.replace(/#.*$/, ''))))
    expect(broken).toEqual([])
  })

  test('names files that exist', () => {
    const named = [...read(path).matchAll(/`((?:packages|apps|tools|test|docs|deploy|simulation|bench|fuzz|\.ci)\/[\w./-]+)`/g)].map((match) => match[1] as string)
    expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([])
  })

  test('names npm scripts that exist', () => {
    const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts)
    const named = [...read(path).matchAll(/npm run (?:--silent )?([\w:]+)/g)].map((match) => match[1] as string)
    expect(named.filter((name) => !scripts.includes(name))).toEqual([])
  })
})

describe('the command line in the documents', () => {
  const commands = ['dev', 'node', 'worker', 'relay', 'keys', 'keys generate', 'keys inspect', 'keys backup', 'keys restore', 'chain-spec', 'chain-spec dev', 'chain-spec build', 'chain-spec check', 'verify', 'doctor', 'policy', 'policy show', 'policy dry-run', 'policy call', 'simulate', 'simulate economy', 'explain', 'explain worker', 'explain stake', 'explain balance', 'rewards', 'contract new', 'contract test', 'contract build', 'contract deploy', 'contract call', 'contract query', 'contract logs', 'observe']
  const helps = new Map<string, Promise<string>>()
  const helpOf = (command: string): Promise<string> => {
    const known = helps.get(command) ?? run(process.execPath, [launcher, ...command.split(' '), '--help']).then(({ stdout }) => stdout)
    helps.set(command, known)
    return known
  }

  /** Uses of `phalanx <command> …` in blocks and units. */
  const uses = [...DOCUMENTS.flatMap((path) => blocks(path).map(({ text }) => text)), ...UNITS.map(read)]
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => [.../phalanx(?:\.mjs)?\s+((?:dev|node|worker|relay|keys|chain-spec|verify|doctor|policy|simulate|explain|rewards|contract|observe)\b[^#|>]*)/g[Symbol.matchAll](line)].map((match) => match[1] as string))

  test('is used', () => {
    expect(uses.length).toBeGreaterThan(10)
  })

  test.each([...new Set(uses)])('phalanx %s', async (use) => {
    const words = use.trim().split(/\s+/)
    const command = commands.includes(words.slice(0, 2).join(' ')) ? words.slice(0, 2).join(' ') : (words[0] as string)
    const help = await helpOf(command)
    for (const option of words.filter((word) => word.startsWith('--'))) expect(help).toContain(option)
  })

  test('reckons the economy that is shipped as an example', { timeout: 300_000 }, async () => {
    const { stdout } = await run(process.execPath, [launcher, 'simulate', 'economy', join(root, 'apps/cli/examples/economy.json'), '--json'])
    const { runs } = JSON.parse(stdout) as { readonly runs: readonly { readonly run: string; readonly populations: readonly { readonly name: string; readonly yearlyReturn: number }[] }[] }
    expect(runs.map((one) => one.run)).toEqual(['published', 'harsher'])
    const returnOf = (at: number, name: string): number => runs[at]?.populations.find((one) => one.name === name)?.yearlyReturn ?? Number.NaN
    expect(returnOf(0, 'honest')).toBeGreaterThan(returnOf(0, 'flapping'))
    expect(returnOf(1, 'flapping')).toBeLessThan(returnOf(0, 'flapping'))
  })

  test('has its application in docs/contracts.md as it is in the examples', () => {
    const [, ...lines] = read('examples/sealed-bid-auction/client.ts').split('\n')
    expect(blocks('docs/contracts.md').map(({ text }) => text)).toContain(lines.join('\n'))
  })

  test('works where a block is marked to be run', () => {
    const marked = DOCUMENTS.flatMap(blocks).filter(({ mark }) => mark === 'run')
    expect(marked.length).toBeGreaterThan(0)
    for (const { text } of marked) {
      const folder = mkdtempSync(join(tmpdir(), 'phalanx-docs-'))
      try {
        execFileSync('sh', ['-eu', '-c', `phalanx() { '${process.execPath}' '${launcher}' "$@"; }\n${text}`], { cwd: folder, stdio: 'pipe' })
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }
  })
})

describe('documents written from the source', () => {
  test('docs/errors.md lists every code (npm run docs)', async () => {
    expect(read('docs/errors.md')).toBe(await renderErrorList())
  })
  test('ARCHITECTURE.md shows the import table that tidy checks', () => {
    const shown = /<!-- layers:begin -->\n([\s\S]*?)\n<!-- layers:end -->/.exec(read('ARCHITECTURE.md'))?.[1]
    expect(shown).toBe(renderLayerTable())
  })
})

test('documents keep to their length', () => {
  expect(read('ARCHITECTURE.md').split('\n').length).toBeLessThanOrEqual(400)
  expect(read('CONTRIBUTING.md').split('\n').length).toBeLessThanOrEqual(200)
})
