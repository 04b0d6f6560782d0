/** Writes docs/errors.md from the error tables of all packages. Run it when a code is added; the test run says when it is stale. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { renderErrorList } from './docs/error-list.ts'

const path = resolve(import.meta.dirname, '../docs/errors.md')
const text = await renderErrorList()
writeFileSync(path, text)
console.log(`docs/errors.md: ${text.split('\n').filter((line) => line.startsWith('| `')).length} codes`)
process.exit(0)
