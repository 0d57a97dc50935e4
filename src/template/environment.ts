import type {ConsulClient} from '../core/client.js'
import {Wake} from '../core/time/wake.js'
import type {KvEntry} from '../core/types.js'
import {prefixDependency} from './dependency.js'
import type {Where} from './query-text.js'
import {Calm} from './quiet.js'
import {Store} from './store.js'
import type {Quiet} from './types.js'

/** A folder of keys that become environment variables. `path` ends with a slash. */
export interface EnvironmentFolder {
  readonly path: string
  readonly where: Where
}

/** How the names of keys become names of variables. */
export interface NameRules {
  /** Replaces each character that is not a letter, a digit or `_` by `_`, and puts `_` before a leading digit. */
  readonly sanitize: boolean
  readonly upcase: boolean
}

/** A key that does not become a variable, with the reason. */
export interface SkippedKey {
  readonly key: string
  readonly why: string
}

/** The variables of some folders, sorted by name. */
export interface Variables {
  readonly variables: Readonly<Record<string, string>>
  readonly skipped: readonly SkippedKey[]
}

/**
 * Returns the variables of folders. Later folders override earlier ones. If two keys of one folder result in the same
 * variable, the key that sorts first is used.
 */
export function toVariables(
  folders: readonly {readonly path: string; readonly entries: readonly KvEntry[]}[],
  rules: NameRules,
): Variables {
  const variables = new Map<string, string>()
  const skipped: SkippedKey[] = []
  for (const {path, entries} of folders) {
    const own = new Map<string, string>()
    for (const {key, value} of entries) {
      if (key.endsWith('/')) continue
      const name = toName(key.slice(path.length), rules)
      const text = Buffer.from(value).toString()
      const why = faultOf(name, value, text) ?? (own.has(name) ? `another key is ${name} already` : undefined)
      if (why === undefined) own.set(name, text)
      else skipped.push({key, why})
    }
    for (const [name, text] of own) variables.set(name, text)
  }
  return {variables: Object.fromEntries([...variables].sort(([a], [b]) => (a < b ? -1 : 1))), skipped}
}

function toName(key: string, {sanitize, upcase}: NameRules): string {
  const name = sanitize ? key.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_') : key
  return upcase ? name.toUpperCase() : name
}

function faultOf(name: string, value: Uint8Array, text: string): string | undefined {
  if (name === '' || /[=\0]/.test(name)) return 'its name cannot be that of a variable'
  if (value.includes(0)) return 'its value contains a null byte'
  return Buffer.from(text).equals(value) ? undefined : 'its value is not UTF-8'
}

/**
 * Interval in milliseconds at which the first read is checked for a permanent failure, such as a missing permission.
 */
const refusalCheckMs = 200

/** Options of {@link followEnvironment}. */
export interface FollowEnvironmentOptions extends NameRules {
  /** When this signal aborts, the folders are no longer followed. */
  readonly signal: AbortSignal
  /** True to end after the first report. @default false */
  readonly once?: boolean
  /** How long the variables must stay unchanged before a change is reported. @default 0 */
  readonly quiet?: Quiet
  /** Maximum age in milliseconds of stale answers. @default no limit */
  readonly maxStaleMs?: number
  /**
   * Receives the variables once all folders have been read, and after each change. No further change is reported until
   * the returned promise resolves.
   */
  readonly onVariables: (variables: Variables) => Promise<void>
}

/**
 * Follows folders of keys as variables. During an outage, and if Consul's leader does not confirm an answer, the
 * variables stay as they are. Resolves when the signal aborts, or after the first report with `once`. Rejects if
 * `onVariables` rejects, and if the first read fails for a permanent reason, such as a missing permission.
 */
export async function followEnvironment(
  client: ConsulClient,
  folders: readonly EnvironmentFolder[],
  options: FollowEnvironmentOptions,
): Promise<void> {
  const {signal, once = false, quiet, maxStaleMs, onVariables} = options
  const {clock} = client
  const wake = new Wake()
  await using store = new Store(client, {...(maxStaleMs !== undefined && {maxStaleMs})}, () => wake.wake())
  const parts = folders.map(({path, where}) => ({path, dependency: prefixDependency(path, where)}))
  const calm = quiet && new Calm(quiet)
  let reported: string | undefined
  while (!signal.aborted) {
    const read = parts.map(({path, dependency}) => ({path, found: store.read(dependency)}))
    const known = read.flatMap(({path, found}) => (found.known ? [{path, entries: found.value}] : []))
    let delayMs: number | undefined
    if (known.length === read.length) {
      const variables = toVariables(known, options)
      const version = JSON.stringify(variables)
      const isChanged = version !== reported
      delayMs = isChanged && reported !== undefined ? calm?.leftMs(version, clock.monotonicMs()) : 0
      if (isChanged && (delayMs ?? 0) === 0) {
        reported = version
        await onVariables(variables)
      }
      if ((delayMs ?? 0) === 0) calm?.reset()
      if (once) return
    } else {
      const refusal = parts.map(({dependency}) => store.refusalOf(dependency.name)).find(error => error !== undefined)
      if (refusal !== undefined && reported === undefined) throw refusal
      delayMs = refusalCheckMs
    }
    const pause = delayMs ? wake.waitAtMost(delayMs, {clock, signal}) : wake.wait(signal)
    await pause.catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}
