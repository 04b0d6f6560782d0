/** Owns the list of tidy rules. */
import { importsRule } from './imports.ts'
import { placesRule } from './places.ts'
import type { Rule } from './project.ts'
import { purityRule } from './purity.ts'
import { docsRule, fileSizeRule, functionSizeRule, headerRule, todoRule } from './shape.ts'
import { callCoverageRule, testHygieneRule } from './tests.ts'
import { throwsRule } from './throws.ts'
import { unusedCodesRule, unusedRule } from './unused.ts'
import { vendorsRule } from './vendors.ts'

/** Every rule, in the order of the report. */
export const RULES: readonly Rule[] = [
  importsRule, purityRule, throwsRule, vendorsRule, headerRule, docsRule, fileSizeRule, functionSizeRule,
  callCoverageRule, testHygieneRule, unusedRule, unusedCodesRule, todoRule, placesRule,
]
