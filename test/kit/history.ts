import {existsSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** The child script of lock tests. A comment at its top describes the lines that it writes. */
export const criticalSection = fileURLToPath(new URL('./children/critical-section.sh', import.meta.url))

export interface HistoryEntry {
  readonly what: 'start' | 'beat' | 'end' | 'clash'
  readonly id: string
  /** Wall-clock time, for people. Only the order of the entries is compared. */
  readonly ns: bigint
}

export interface HistoryVerdict {
  /** IDs in the order in which they began. */
  readonly order: readonly string[]
  readonly finished: readonly string[]
  /** IDs that began but did not end, because the child was killed or is still running. */
  readonly unfinished: readonly string[]
  /** Maximum number of holders at the same time. */
  readonly peak: number
}

export function readHistory(file: string): HistoryEntry[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  lines.pop()
  return lines.map(line => {
    const [what, id, ns] = line.split(' ')
    if (!/^(start|beat|end|clash)$/.test(what ?? '') || !id || !ns)
      throw new Error(`history ${file}: bad line '${line}'`)
    return {what: what as HistoryEntry['what'], id, ns: BigInt(ns)}
  })
}

/**
 * Finds children that held the lock at the same time. A child counts as a holder from its `start` to its last line of
 * any kind. For a killed child, that is its last `beat`, so a child that was wrongly left alive shows up as an overlap.
 */
export function judgeHistory(entries: readonly HistoryEntry[], limit = 1): HistoryVerdict {
  const last = new Map<string, number>()
  for (const [index, {id}] of entries.entries()) last.set(id, index)
  const inside = new Set<string>()
  const order: string[] = []
  let peak = 0
  for (const [index, {what, id, ns}] of entries.entries()) {
    if (what === 'clash') throw new Error(`history: ${id} found the exclusive file of a live holder at ${ns}`)
    if (what === 'start') {
      if (order.includes(id)) throw new Error(`history: ${id} started twice`)
      order.push(id)
      inside.add(id)
      peak = Math.max(peak, inside.size)
      if (inside.size > limit)
        throw new Error(`history: ${[...inside].join(', ')} were inside together at ${ns}, ${limit} allowed`)
    }
    if (index === last.get(id)) inside.delete(id)
  }
  const finished = entries.filter(({what}) => what === 'end').map(({id}) => id)
  return {order, finished, unfinished: order.filter(id => !finished.includes(id)), peak}
}

/**
 * Throws if more than `limit` children held the lock at the same time, or if a child found the exclusive file of
 * another child.
 */
export const checkNoOverlap = (file: string, options: {readonly limit?: number} = {}): HistoryVerdict =>
  judgeHistory(readHistory(file), options.limit ?? 1)
