import type {ConsulClient} from '../../core/client.js'
import {BatonError, ConsulError, isTransient, messageOf, PermissionError} from '../../core/errors.js'
import type {KvEntry} from '../../core/types.js'
import type {Refused} from '../types.js'
import {type Limits, learnLimit, toBatches, type Work} from './batch.js'

export interface ApplyOptions {
  readonly client: ConsulClient
  readonly limits: Limits
  readonly concurrency: number
  /** Once aborted, nothing new is sent. */
  readonly stop: AbortSignal
  /** Once aborted, what is under way is cut. */
  readonly kill: AbortSignal
  /** Told of each key as soon as its write is certain, in the order of commits. */
  readonly onCommitted: (work: Work, written: KvEntry | undefined) => void
}

export interface ApplyResult {
  readonly refused: readonly Refused[]
  /** The first failure that says nothing about any key. Its work may or may not have been applied: read again. */
  readonly error: Error | undefined
}

/**
 * Sends work in transactions, several at a time. A key that the destination refuses is set apart and the others go on;
 * a failure of the connection ends the round after as many misses in a row as there are lanes.
 * Retries nothing: the next pass compares anew, so that an unknown outcome is read and not assumed.
 */
export async function applyWork(work: readonly Work[], options: ApplyOptions): Promise<ApplyResult> {
  const {default: PQueue} = await import('p-queue')
  const round = new Round(options)
  const queue = new PQueue({concurrency: options.concurrency})
  const small = work.filter(item => item.bytes + 2 <= options.limits.bytes)
  for (const batch of toBatches(small, options.limits)) void queue.add(() => round.send(batch))
  for (const item of work) if (!small.includes(item)) void queue.add(() => round.put(item))
  await queue.onIdle()
  return {refused: round.refused, error: round.error}
}

class Round {
  readonly refused: Refused[] = []
  error: Error | undefined
  readonly #options: ApplyOptions
  #missesInARow = 0
  #over = false

  constructor(options: ApplyOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async send(batch: readonly Work[]): Promise<void> {
    const {client, stop, kill, onCommitted} = this.#options
    if (this.#over || stop.aborted || batch.length === 0) return
    try {
      const result = await client.txn.commit(
        batch.map(item => item.operation),
        {signal: kill},
      )
      this.#missesInARow = 0
      if (result.committed) {
        const written = new Map(result.entries.map(entry => [entry.key, entry]))
        for (const item of batch) onCommitted(item, written.get(item.key))
      } else await this.#setApart(batch, new Map(result.errors.map(error => [error.opIndex, error.what])))
    } catch (error) {
      await this.#handleFailure(batch, error)
    }
  }

  /** A value too large for a transaction. */
  async put(item: Work): Promise<void> {
    const {client, stop, kill, onCommitted} = this.#options
    if (this.#over || stop.aborted || item.operation.verb !== 'set') return
    const {key, value, flags} = item.operation
    try {
      await client.kv.put(key, value, {signal: kill, ...(flags !== undefined && {flags})})
      this.#missesInARow = 0
      onCommitted(item, undefined)
    } catch (error) {
      if (isAboutKey(error)) this.#refuse(item, messageOf(error))
      else this.#miss(error)
    }
  }

  async #setApart(batch: readonly Work[], whats: ReadonlyMap<number, string>): Promise<void> {
    if (whats.size === 0) {
      await this.#halve(batch, 'the transaction was refused without a reason')
      return
    }
    batch.forEach((item, at) => {
      const what = whats.get(at)
      if (what !== undefined) this.#refuse(item, what)
    })
    await this.send(batch.filter((_, at) => !whats.has(at)))
  }

  async #handleFailure(batch: readonly Work[], error: unknown): Promise<void> {
    if (!isAboutKey(error)) {
      this.#miss(error)
      return
    }
    if (error instanceof ConsulError && error.status === 413) {
      const {limits} = this.#options
      learnLimit(limits, error.text, batch)
      const [only] = batch
      if (batch.length === 1 && only) await this.put(only)
      else for (const part of resplit(batch, limits)) await this.send(part)
      return
    }
    await this.#halve(batch, messageOf(error))
  }

  /** Finds the key that the answer was about when the answer does not name it. */
  async #halve(batch: readonly Work[], reason: string): Promise<void> {
    const [only] = batch
    if (batch.length === 1 && only) {
      this.#refuse(only, reason)
      return
    }
    const middle = Math.ceil(batch.length / 2)
    await this.send(batch.slice(0, middle))
    await this.send(batch.slice(middle))
  }

  #refuse(item: Work, reason: string): void {
    this.#missesInARow = 0
    this.refused.push({key: item.key, reason})
  }

  #miss(error: unknown): void {
    this.error ??= error instanceof Error ? error : new Error(messageOf(error))
    this.#missesInARow += 1
    if (!isTransient(error) || this.#missesInARow >= this.#options.concurrency) this.#over = true
  }
}

/** True for a refusal of what was sent, as against a server that cannot answer or does not know the token. */
const isAboutKey = (error: unknown): boolean =>
  error instanceof BatonError &&
  !error.transient &&
  !(error instanceof PermissionError) &&
  (error instanceof ConsulError || error.code === 'BATON_USAGE')

/** Under unchanged limits a refused batch must still shrink. */
function resplit(batch: readonly Work[], limits: Limits): Work[][] {
  const parts = toBatches(batch, limits)
  if (parts.length > 1) return parts
  const middle = Math.ceil(batch.length / 2)
  return [batch.slice(0, middle), batch.slice(middle)]
}
