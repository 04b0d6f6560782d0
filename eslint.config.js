/**
 * Lint rules that a type checker cannot state and tools/tidy does not: exhaustive switches, forgotten promises, untyped throws.
 * Layers, purity, sizes and dead code are tidy's. Few rules, all errors: a warning nobody must mend is noise.
 */
import tseslint from 'typescript-eslint'

const ERRORS = 'AppError|AssertionError|DispatchFailure'

/** Throwing anything but our error classes, a caught error, or what a function of ours made for it. */
const untypedThrow = {
  selector: `ThrowStatement > :not(NewExpression[callee.name=/^(${ERRORS})$/], Identifier, CallExpression, ConditionalExpression, LogicalExpression, MemberExpression)`,
  message: "Throw new AppError('AREA_WHAT', …), use ctx.fail in a pallet, or assert.",
}
const literalThrow = { selector: 'ThrowStatement > Literal, ThrowStatement > TemplateLiteral', message: 'Throw an AppError, not text.' }
const defaultExport = { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' }

export default tseslint.config(
  { ignores: ['**/node_modules/', '**/dist/', '**/generated/', 'docs/', '**/tmp/'] },
  {
    files: ['**/*.{ts,tsx}'],
    languageOptions: { parser: tseslint.parser, parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': ['error', { ignoreReadBeforeAssign: true }],
      'no-eval': 'error',
      'no-self-compare': 'error',
      'no-unreachable-loop': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-restricted-syntax': ['error', untypedThrow, literalThrow, defaultExport],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false, attributes: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-for-in-array': 'error',
      '@typescript-eslint/no-implied-eval': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
      '@typescript-eslint/restrict-plus-operands': 'error',
    },
  },
  {
    files: ['**/*.test.ts', 'test/**', 'bench/**', 'fuzz/**', 'tools/**', 'packages/*/test/**', '**/testing.ts', '**/*.config.ts', 'vitest.config.ts'],
    rules: { 'no-restricted-syntax': 'off', '@typescript-eslint/no-unsafe-return': 'off' },
  },
  // Contracts are written by others than us: `phalanx contract build` takes their default export, and whatever they throw stops them.
  { files: ['examples/*/contract.ts', 'apps/cli/src/contract/testing/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
  // The pallet kit erases the types that pallets declare.
  { files: ['packages/runtime/src/frame/**'], rules: { '@typescript-eslint/no-unsafe-return': 'off' } },
  { files: ['vitest.config.ts'], ...tseslint.configs.disableTypeChecked, languageOptions: { parserOptions: { project: null } } },
  {
    files: ['**/*.{js,mjs}'],
    rules: { eqeqeq: 'error', 'no-var': 'error', 'prefer-const': 'error', 'no-unused-vars': 'error', 'no-undef': 'off' },
  },
)
