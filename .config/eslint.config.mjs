import {dirname} from 'node:path'
import {fileURLToPath} from 'node:url'
import tseslint from 'typescript-eslint'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const clockOnly = [
  {name: 'setTimeout', message: 'inject a Clock (src/core/time)'},
  {name: 'setInterval', message: 'inject a Clock (src/core/time)'},
  {name: 'setImmediate', message: 'inject a Clock (src/core/time)'},
]
const timeAndChance = [
  {object: 'Date', property: 'now', message: 'inject a Clock (src/core/time)'},
  {object: 'performance', property: 'now', message: 'inject a Clock (src/core/time)'},
  {object: 'Math', property: 'random', message: 'inject a Random (src/core/time)'},
  {object: 'AbortSignal', property: 'any', message: 'leaks on long-lived parents: use linkSignal (src/core/cancel)'},
]
const processDoors = ['stdout', 'stderr', 'stdin', 'argv', 'exit', 'env'].map(property => ({
  object: 'process',
  property,
  message: 'only the command line may touch the process: take it as an argument',
}))

export default tseslint.config(
  {ignores: ['bin/site/**', 'src/status/http/page/**', 'dist/**', 'node_modules/**', 'test/**/fixtures/**']},
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: root}},
    rules: {
      'max-lines': ['error', {max: 400}],
      'max-params': ['error', 4],
      'max-lines-per-function': ['error', {max: 50}],
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true, allowBoolean: true}],
      '@typescript-eslint/no-confusing-void-expression': ['error', {ignoreArrowShorthand: true}],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', {argsIgnorePattern: '^_', varsIgnorePattern: '^_'}],
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unnecessary-condition': ['error', {allowConstantLoopConditions: 'only-allowed-literals'}],
    },
  },
  {
    files: ['bin/**/*.{mjs,cjs}', 'test/bench/**/*.mjs', 'src/process/guardian/*.cjs'],
    ...tseslint.configs.disableTypeChecked,
  },
  {
    files: ['bin/**/*.cjs', 'src/process/guardian/*.cjs'],
    rules: {'@typescript-eslint/no-require-imports': 'off'},
  },
  {
    files: ['src/**/*.ts', 'examples/**/*.ts'],
    ignores: ['**/*.d.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {selector: 'ExportDefaultDeclaration', message: 'only commands and configuration have default exports'},
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...clockOnly],
      'no-restricted-properties': ['error', ...timeAndChance, ...processDoors],
    },
  },
  {
    files: [
      'src/{core,session,lock,exec,replicate,event,kv,watch,discover,template,gotemplate,serve,config,service,selftest}/**/*.ts',
    ],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...['Literal[value=/(^|[^-\\w])--[a-z][a-z-]+/]', 'TemplateElement[value.raw=/(^|[^-\\w])--[a-z][a-z-]+/]'].map(
          selector => ({
            selector,
            message: 'a caller of the library has no flags: name the option in backticks (docs/decisions/0021)',
          }),
        ),
      ],
    },
  },
  {
    files: ['src/core/time/**/*.ts'],
    rules: {'no-restricted-globals': 'off', 'no-restricted-properties': 'off'},
  },
  {
    files: ['src/main/**/*.ts', 'src/cli/**/*.ts', 'src/tour/**/*.ts'],
    rules: {'no-restricted-properties': ['error', ...timeAndChance]},
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // The callback of a describe contains all of its tests.
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.property.name=/^(only|skip|todo)$/][callee.object.name=/^(it|test|describe)$/]',
          message: 'do not commit skipped or exclusive tests',
        },
      ],
    },
  },
)
