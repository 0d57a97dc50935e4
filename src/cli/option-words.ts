import type {FlagShape} from './flag-words.js'

type Flags = Readonly<Record<string, FlagShape>>

/**
 * Flags of those options whose flag is not named like the option (in kebab case, without the unit). Of several flags,
 * the first one that the command has is used.
 */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  address: ['http-addr'],
  port: ['listen', 'http-addr'],
  'tls.ca': ['ca-file'],
  'tls.cert': ['client-cert'],
  'tls.key': ['client-key'],
  'tls.servername': ['tls-server-name'],
  consistency: ['stale'],
  nodeChecks: ['checks'],
  sessionName: ['name'],
  node: ['node', 'name'],
  killAfterMs: ['grace'],
  replicationWaitMs: ['wait-repl'],
  keysDirectory: ['keys-dir'],
  trustDirectory: ['trust-dir'],
  stateDirectory: ['state-dir'],
  excludeMatches: ['exclude-match'],
  attempts: ['consul-retry-attempts'],
  approved: ['approve'],
  quiescence: ['wait'],
  onFailure: ['on-error'],
  method: ['http-method'],
  headers: ['http-header'],
  skipVerify: ['http-skip-verify'],
  runScript: ['enable-script-checks'],
}

/** Options that are usually set by an environment variable. */
const variables: Readonly<Record<string, string>> = {address: 'CONSUL_HTTP_ADDR'}

const option = /`([a-z][A-Za-z0-9.]*)(?:: '?([\w.-]+)'?)?`/g

/**
 * Replaces the options in a text of the library by flags of a command (--grace, --via rexec). The library writes
 * options in backticks (`graceMs`, `via: 'rexec'`). An option for which the command has no flag stays unchanged. With
 * the style 'go', flags are written with a single dash (-n), as in Consul's own tools.
 */
export function toFlagWords(text: string, flags: Flags, style: 'long' | 'go' = 'long'): string {
  return text.replaceAll(option, (whole, name: string, value: string | undefined) => {
    const flag = flagOf(name, flags)
    if (flag === undefined) return whole
    const isSwitch = value === 'true' || value === 'false'
    const words = `${toWord(flag, flags, {style, isNegated: value === 'false'})}${value === undefined || isSwitch ? '' : ` ${value}`}`
    const variable = value === undefined && style === 'long' ? variables[name] : undefined
    return variable === undefined ? words : `${words} or ${variable}`
  })
}

/**
 * Returns the flag for an option. `tls.cert` is looked up as a whole first, then by its last part; a list such as
 * `nodes` has a repeatable flag (--node).
 */
function flagOf(option: string, flags: Flags): string | undefined {
  const last = option.slice(option.lastIndexOf('.') + 1)
  const plain = toKebab(last.replace(/(?:Ms|Bytes|Count)$/, '')).replace(/^(?:is|has|can|with)-/, '')
  const exception = exceptions[option] ?? exceptions[last] ?? []
  return [...exception, toKebab(last), plain, plain.replace(/s$/, '')].find(name => Object.hasOwn(flags, name))
}

const toKebab = (name: string): string => name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)

function toWord(
  name: string,
  flags: Flags,
  {style, isNegated}: {readonly style: 'long' | 'go'; readonly isNegated: boolean},
): string {
  if (style === 'go') return `-${flags[name]?.char ?? name}${isNegated ? '=false' : ''}`
  return isNegated && flags[name]?.allowNo === true ? `--no-${name}` : `--${name}`
}
