import {UsageError} from '../../core/errors.js'

/** Which variables a child or command receives. */
export interface EnvRules {
  /** True to hand on no variable of the environment. */
  readonly pristine?: boolean | undefined
  /** `NAME=value`, added last. */
  readonly custom?: readonly string[] | undefined
  /** Patterns of the names that are handed on. */
  readonly allow?: readonly string[] | undefined
  /** Patterns of the names that are not, also of allowed ones. */
  readonly deny?: readonly string[] | undefined
}

/** Returns the environment of a child, as consul-template chooses it. */
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

/** Go's `path.Match` without its escapes: `*`, `?` and `[a-z]`. */
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
