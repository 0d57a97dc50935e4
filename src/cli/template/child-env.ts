import {UsageError} from '../../core/errors.js'

/** Rules for the environment variables that a child or command receives. */
export interface EnvRules {
  /** True to pass on none of baton's own environment variables. */
  readonly pristine?: boolean | undefined
  /** `NAME=value` pairs to add after all other rules were applied. */
  readonly custom?: readonly string[] | undefined
  /** Patterns of the names to pass on. If there are none, all variables are passed on. */
  readonly allow?: readonly string[] | undefined
  /** Patterns of names to withhold, even if they are also allowed. */
  readonly deny?: readonly string[] | undefined
}

/** Returns the environment of a child according to the rules of consul-template. */
export function chooseEnv(env: Readonly<Record<string, string>>, rules: EnvRules): Record<string, string> {
  const {pristine = false, custom = [], allow = [], deny = []} = rules
  const allowed = allow.map(globToRegExp)
  const denied = deny.map(globToRegExp)
  const kept = Object.entries(env).filter(
    ([name]) =>
      !pristine && (allowed.length === 0 || allowed.some(one => one.test(name))) && !denied.some(one => one.test(name)),
  )
  return Object.fromEntries([...kept, ...custom.map(readPair)])
}

function readPair(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`env.custom: '${text}' is not NAME=VALUE`, {code: 'BATON_CONFIG'})
  return [text.slice(0, at), text.slice(at + 1)]
}

/**
 * Converts a pattern of Go's `path.Match`, except escapes, to a regular expression: `*`, `?` and
 * `[a-z]`.
 */
function globToRegExp(glob: string): RegExp {
  const source = glob.replace(/\[[^\]]*\]|[^[]/g, part => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    return part.startsWith('[') ? part.replace(/^\[\^/, '[^') : part.replace(/[.+^${}()|\\\]]/g, '\\$&')
  })
  try {
    return new RegExp(`^${source}$`, 's')
  } catch (error) {
    throw new UsageError(`env: '${glob}' is not a pattern`, {code: 'BATON_CONFIG', cause: error})
  }
}
