import type {LogFields, Logger} from '../core/types.js'

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const
type Level = (typeof levels)[number]
export type LogLevel = Level | 'silent'
type Line = readonly [Level, LogFields, string]

/** `text` is for people, `json` for programs. */
export type LogFormat = 'text' | 'json'

/** The logger of the command line, on stderr. Flush it before the process exits. */
export interface FlushableLogger extends Logger {
  flush(): Promise<void>
}

export interface LoggerOptions {
  readonly format: LogFormat
  /** Writes a line synchronously, so that no line is lost when the process exits. */
  readonly write: (line: string) => unknown
  readonly wallMs: () => number
}

/** Returns a logger. JSON is written by pino, which is loaded at the first line. */
export function createPinoLogger(least: LogLevel, options: LoggerOptions): FlushableLogger {
  let waiting: Line[] | undefined
  let write: ((line: Line) => void) | undefined =
    options.format === 'text' ? line => options.write(`${toText(line, options.wallMs())}\n`) : undefined
  let loading: Promise<void> | undefined

  async function load(): Promise<void> {
    const {default: pino} = await import('pino')
    const sink = pino({level: least, base: null}, {write: line => void options.write(line)})
    write = ([level, fields, message]) => sink[level](level === 'warn' ? withoutStacks(fields) : fields, message)
    waiting?.forEach(write)
    waiting = undefined
  }

  function log(line: Line): void {
    if (least === 'silent' || levels.indexOf(line[0]) < levels.indexOf(least)) return
    if (write) {
      write(line)
      return
    }
    waiting = [...(waiting ?? []), line]
    loading ??= load()
  }

  const build = (context: LogFields): FlushableLogger => ({
    child: fields => build({...context, ...fields}),
    trace: (fields, message) => log(['trace', {...context, ...fields}, message]),
    debug: (fields, message) => log(['debug', {...context, ...fields}, message]),
    info: (fields, message) => log(['info', {...context, ...fields}, message]),
    warn: (fields, message) => log(['warn', {...context, ...fields}, message]),
    error: (fields, message) => log(['error', {...context, ...fields}, message]),
    flush: () => loading ?? Promise.resolve(),
  })
  return build({})
}

/** Removes stack traces from warnings, because they help with bugs but not with outages. */
function withoutStacks(fields: LogFields): LogFields {
  const entries = Object.entries(fields)
  return Object.fromEntries(entries.map(([name, value]) => [name, value instanceof Error ? value.message : value]))
}

/** Returns a line such as `14:03:07 WARN  message name=value`. */
function toText([level, fields, message]: Line, wallMs: number): string {
  const texts = Object.entries(fields).map(([name, value]) => ` ${name}=${toValue(value)}`)
  const time = new Date(wallMs).toTimeString().slice(0, 8)
  return `${time} ${level.toUpperCase().padEnd(5)} ${message}${texts.join('')}`
}

function toValue(value: unknown): string {
  const text = value instanceof Error ? value.message : typeof value === 'string' ? value : stringify(value)
  const line = text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
  return /[\s"]/.test(line) ? JSON.stringify(line) : line
}

function stringify(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
}
