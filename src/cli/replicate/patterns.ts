import {brief} from '../../core/brief.js'
import {messageOf, UsageError} from '../../core/errors.js'
import {loadRe2} from '../../core/re2.js'
import type {KeyFilter, KeyPattern} from '../../replicate/types.js'

/** Patterns that select keys, by the name of the flag that sets them. */
export interface PatternTexts {
  readonly exclude?: readonly string[] | undefined
  readonly 'exclude-match'?: readonly string[] | undefined
  readonly 'exclude-glob'?: readonly string[] | undefined
  readonly 'exclude-regex'?: readonly string[] | undefined
  readonly include?: readonly string[] | undefined
  readonly 'include-glob'?: readonly string[] | undefined
  readonly 'include-regex'?: readonly string[] | undefined
}

export const patternFlags = [
  'exclude',
  'exclude-match',
  'exclude-glob',
  'exclude-regex',
  'include',
  'include-glob',
  'include-regex',
] as const satisfies readonly (keyof PatternTexts)[]

/**
 * Compiled patterns by text. Equal texts share one compiled pattern, so that a reload does not treat their mapping as
 * changed.
 */
const tests = new Map<string, KeyPattern>()

/** Compiles the patterns. Throws a UsageError that names the flag, or `BATON_CONFIG` for a pattern in a file. */
export async function toFilter(
  texts: PatternTexts,
  toError: (name: string, why: string) => Error = flagError,
): Promise<KeyFilter> {
  const compiled = async (name: 'exclude' | 'include'): Promise<readonly KeyPattern[]> => [
    ...(texts[name] ?? []),
    ...(await compileAll(`${name}-glob`, texts[`${name}-glob`] ?? [], toError)),
    ...(await compileAll(`${name}-regex`, texts[`${name}-regex`] ?? [], toError)),
  ]
  return {
    excludes: await compiled('exclude'),
    excludeMatches: texts['exclude-match'] ?? [],
    includes: await compiled('include'),
  }
}

const flagError = (name: string, why: string): Error => new UsageError(`--${name}: ${why}`)

async function compileAll(
  name: string,
  texts: readonly string[],
  toError: (name: string, why: string) => Error,
): Promise<readonly KeyPattern[]> {
  if (texts.length === 0) return []
  const re2 = await loadRe2()
  return texts.map(text => {
    const expression = name.endsWith('-glob') ? globToRegex(text) : text
    const known = tests.get(expression)
    if (known) return known
    try {
      const pattern: KeyPattern = {test: re2.compile(expression)}
      tests.set(expression, pattern)
      return pattern
    } catch (error) {
      throw toError(name, `'${brief(text)}': ${messageOf(error)}`)
    }
  })
}

const wildcards: Readonly<Record<string, string>> = {'**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]'}

/**
 * Returns a regular expression for a glob that must match a whole key. `*` and `?` do not match a `/`, `**` does;
 * `[a-z]` and `{one,two}` are choices; a backslash makes the next character literal.
 */
export function globToRegex(glob: string): string {
  let depth = 0
  const body = glob.replaceAll(/\\.|\*\*\/|\*\*|\*|\?|\[!?[^\]]+\]|[{},]|[^\w/]/gsu, token => {
    if (Object.hasOwn(wildcards, token)) return wildcards[token] ?? ''
    if (token.length > 1 && token.startsWith('[')) return token.replace(/^\[!/, '[^').replaceAll('\\', '\\\\')
    if (token === '{') depth += 1
    if (token === '{') return '(?:'
    if (token === '}' && depth > 0) {
      depth -= 1
      return ')'
    }
    if (token === ',' && depth > 0) return '|'
    return escape(token.startsWith('\\') && token.length > 1 ? token.slice(1) : token)
  })
  return `(?s)^${body}$`
}

const escape = (text: string): string => text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`)
