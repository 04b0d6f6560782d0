import { describe, test } from 'vitest'

import { loadCrypto as loadBrowser } from './browser/index.ts'
import { complianceChecks } from './compliance.ts'
import { loadCrypto as loadNode } from './node/index.ts'

for (const [name, crypto] of [['node', await loadNode()], ['browser', await loadBrowser()]] as const) {
  describe(`crypto backend ${name}`, () => {
    // A check throws when it fails; vitest needs no more.
    test.each(complianceChecks)('$name', (check) => check.run(crypto))
  })
}
