import {formatDuration} from '../../core/time/duration.js'
import type {LeaseDeadline} from '../../lock/lease.js'
import {printable} from '../exec/printable.js'
import type {FlightLine} from './flight-recorder.js'

/** The record of one attempt to acquire a lock and, if it succeeded, of the time for which the lock was held. */
export interface Flight {
  readonly pid: number
  readonly prefix: string
  readonly lines: readonly FlightLine[]
}

/** Divides the recorded lines into flights, one for each attempt to acquire a lock, newest first. */
export function toFlights(lines: readonly FlightLine[]): readonly Flight[] {
  const open = new Map<string, FlightLine[]>()
  const flights: {pid: number; prefix: string; lines: FlightLine[]}[] = []
  for (const line of lines) {
    const {process: pid, prefix} = line
    const name = `${pid} ${prefix}`
    const own = line.type === 'begin' ? [] : open.get(name)
    if (own === undefined) continue
    own.push(line)
    open.set(name, own)
    if (line.type === 'begin') flights.push({pid, prefix, lines: own})
  }
  return flights.sort((one, other) => (other.lines[0]?.time ?? '').localeCompare(one.lines[0]?.time ?? ''))
}

/**
 * How a recorded run (flight) ended: `lost`, `released`, `failed` (the lock was not acquired), `running`, or `killed`
 * if no last line was written.
 */
export function endOf({lines}: Flight, isRunning: boolean): string {
  const types = lines.map(({type}) => type)
  if (types.includes('lock.lost')) return 'lost'
  if (types.includes('lock.released')) return 'released'
  if (types.includes('end')) return 'failed'
  return isRunning ? 'running' : 'killed'
}

/** Returns the lines that explain one recorded run to people. */
export function whyLines(flight: Flight, isRunning: boolean): readonly string[] {
  const {pid, prefix, lines} = flight
  const [begin] = lines
  const settings = `TTL ${text(begin, 'ttl')}, lock-delay ${text(begin, 'lockDelay')}, grace ${text(begin, 'grace')}`
  const last = lines.at(-1)
  return [
    printable(`${prefix}: ${text(begin, 'command')}, pid ${pid}, ${settings}`),
    ...lines.flatMap((line, at) => {
      const isRepeated = line.type === 'lease.renewed' && lines[at + 1]?.type === 'lease.renewed'
      const said = isRepeated ? undefined : sayLine(line)
      return said === undefined ? [] : [printable(`  ${line.time}  ${said}`)]
    }),
    `  ${conclusions[endOf(flight, isRunning)] ?? ''}${last ? `; the last line is of ${last.time}` : ''}`,
  ]
}

const conclusions: Readonly<Record<string, string>> = {
  lost: 'the lock was lost',
  released: 'the lock was released',
  failed: 'the lock was not acquired',
  running: 'the process is running',
  killed:
    'the process ended without a last line: it was killed (kill -9, out of memory) or the machine stopped; its guardian stops the command and releases the lock',
}

function text(line: FlightLine | undefined, field: string): string {
  const value = line?.[field]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '?'
}

function sayLine(line: FlightLine): string | undefined {
  switch (line.type) {
    case 'session.created':
      return `session ${text(line, 'session')} created`
    case 'lock.waiting':
      return `waiting: ${line['holder'] === undefined ? text(line, 'reason') : `held by ${text(line, 'holder')}`}${line['position'] === undefined ? '' : `, place ${text(line, 'position')}`}`
    case 'lock.acquired':
      return `acquired after ${formatDuration(Number(line['waitMs']))}, token ${text(line, 'token')}`
    case 'lease.renewed':
      return `proven; without a further proof ${arithmetic(line)}`
    case 'lease.degraded':
      return `not proven: ${text(line, 'error')}; ${arithmetic(line)}`
    case 'lock.lost':
      return text(line, 'error')
    case 'lock.released':
      return 'released'
    case 'child.started':
      return `command started, pid ${text(line, 'pid')}`
    case 'child.signalled':
      return `sent ${text(line, 'signal')} to the command: ${text(line, 'why')}`
    case 'child.exited':
      return `command ended: ${text(line, 'code')}`
    case 'guardian.failed':
    case 'session.expiring':
    case 'queue.left':
    case 'queue.passed-over':
    case 'queue.unshared':
      return line.type
    default:
      return undefined
  }
}

/** Returns the calculation of the deadline, with times of the wall clock. */
function arithmetic(line: FlightLine): string {
  const {termAtMs, killAtMs, freeAtMs} = (line['deadline'] ?? {}) as Partial<LeaseDeadline>
  if (termAtMs === undefined || killAtMs === undefined || freeAtMs === undefined) return 'the deadline is unknown'
  const at = (ms: number): string => new Date(Date.parse(line.time) + ms - line.bootMs).toISOString()
  return (
    `TERM at ${at(termAtMs)}, + grace ${formatDuration(killAtMs - termAtMs)} = KILL at ${at(killAtMs)}, ` +
    `+ margin ${formatDuration(freeAtMs - killAtMs)} = free for others at ${at(freeAtMs)} at the earliest`
  )
}
