import {readdirSync, readFileSync} from 'node:fs'

/** One line of /proc/<pid>/stat. */
export interface ProcessInfo {
  readonly pid: number
  readonly comm: string
  /** Process state: R, S, D, T (stopped), Z (zombie) ... */
  readonly state: string
  readonly ppid: number
  readonly pgid: number
  readonly session: number
}

function readStat(pid: number): ProcessInfo | undefined {
  let line: string
  try {
    line = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The name is in parentheses and may itself contain spaces and parentheses.
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  const [state = '?', ppid, pgid, session] = line.slice(close + 2).split(' ')
  const comm = line.slice(open + 1, close)
  return {pid, comm, state, ppid: Number(ppid), pgid: Number(pgid), session: Number(session)}
}

const isDead = (info: ProcessInfo): boolean => info.state === 'Z' || info.state === 'X'

/** Returns all processes except zombies. Linux only. */
function liveProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => readStat(Number(name)) ?? [])
    .filter(info => !isDead(info))
}

/** Returns a process; undefined if it has ended or is a zombie. */
export function processInfo(pid: number): ProcessInfo | undefined {
  const info = readStat(pid)
  return info && !isDead(info) ? info : undefined
}

export const isAlive = (pid: number): boolean => processInfo(pid) !== undefined

export const processGroup = (pgid: number): ProcessInfo[] => liveProcesses().filter(info => info.pgid === pgid)

/**
 * Returns the children of a process, their children, and so on. Processes whose parent has exited are missing: see
 * {@link findByEnv}.
 */
export function descendants(pid: number): ProcessInfo[] {
  const all = liveProcesses()
  const found: ProcessInfo[] = []
  let parents = new Set([pid])
  while (parents.size > 0) {
    const children = all.filter(info => parents.has(info.ppid))
    found.push(...children)
    parents = new Set(children.map(info => info.pid))
  }
  return found
}

/**
 * Returns the processes that were started with `marker` (a complete `NAME=value`) in their environment, whatever their
 * parent is.
 */
export function findByEnv(marker: string): ProcessInfo[] {
  return liveProcesses().filter(info => {
    try {
      return readFileSync(`/proc/${info.pid}/environ`, 'latin1').split('\0').includes(marker)
    } catch {
      return false
    }
  })
}
