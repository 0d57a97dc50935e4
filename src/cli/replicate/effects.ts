import {UsageError} from '../../core/errors.js'
import {type PatternTexts, patternFlags} from './patterns.js'

/** Flags that can contradict each other, as parsed. */
interface GivenFlags extends PatternTexts {
  readonly once: boolean
  readonly json?: boolean | undefined
  readonly ndjson: boolean
  readonly 'dry-run': boolean
  readonly delete: boolean
  readonly 'consul-retry': boolean
  readonly 'consul-ssl'?: boolean | undefined
  readonly 'source-http-addr'?: string | undefined
  readonly shadow: boolean
  readonly 'on-drift'?: string | undefined
  readonly report: boolean
  readonly protect: boolean
  readonly 'undo-keep'?: number | undefined
}

/** `preview` stands for `replicate verify` and for --dry-run. */
export type Mode = 'follow' | 'once' | 'preview' | 'shadow'

/**
 * Throws a UsageError for flags that contradict each other, and for empty values that would select all keys or none.
 */
export function refuseContradictions(flags: GivenFlags, isApproved: boolean, isVerify: boolean): void {
  if (isVerify && flags.once) throw new UsageError('--once: verify writes nothing', {hint: 'leave one of them out'})
  if (flags.ndjson && flags.json === true)
    throw new UsageError('--json contradicts --ndjson', {hint: 'leave one of them out'})
  if (flags.ndjson && (isVerify || flags['dry-run'])) {
    throw new UsageError('--ndjson: only for runs that write', {hint: 'use --json'})
  }
  if (!flags.delete && isApproved) {
    throw new UsageError('--delete=false contradicts an approval of deletes', {hint: 'leave one of them out'})
  }
  if (flags.shadow && (isVerify || flags.once || flags['dry-run'])) {
    throw new UsageError('--shadow: it compares until it is stopped', {hint: 'leave --once, --dry-run and verify out'})
  }
  if (flags.shadow && flags.json === true)
    throw new UsageError('--json: --shadow prints one line after another', {hint: 'use --ndjson'})
  if (flags.shadow && isApproved) {
    throw new UsageError('--shadow contradicts an approval of deletes: it writes nothing', {
      hint: 'leave one of them out',
    })
  }
  if (flags.shadow && (flags.report || flags.protect || (flags['on-drift'] ?? 'repair') !== 'repair')) {
    throw new UsageError('--shadow compares with a run that repairs every key', {
      hint: 'leave --on-drift, --report and --protect out',
    })
  }
  for (const name of patternFlags) {
    if (flags[name]?.includes('') === true) {
      throw new UsageError(`--${name}: an empty text ${name.startsWith('include') ? 'fits' : 'leaves out'} every key`, {
        hint: `leave --${name} out`,
      })
    }
  }
  if (flags['source-http-addr']?.trim() === '') throw new UsageError('--source-http-addr: the address is empty')
}

/** Settings that are read only at the start. */
const startOnly = [
  'once',
  'dry-run',
  'shadow',
  'ndjson',
  'listen',
  'lock',
  'log-level',
  'log-format',
  'pid-file',
  'kill-signal',
  'reload-signal',
] as const

/** Returns one line for each setting that a reload has changed, but that is read only at the start. */
export function changedInVain(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly string[] {
  const changed = startOnly.filter(name => before[name] !== after[name])
  return changed.map(name => `${name}: the new value takes effect at the next start`)
}

const forConsulReplicate = 'accepted for consul-replicate only'
const always: Readonly<Record<string, string>> = {
  'consul-retry-backoff': forConsulReplicate,
  'consul-retry-max-backoff': forConsulReplicate,
  'consul-transport-dial-keep-alive': forConsulReplicate,
  'consul-transport-dial-timeout': forConsulReplicate,
  'consul-transport-disable-keep-alives': forConsulReplicate,
  'consul-transport-max-idle-conns-per-host': forConsulReplicate,
  'consul-transport-tls-handshake-timeout': forConsulReplicate,
}
const tlsFlags = ['ca-file', 'ca-path', 'client-cert', 'client-key', 'tls-server-name']
const followOnly = ['wait', 'reload-signal', 'kill-signal', 'listen', 'heartbeat', 'shard-above', 'audit-every']
const writeOnly = ['pid-file', 'undo-keep', 'undo-dir', 'lock', 'grace']
const retrying = ['consul-retry-attempts', 'consul-retry']
const [endless, following, writing] = [
  'failures are retried forever without --once',
  'it is for runs without --once',
  'it is for runs that write',
]

/** Flags that have no effect in a mode, with the reason. */
const inVain: Readonly<Record<Mode, readonly (readonly [names: readonly string[], reason: string])[]>> = {
  follow: [[['consul-retry-attempts'], endless]],
  once: [[followOnly, following]],
  preview: [
    [followOnly, following],
    [writeOnly, writing],
  ],
  shadow: [
    [followOnly, '--shadow only compares'],
    [writeOnly, writing],
    [retrying, '--shadow retries failures forever'],
  ],
}

/** Returns one line for each setting that has no effect in this mode. */
export function settingsWithoutEffect(
  flags: GivenFlags,
  mode: Mode,
  sources: ReadonlyMap<string, string>,
): readonly string[] {
  const lines: string[] = []
  const add = (name: string, reason: string): void => {
    const source = sources.get(name)
    if (source === undefined) return
    lines.push(`${source === 'flag' ? `--${name}` : `${source}: ${name}`}: no effect: ${reason}`)
  }
  /** Only flags and arguments are reported, because the settings in a file may be meant for another mode. */
  const addTyped = (name: string, reason: string): void => {
    if (sources.get(name) === 'flag') add(name, reason)
  }
  for (const [name, reason] of Object.entries(always)) add(name, reason)
  if (flags['consul-ssl'] === false) for (const name of tlsFlags) addTyped(name, '--consul-ssl is false')
  if (!flags.delete) for (const name of ['max-delete', 'delete-budget']) addTyped(name, 'nothing is deleted')
  if (flags['undo-keep'] === 0) addTyped('undo-dir', '--undo-keep 0 keeps nothing')
  for (const [names, reason] of inVain[mode]) for (const name of names) addTyped(name, reason)
  if (mode === 'follow' && !flags['consul-retry']) add('consul-retry', endless)
  if (mode !== 'follow' && mode !== 'shadow' && !flags['consul-retry'])
    addTyped('consul-retry-attempts', '--no-consul-retry makes one attempt')
  return lines
}
