import {hasInEnvironment, type ProcessEntry, readProcesses} from './process-table.js'

/**
 * How a child is held together. `group`: it leads its own session and process group. `terminal`: it shares baton's, so
 * that job control keeps working, and is found by descent and by a variable in its environment.
 */
export type FamilyShape = 'group' | 'terminal'

export interface Family {
  /** The direct child. */
  readonly rootPid: number
  readonly shape: FamilyShape
  /** `NAME=value` that only this family has in its environment. Finds orphans in the `terminal` shape. */
  readonly marker: string | undefined
  /** False once the direct child was reaped: from then on its number may belong to a stranger. */
  isRootOurs(): boolean
}

/** The processes of a family that are alive: zombies hold nothing and are left out. */
export function livingMembers(family: Family, table: readonly ProcessEntry[] = readProcesses()): ProcessEntry[] {
  const {rootPid, shape, marker} = family
  const own = table.find(entry => entry.pid === process.pid)
  const members = family.isRootOurs() ? descendants(rootPid, table) : new Set<number>()
  for (const entry of table) {
    if (shape === 'group' && (entry.group === rootPid || entry.session === rootPid)) members.add(entry.pid)
    const isOrphan =
      shape === 'terminal' && marker !== undefined && entry.session === own?.session && !members.has(entry.pid)
    if (isOrphan && hasInEnvironment(entry.pid, marker)) members.add(entry.pid)
  }
  members.delete(process.pid)
  return table.filter(entry => members.has(entry.pid) && entry.state !== 'Z' && entry.state !== 'X')
}

/** The root, when it is there, and everything below it. */
function descendants(rootPid: number, table: readonly ProcessEntry[]): Set<number> {
  const childrenOf = new Map<number, ProcessEntry[]>()
  for (const entry of table) {
    const siblings = childrenOf.get(entry.parent)
    if (siblings) siblings.push(entry)
    else childrenOf.set(entry.parent, [entry])
  }
  const found = new Set<number>()
  const queue = table.filter(entry => entry.pid === rootPid)
  for (let next = queue.pop(); next; next = queue.pop()) {
    if (found.has(next.pid)) continue
    found.add(next.pid)
    queue.push(...(childrenOf.get(next.pid) ?? []))
  }
  return found
}

/** True when nobody is left in the group of a `group` family; one system call, so zombies still count. */
export function isGroupGone(family: Family): boolean {
  if (family.shape !== 'group') return false
  try {
    process.kill(-family.rootPid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Sends a signal to every living member. Those that end meanwhile are no error. Returns how many got it. */
export function signalFamily(family: Family, signal: NodeJS.Signals): number {
  const members = livingMembers(family)
  // The group first and in one call: a member that forks in this moment does not slip through.
  if (family.shape === 'group' && members.some(member => member.group === family.rootPid)) send(-family.rootPid, signal)
  for (const member of members) {
    if (family.shape === 'terminal' || member.group !== family.rootPid) send(member.pid, signal)
  }
  return members.length
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
