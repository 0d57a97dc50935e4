import type {LogFields, Logger} from '../core/types.js'

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const
type Level = (typeof levels)[number]
type Line = readonly [Level, LogFields, string]

/** The command line's logger: pino on stderr, loaded with the first line that is really written. Flush before the end. */
export interface FlushableLogger extends Logger {
  flush(): Promise<void>
}

export function createPinoLogger(least: Level | 'silent'): FlushableLogger {
  let waiting: Line[] | undefined
  let write: ((line: Line) => void) | undefined
  let loading: Promise<void> | undefined

  async function load(): Promise<void> {
    const {default: pino} = await import('pino')
    // Synchronous, so that nothing is lost at exit.
    const sink = pino({level: least, base: null}, pino.destination({dest: 2, sync: true}))
    write = ([level, fields, message]) => sink[level](fields, message)
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
