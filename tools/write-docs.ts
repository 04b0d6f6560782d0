/** Writes the parts of the documents that come from the source: docs/errors.md and the import table of ARCHITECTURE.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { renderErrorList } from './docs/error-list.ts'
import { renderLayerTable } from './docs/layer-table.ts'

const root = resolve(import.meta.dirname, '..')
const errors = await renderErrorList()
writeFileSync(resolve(root, 'docs/errors.md'), errors)
const architecture = resolve(root, 'ARCHITECTURE.md')
const text = readFileSync(architecture, 'utf8')
writeFileSync(architecture, text.replace(/(<!-- layers:begin -->\n)[\s\S]*?(\n<!-- layers:end -->)/, (_whole, begin: string, end: string) => `${begin}${renderLayerTable()}${end}`))
console.log(`docs/errors.md: ${errors.split('\n').filter((line) => line.startsWith('| `')).length} codes; ARCHITECTURE.md: import table`)
process.exit(0)
