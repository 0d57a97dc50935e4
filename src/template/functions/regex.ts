import {RE2JS} from 're2js'
import type {TemplateFunction} from '../../gotemplate/builtin/functions.js'
import {GoError, makeBool, makeString} from '../../gotemplate/value/values.js'
import {define, textOf} from './define.js'

/** Compiles an RE2 pattern. Throws a GoError that names the function. */
export function compile(name: string, pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    throw new GoError(`${name}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/**
 * A reference in a replacement: `$1`, `$name` or `${name}` (as long a name as possible), and `$$` for a dollar sign.
 */
const groups = /\$(?:\$|(\w+)|\{(\w+)\})/g

/** Go's `ReplaceAllString`. */
export function replaceAll(pattern: string, replacement: string, text: string): string {
  const compiled = compile('regexReplaceAll', pattern)
  const matcher = compiled.matcher(text)
  const named = compiled.namedGroups()
  const count = compiled.groupCount()
  const groupOf = (name: string): string => {
    const at = /^\d+$/.test(name) ? Number(name) : named[name]
    return at === undefined || at > count ? '' : (matcher.group(at) ?? '')
  }
  let replaced = ''
  let from = 0
  while (matcher.find()) {
    replaced += text.slice(from, matcher.start())
    replaced += replacement.replace(groups, (whole: string, bare?: string, braced?: string) =>
      whole === '$$' ? '$' : groupOf(bare ?? braced ?? ''),
    )
    from = matcher.end()
  }
  return replaced + text.slice(from)
}

/** Functions with RE2 regular expressions, which take linear time. */
export const regexFunctions: readonly (readonly [string, TemplateFunction])[] = [
  [
    'regexMatch',
    define('string string', 'bool', (pattern, text) =>
      makeBool(compile('regexMatch', textOf(pattern)).matcher(textOf(text)).find()),
    ),
  ],
  [
    'regexReplaceAll',
    define('string string string', 'string', (pattern, replacement, text) =>
      makeString(replaceAll(textOf(pattern), textOf(replacement), textOf(text))),
    ),
  ],
]
