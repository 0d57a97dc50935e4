import {createHash} from 'node:crypto'
import type {ConsulClient} from '../../core/client.js'
import type {KvEntry} from '../../core/types.js'
import {deleteLimit} from '../plan/max-delete.js'
import type {DeleteBudget} from '../types.js'
import {parseObject} from './held-set.js'

/** The deletes that one replication pass counted towards the budget. */
interface Spending {
  readonly atMs: number
  readonly count: number
  /**
   * Digest of the deleted keys. If another replicator of the mapping, or a second attempt, deletes the same
   * keys, they are not counted again.
   */
  readonly digest: string
}

/** How many more deletes the budget permits within its period. */
export interface BudgetLeft {
  readonly left: number
  readonly limit: number
  /** Number of keys that a ratio refers to: those that exist, and those that were deleted within the period. */
  readonly base: number
}

/** The counts of deletes that are older than this are merged if the deletes were made at about the same time. */
const mergeAfterMs = 30_000
const slots = 60

/**
 * Counts the deletes of one mapping over time. The counts are stored at the destination, and shared by all replicators
 * of the mapping.
 */
export class DeleteCounter {
  readonly #client: ConsulClient
  readonly #key: string
  readonly #budget: DeleteBudget

  constructor(options: {readonly client: ConsulClient; readonly key: string; readonly budget: DeleteBudget}) {
    this.#client = options.client
    this.#key = options.key
    this.#budget = options.budget
  }

  /** Returns how many deletes the budget still permits if `present` keys exist now. */
  async left(present: number, signal: AbortSignal): Promise<BudgetLeft> {
    const {max} = this.#budget
    if (max === 'off') return {left: Number.POSITIVE_INFINITY, limit: Number.POSITIVE_INFINITY, base: present}
    const {value} = await this.#client.kv.get(this.#key, {signal, consistency: 'consistent'})
    return this.#left(this.#current(value), present)
  }

  /**
   * Counts deletes before they are made. Resolves with false if they would exceed the limit. Rejects if the
   * count cannot be stored.
   */
  async spend(keys: readonly string[], present: number, signal: AbortSignal): Promise<boolean> {
    if (keys.length === 0 || this.#budget.max === 'off') return true
    const digest = digestOf(keys)
    let isCounted = false
    const {isWritten} = await this.#client.kv.update(
      this.#key,
      entry => {
        const current = this.#current(entry)
        isCounted = current.some(spending => spending.digest === digest)
        if (isCounted || keys.length > this.#left(current, present).left) return undefined
        const spending = {atMs: this.#client.clock.wallMs(), count: keys.length, digest}
        return encode(merge([...current, spending], this.#slotMs))
      },
      {signal},
    )
    return isWritten || isCounted
  }

  get #slotMs(): number {
    return this.#budget.windowMs / slots
  }

  #left(current: readonly Spending[], present: number): BudgetLeft {
    const spent = current.reduce((sum, {count}) => sum + count, 0)
    const base = present + spent
    const limit = deleteLimit(this.#budget.max, base)
    return {left: Math.max(0, limit - spent), limit, base}
  }

  /**
   * Drops entries with a time in the future: after the clock was set back, they would count for longer than the period.
   */
  #current(entry: KvEntry | undefined): readonly Spending[] {
    const nowMs = this.#client.clock.wallMs()
    return (entry ? decode(entry.value) : [])
      .map(spending => ({...spending, atMs: Math.min(spending.atMs, nowMs)}))
      .filter(({atMs}) => atMs > nowMs - this.#budget.windowMs)
  }
}

/** Limits the length of the list by merging old entries of the same time slot. */
function merge(spendings: readonly Spending[], slotMs: number): readonly Spending[] {
  const newestMs = spendings.at(-1)?.atMs ?? 0
  const merged: Spending[] = []
  for (const spending of spendings) {
    const last = merged.at(-1)
    const isOld = spending.atMs < newestMs - mergeAfterMs
    if (last && isOld && Math.floor(last.atMs / slotMs) === Math.floor(spending.atMs / slotMs)) {
      merged[merged.length - 1] = {atMs: spending.atMs, count: last.count + spending.count, digest: ''}
    } else merged.push(spending)
  }
  return merged
}

function digestOf(keys: readonly string[]): string {
  const hash = createHash('sha256')
  for (const key of keys) hash.update(JSON.stringify(key))
  return hash.digest('hex').slice(0, 16)
}

const encode = (spendings: readonly Spending[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      Version: 1,
      Deletes: spendings.map(({atMs, count, digest}) => ({
        At: new Date(atMs).toISOString(),
        Count: count,
        Digest: digest,
      })),
    }),
  )

/**
 * A value that cannot be decoded counts as no deletes. The limit of each pass still applies, and the budget counts all
 * deletes from now on.
 */
function decode(value: Buffer): readonly Spending[] {
  const list = parseObject(value)?.['Deletes']
  if (!Array.isArray(list)) return []
  return (list as readonly Readonly<Record<string, unknown>>[]).flatMap(one => {
    const [at, count, digest] = [one['At'], one['Count'], one['Digest']]
    const isValid = typeof at === 'string' && Number.isSafeInteger(count) && (count as number) >= 0
    return isValid
      ? [{atMs: Date.parse(at) || 0, count: count as number, digest: typeof digest === 'string' ? digest : ''}]
      : []
  })
}
