import {readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import ts from 'typescript'

/** A public function or class of the library. */
export interface PublicValue {
  readonly name: string
  /** The code of the examples, without the rest of the comment. */
  readonly examples: readonly string[]
}

export interface PublicSurface {
  /** Public functions and classes. A subclass of a public error is left out, because it needs no example. */
  readonly values: readonly PublicValue[]
  /** Exports without a description. */
  readonly undocumented: readonly string[]
}

/**
 * Returns the exports of `src/index.ts` with their declarations. The files are only parsed; {@link typeErrors} checks
 * types.
 */
export function readPublicSurface(root: string): PublicSurface {
  const values: PublicValue[] = []
  const undocumented: string[] = []
  for (const {name, isType, declaration} of exportsOf(join(root, 'src/index.ts'))) {
    if (!ts.getJSDocCommentsAndTags(declaration).some(one => ts.isJSDoc(one) && one.comment)) undocumented.push(name)
    if (isType || !isCallable(declaration) || standsOnPublicError(declaration)) continue
    values.push({name, examples: examplesOf(declaration)})
  }
  return {values, undocumented}
}

interface Exported {
  readonly name: string
  readonly isType: boolean
  readonly declaration: ts.Declaration
}

/** Returns the exports of a file that only re-exports other files. */
function exportsOf(door: string): readonly Exported[] {
  return parse(door).statements.flatMap(statement => {
    if (
      !ts.isExportDeclaration(statement) ||
      !statement.moduleSpecifier ||
      !ts.isStringLiteral(statement.moduleSpecifier)
    )
      throw new Error(`${door} declares something itself: ${statement.getText()}`)
    const target = join(dirname(door), statement.moduleSpecifier.text.replace(/\.js$/, '.ts'))
    if (target.includes('/src/library/')) return exportsOf(target)
    const declared = declarationsOf(target)
    const {exportClause, isTypeOnly} = statement
    if (!exportClause || !ts.isNamedExports(exportClause)) {
      return [...declared].map(([name, declaration]) => ({name, isType: isTypeOnly, declaration}))
    }
    return exportClause.elements.map(element => {
      const {text: name} = element.name
      const declaration = declared.get(name)
      if (!declaration) throw new Error(`${door}: ${name} is not declared where it is exported from`)
      return {name, isType: isTypeOnly || element.isTypeOnly, declaration}
    })
  })
}

const parse = (path: string): ts.SourceFile =>
  ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ESNext, true)

function declarationsOf(path: string): ReadonlyMap<string, ts.Declaration> {
  const found = new Map<string, ts.Declaration>()
  for (const statement of parse(path).statements) {
    if (!ts.canHaveModifiers(statement) || !ts.getModifiers(statement)?.some(isExport)) continue
    const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement]
    for (const declaration of declarations as readonly (ts.DeclarationStatement | ts.VariableDeclaration)[])
      if (declaration.name) found.set(declaration.name.getText(), declaration)
  }
  return found
}
const isExport = (modifier: ts.Modifier): boolean => modifier.kind === ts.SyntaxKind.ExportKeyword

/** True for functions, classes, and constants that are more than a literal. */
function isCallable(declaration: ts.Declaration): boolean {
  if (!ts.isVariableDeclaration(declaration)) {
    return ts.isFunctionDeclaration(declaration) || ts.isClassDeclaration(declaration)
  }
  let value = declaration.initializer
  while (value && ts.isAsExpression(value)) value = value.expression
  return (
    !value ||
    !(ts.isLiteralExpression(value) || ts.isObjectLiteralExpression(value) || ts.isArrayLiteralExpression(value))
  )
}

const standsOnPublicError = (declaration: ts.Declaration): boolean =>
  ts.isClassDeclaration(declaration) &&
  (declaration.heritageClauses?.some(clause =>
    /^extends ((Baton|Consul)Error|withCode\(.*\))$/.test(clause.getText()),
  ) ??
    false)

/** Returns the fenced code of each `@example`, without the asterisks of the comment. */
function examplesOf(declaration: ts.Declaration): readonly string[] {
  const tags = ts.getJSDocTags(declaration).filter(tag => tag.tagName.text === 'example')
  return tags.map(tag => {
    const text = tag.getText().replaceAll(/^ *\* ?/gm, '')
    return /^```ts\n(.*?)^```/ms.exec(text)?.[1] ?? ''
  })
}

export interface ExampleProgram {
  readonly code: string
  /** Number of comparisons in each example. Each comparison must be made at least once. */
  readonly expectations: ReadonlyMap<string, number>
}

/**
 * Returns one module with all examples. Each example may use every name of the library and, without importing them,
 * `client`, its `address`, an empty `directory`, and a `key` that a responder trusts. A statement followed by `// =>
 * value` becomes a comparison.
 */
export function writeExampleProgram(values: readonly PublicValue[]): ExampleProgram {
  const expectations = new Map<string, number>()
  const functions = values.flatMap(({name, examples}) =>
    examples.map((text, at) => {
      const title = examples.length === 1 ? name : `${name} ${at + 1}`
      const {code, count} = withComparisons(text)
      expectations.set(title, count)
      return `  ${JSON.stringify(title)}: async ({client, address, directory, key}, compare) => {\n{\n${code}}\n},\n`
    }),
  )
  const names = values.map(({name}) => name).join(', ')
  const code = [
    `import {${names}, type ConsulClient, type SigningKey} from 'consul-baton'`,
    'interface Given {client: ConsulClient; address: string; directory: string; key: SigningKey}',
    'type Compare = (at: number, actual: unknown, expected: unknown) => void',
    'export const examples: Record<string, (given: Given, compare: Compare) => Promise<void>> = {',
    `${functions.join('')}}\n`,
  ].join('\n')
  return {code, expectations}
}

function withComparisons(text: string): {readonly code: string; readonly count: number} {
  const source = ts.createSourceFile('example.ts', text, ts.ScriptTarget.ESNext, true)
  const found: {readonly start: number; readonly end: number; readonly code: string}[] = []
  const visit = (node: ts.Node): void => {
    const [comment] = ts.isExpressionStatement(node) ? (ts.getTrailingCommentRanges(text, node.end) ?? []) : []
    const [, expected] = comment ? (/^\/\/ => (.*)$/.exec(text.slice(comment.pos, comment.end)) ?? []) : []
    if (expected === undefined || !comment) {
      ts.forEachChild(node, visit)
      return
    }
    const start = node.getStart()
    const code = `compare(${found.length}, ${text.slice(start, node.end)}, ${expected})`
    found.push({start, end: comment.end, code})
  }
  visit(source)
  let code = text
  for (const {start, end, code: comparison} of found.toReversed()) {
    code = code.slice(0, start) + comparison + code.slice(end)
  }
  return {code, count: found.length}
}

const settings = (root: string): ts.CompilerOptions => {
  const {config} = ts.readConfigFile(join(root, 'tsconfig.json'), path => ts.sys.readFile(path)) as {config: unknown}
  return {
    ...ts.parseJsonConfigFileContent(config, ts.sys, root).options,
    noEmit: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: {'consul-baton': [join(root, 'src/index.ts')]},
  }
}

/** Returns the compiler's errors for a program that exists only in memory, in the repository's root folder. */
export function typeErrors(root: string, code: string): readonly string[] {
  const path = join(root, 'examples-of-the-library.ts')
  const options = settings(root)
  const files = ts.createCompilerHost(options)
  const format = {languageVersion: ts.ScriptTarget.ES2023, impliedNodeFormat: ts.ModuleKind.ESNext} as const
  const host: ts.CompilerHost = {
    ...files,
    fileExists: name => name === path || files.fileExists(name),
    getSourceFile: (name, ...rest) =>
      name === path ? ts.createSourceFile(name, code, format) : files.getSourceFile(name, ...rest),
  }
  const program = ts.createProgram([path], options, host)
  const lines = code.split('\n')
  return ts.getPreEmitDiagnostics(program, program.getSourceFile(path)).map(({start = 0, messageText}) => {
    const line = code.slice(0, start).split('\n').length
    return `${ts.flattenDiagnosticMessageText(messageText, ' ')}: ${lines[line - 1]?.trim()}`
  })
}
