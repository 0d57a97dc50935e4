import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import {join} from 'node:path'
import {messageOf} from '../../core/errors.js'
import {systemBootTime} from '../../core/time/boot-time.js'
import {formatDuration} from '../../core/time/duration.js'
import {makeFolder} from '../../process/make-folder.js'

const ending = '.ndjson'
/** Size of a record file above which it is renamed to `.old`, so that the next run begins a new file. */
const mostBytes = 512 * 1024
/** Number of record files that are kept. The oldest ones are deleted when a lock with a new name is recorded. */
const mostFiles = 200

/** Settings of a lock, which the first line of its record contains. */
export interface FlightFacts {
  readonly command: string
  readonly ttlMs: number
  readonly lockDelayMs: number
  readonly graceMs: number
}

/** One line of a record. All other fields are those of the event. */
export interface FlightLine {
  readonly type: string
  readonly time: string
  /** Time since boot in milliseconds at which the line was recorded, on the same clock as the deadlines in events. */
  readonly bootMs: number
  /** ID of the process that recorded the line. */
  readonly process: number
  readonly prefix: string
  readonly [field: string]: unknown
}

/**
 * Records the events of locks on this machine, so that `baton lock why` can explain later why a lock was lost or
 * released. Each line is written immediately, and the system keeps it even if this process is killed. A line that
 * cannot be written is left out and reported once, because that failure must not stop a lock.
 */
export class FlightRecorder implements Disposable {
  readonly #file: string
  readonly #prefix: string
  #onFailure: ((text: string) => void) | undefined
  #fd: number | undefined

  /** `onFailure` is called once, with the reason for the first line that cannot be written. */
  constructor(directory: string, prefix: string, facts: FlightFacts, onFailure?: (text: string) => void) {
    this.#prefix = prefix
    this.#file = join(directory, fileName(prefix))
    this.#onFailure = onFailure
    this.#try(() => {
      this.#fd = open(directory, this.#file)
    })
    const {command, ttlMs, lockDelayMs, graceMs} = facts
    const settings = {
      ttl: formatDuration(ttlMs),
      lockDelay: formatDuration(lockDelayMs),
      grace: formatDuration(graceMs),
    }
    this.record(JSON.stringify({time: new Date().toISOString(), prefix, type: 'begin', command, ...settings}))
  }

  /** Records an event, given as a line of `--events`, and adds the process ID and the time since boot. */
  record(eventLine: string): void {
    const fd = this.#fd
    if (fd === undefined) return
    const facts = `"process":${process.pid},"bootMs":${Math.round(systemBootTime())}`
    this.#try(() => writeSync(fd, `${eventLine.slice(0, -1)},${facts}}\n`))
  }

  #try(action: () => unknown): void {
    try {
      action()
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? messageOf(error)
      this.#onFailure?.(`no record for baton lock why: cannot write ${this.#file}: ${code}`)
      this.#onFailure = undefined
    }
  }

  /** Writes the last line of the record. If it is missing, the process was killed. */
  [Symbol.dispose](): void {
    const fd = this.#fd
    if (fd === undefined) return
    this.record(JSON.stringify({time: new Date().toISOString(), prefix: this.#prefix, type: 'end'}))
    this.#fd = undefined
    attempt(() => {
      if (fstatSync(fd).size > mostBytes) renameSync(this.#file, `${this.#file}.old`)
    })
    attempt(() => closeSync(fd))
  }
}

/**
 * Returns the recorded lines of one lock in the order in which they were written, or without `prefix` those of all
 * locks. Damaged lines are left out.
 */
export function readFlights(directory: string, prefix?: string): readonly FlightLine[] {
  const names = prefix === undefined ? (attempt(() => readdirSync(directory)) ?? []) : bothNames(prefix)
  const lines = names.flatMap(name => (attempt(() => readFileSync(join(directory, name), 'utf8')) ?? '').split('\n'))
  return lines.flatMap(line => {
    const parsed = attempt(() => JSON.parse(line) as FlightLine)
    return parsed && isLine(parsed) && (prefix === undefined || parsed.prefix === prefix) ? [parsed] : []
  })
}

const isLine = ({type, time, process: id, prefix, bootMs}: Partial<FlightLine>): boolean =>
  [type, time, prefix].every(text => typeof text === 'string') &&
  [id, bootMs].every(number => typeof number === 'number')

const fileName = (prefix: string): string => `${encodeURIComponent(prefix).slice(0, 200)}${ending}`

const bothNames = (prefix: string): readonly string[] => [`${fileName(prefix)}.old`, fileName(prefix)]

function open(directory: string, file: string): number {
  makeFolder(directory, 0o700)
  if (attempt(() => statSync(file)) === undefined) removeOldest(directory)
  return openSync(file, 'a', 0o600)
}

function removeOldest(directory: string): void {
  const names = readdirSync(directory).filter(name => name.includes(ending))
  if (names.length < mostFiles) return
  const aged = names.map(name => ({name, at: attempt(() => statSync(join(directory, name)).mtimeMs) ?? 0}))
  const oldest = aged.sort((one, other) => one.at - other.at).slice(0, names.length - mostFiles + 1)
  for (const {name} of oldest) attempt(() => rmSync(join(directory, name), {force: true}))
}

/** Returns undefined if the system refuses the action. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
