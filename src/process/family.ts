import {hasInEnvironment, type ProcessEntry, readProcesses} from './process-table.js'

/**
 * How the processes of a child are found. `group`: the child leads a Unix session and a process group of its own.
 * `terminal`: the child shares baton's Unix session and group, so that job control works, and its processes are found
 * by descent and by a variable in their environment.
 */
export type FamilyShape = 'group' | 'terminal'

export interface Family {
  /** The direct child. */
  readonly rootPid: number
  readonly shape: FamilyShape
  /**
   * `NAME=value` that only this family has in its environment. In the `terminal` shape, orphaned members are
   * found by it.
   */
  readonly marker: string | undefined
  /**
   * True to find members by the marker in the `group` shape, too, so that daemons that have left the Unix session are
   * found.
   */
  readonly isMarkSearched: boolean
  /** False once the direct child was reaped, because another process may have its ID from then on. */
  isRootOurs(): boolean
  /**
   * Start times of the members found so far, by process ID. A known process stays a member even after its
   * parents have exited.
   */
  readonly known: Map<number, number>
}

/** Returns the living processes of a family. Zombies are left out, because they cannot do any work. */
export function livingMembers(family: Family, table: readonly ProcessEntry[] = readProcesses()): ProcessEntry[] {
  const {rootPid, shape, marker, known} = family
  const own = table.find(entry => entry.pid === process.pid)
  const belongs = (entry: ProcessEntry): boolean => {
    const {pid, group, session} = entry
    if (pid === rootPid) return family.isRootOurs()
    if (known.get(pid) === entry.startedAt) return true
    if (shape === 'group') {
      const isMember = group === rootPid || session === rootPid
      return isMember || (family.isMarkSearched && marker !== undefined && hasInEnvironment(pid, marker))
    }
    return marker !== undefined && session === own?.session && hasInEnvironment(pid, marker)
  }
  const members = withDescendants(
    table.filter(entry => entry.pid !== process.pid && belongs(entry)),
    table,
  )
  members.delete(process.pid)
  const living = table.filter(entry => members.has(entry.pid) && entry.state !== 'Z' && entry.state !== 'X')
  for (const {pid, startedAt} of living) known.set(pid, startedAt)
  return living
}

function withDescendants(ancestors: readonly ProcessEntry[], table: readonly ProcessEntry[]): Set<number> {
  const childrenOf = new Map<number, ProcessEntry[]>()
  for (const entry of table) {
    const siblings = childrenOf.get(entry.parent)
    if (siblings) siblings.push(entry)
    else childrenOf.set(entry.parent, [entry])
  }
  const found = new Set<number>()
  const queue = [...ancestors]
  for (let next = queue.pop(); next; next = queue.pop()) {
    if (found.has(next.pid)) continue
    found.add(next.pid)
    queue.push(...(childrenOf.get(next.pid) ?? []))
  }
  return found
}

/**
 * True if the process group of the child no longer exists and no other member is known. Zombies still count
 * here, because a single system call checks the whole group. For the `group` shape only.
 */
export function isGroupGone(family: Family): boolean {
  if (family.shape !== 'group' || family.isMarkSearched || family.known.size > 0) return false
  try {
    process.kill(-family.rootPid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** Sends a signal to every living member. It is not an error if a member ends in the meantime. Returns the members. */
export function signalFamily(family: Family, signal: NodeJS.Signals): readonly ProcessEntry[] {
  const members = livingMembers(family)
  // A single call for the group reaches even a member that is just forking, and its child.
  if (family.shape === 'group' && members.some(member => member.group === family.rootPid)) {
    signalProcess(-family.rootPid, signal)
  }
  for (const member of members) {
    if (family.shape === 'terminal' || member.group !== family.rootPid) signalProcess(member.pid, signal)
  }
  return members
}

export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // Another user's process cannot be signalled, and remains a member until it exits.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}
