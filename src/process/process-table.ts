import {execFileSync} from 'node:child_process'
import {existsSync, readdirSync, readFileSync} from 'node:fs'

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** 0 where the system does not report it. */
  readonly session: number
  /** One letter: R, S, D, T (stopped), Z (zombie) ... */
  readonly state: string
  /** In ticks since boot; with the number it identifies one process forever. 0 where the system does not report it. */
  readonly startedAt: number
}

const hasProc = existsSync('/proc/self/stat')

/** All processes of the machine that may be seen. From /proc, elsewhere from `ps`. */
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

/** One line of `/proc/<pid>/stat`. The command's name stands in parentheses and may hold anything, parentheses too. */
export function parseStat(stat: string): ProcessEntry | undefined {
  const [state = '', ...numbers] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [parent = Number.NaN, group = Number.NaN, session = Number.NaN] = numbers.map(Number)
  const startedAt = Number(numbers[18])
  const entry = {pid: Number.parseInt(stat, 10), parent, group, session, startedAt, state}
  return Number.isNaN(entry.pid + parent + group + session + startedAt) ? undefined : entry
}

/** True when `NAME=value` is in the environment the process was started with. False where that cannot be read. */
export const hasInEnvironment = (pid: number, marker: string): boolean =>
  readIfThere(`/proc/${pid}/environ`)?.split('\0').includes(marker) ?? false

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Ended in the meantime, or not ours to read.
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
