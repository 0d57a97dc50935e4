import {execFileSync} from 'node:child_process'
import {existsSync, readdirSync, readFileSync} from 'node:fs'

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** ID of the process's Unix session; 0 if the system does not report it. */
  readonly session: number
  /** Process state as one letter: R, S, D, T (stopped), Z (zombie) ... */
  readonly state: string
  /**
   * Start time in ticks since boot. Together with the ID, it identifies one process forever. 0 if the system
   * does not report it.
   */
  readonly startedAt: number
}

const hasProc = existsSync('/proc/self/stat')

/** Returns all visible processes of the machine, from /proc or, without it, from `ps`. */
export function readProcesses(): readonly ProcessEntry[] {
  if (!hasProc) return parsePs(execFileSync('ps', ['-axo', 'pid=,ppid=,pgid=,stat='], {encoding: 'utf8'}))
  const entries: ProcessEntry[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d/.test(name)) continue
    const stat = readIfThere(`/proc/${name}/stat`)
    const entry = stat === undefined ? undefined : parseStat(stat)
    if (entry) entries.push(entry)
  }
  return entries
}

/**
 * Parses one line of `/proc/<pid>/stat`. The command's name in parentheses may itself contain any character,
 * even parentheses.
 */
export function parseStat(stat: string): ProcessEntry | undefined {
  const [state = '', ...numbers] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [parent = Number.NaN, group = Number.NaN, session = Number.NaN] = numbers.map(Number)
  const startedAt = Number(numbers[18])
  const entry = {pid: Number.parseInt(stat, 10), parent, group, session, startedAt, state}
  return Number.isNaN(entry.pid + parent + group + session + startedAt) ? undefined : entry
}

/** True if the process was started with `NAME=value` in its environment. False if the environment cannot be read. */
export const hasInEnvironment = (pid: number, marker: string): boolean =>
  readIfThere(`/proc/${pid}/environ`)?.split('\0').includes(marker) ?? false

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process has ended, or belongs to another user.
    return undefined
  }
}

const parsePs = (output: string): ProcessEntry[] =>
  output.split('\n').flatMap(line => {
    const [pid, parent, group, state] = line.trim().split(/\s+/)
    if (state === undefined) return []
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        session: 0,
        state: state.slice(0, 1),
        startedAt: 0,
      },
    ]
  })
