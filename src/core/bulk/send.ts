import {setImmediate as nextTurn} from 'node:timers/promises'
import type {ConsulClient} from '../client.js'
import {BatonError, ConsulError, isTransient, messageOf, PermissionError} from '../errors.js'
import type {KvEntry} from '../types.js'
import {
  type BulkItem,
  type BulkLimits,
  halve,
  isOversized,
  isValued,
  learnLimits,
  packBatches,
  packSmaller,
} from './pack.js'

/** Options for sending many writes. */
export interface BulkOptions<T extends BulkItem> {
  readonly client: Pick<ConsulClient, 'kv' | 'txn' | 'scope'>
  /** Limits of one transaction. They are lowered when Consul reports lower limits of its own. */
  readonly limits: BulkLimits
  /** Maximum number of transactions in flight. With 1, the order of the items is kept. */
  readonly concurrency: number
  /** Once this signal has aborted, nothing more is sent. */
  readonly stop: AbortSignal
  /** When this signal aborts, requests in flight are cancelled. @default never */
  readonly kill?: AbortSignal
  /** Called after each commit with its items, and with the entries that Consul returned, by key. */
  readonly onCommitted: (items: readonly T[], entries: ReadonlyMap<string, KvEntry>) => void
  /**
   * Decides what to do after Consul refused a single item; the error is BATON_CAS_CONFLICT if the condition of a `cas`
   * was not met. With `continue`, the transaction is sent again without this item; with `stop`, nothing more is sent.
   */
  readonly handleRefused: (item: T, error: BatonError) => 'continue' | 'stop'
}

/** A failure of a whole request, which no single item caused. It is unknown whether `items` were written. */
export interface BulkFailure<T> {
  readonly error: Error
  readonly items: readonly T[]
}

/**
 * Writes all items in transactions, each of which is packed just before it is sent. A transaction that is too large for
 * Consul is sent in smaller parts and, as a last resort, as single writes, whose values are not in base64. Nothing is
 * retried. Sending ends at once after a failure that a retry would not fix, otherwise after `concurrency` failures in
 * a row. Resolves with the first failure, or with undefined if there was none. Other work of the process can run after
 * every transaction.
 */
export async function sendBulk<T extends BulkItem>(
  items: Iterable<T>,
  options: BulkOptions<T>,
): Promise<BulkFailure<T> | undefined> {
  const sender = new BulkSender(options)
  const batches = packBatches(items, options.limits, options.client.scope)
  await Promise.all(Array.from({length: options.concurrency}, () => sender.sendAll(batches)))
  return sender.failure
}

class BulkSender<T extends BulkItem> {
  failure: BulkFailure<T> | undefined
  readonly #options: BulkOptions<T>
  #failuresInARow = 0
  #isOver = false

  constructor(options: BulkOptions<T>) {
    this.#options = options
  }

  /**
   * Sends one batch after another. Several calls of this method share the generator, so that each batch is
   * sent once.
   */
  async sendAll(batches: Generator<readonly T[]>): Promise<void> {
    while (!this.#isStopped) {
      // Leaving a `for of` loop would end the generator for the other calls.
      const next = batches.next()
      if (next.done) return
      await this.#send(next.value)
      await nextTurn()
    }
  }

  get #isStopped(): boolean {
    return this.#isOver || this.#options.stop.aborted
  }

  async #send(batch: readonly T[]): Promise<void> {
    const [first] = batch
    if (this.#isStopped || !first) return
    const {client, limits} = this.#options
    if (batch.length === 1 && isValued(first.operation) && isOversized(first, limits, client.scope)) {
      return this.#sendAlone(first)
    }
    try {
      const result = await client.txn.commit(
        batch.map(({operation}) => operation),
        this.#call,
      )
      this.#failuresInARow = 0
      if (result.committed) {
        this.#options.onCommitted(batch, new Map(result.entries.map(entry => [entry.key, entry])))
      } else await this.#setApart(batch, new Map(result.errors.map(({opIndex, what}) => [opIndex, what])))
    } catch (error) {
      await this.#handleFailure(batch, error)
    }
  }

  async #sendAlone(item: T): Promise<void> {
    const {operation} = item
    if (this.#isStopped || !isValued(operation)) return
    try {
      if (await this.#write(operation)) this.#options.onCommitted([item], new Map())
      else this.#refuse(item, new BatonError('BATON_CAS_CONFLICT', 'index is stale'))
    } catch (error) {
      if (isAboutItem(error)) this.#refuse(item, error)
      else this.#fail([item], error)
    }
  }

  async #write(operation: Extract<BulkItem['operation'], {verb: 'set' | 'cas'}>): Promise<boolean> {
    const {kv} = this.#options.client
    const {key, value, flags} = operation
    const options = {...this.#call, ...(flags !== undefined && {flags})}
    if (operation.verb === 'cas') return kv.cas(key, value, {...options, index: operation.index})
    await kv.put(key, value, options)
    return true
  }

  get #call(): {signal?: AbortSignal} {
    const {kill} = this.#options
    return kill ? {signal: kill} : {}
  }

  async #setApart(batch: readonly T[], reasons: ReadonlyMap<number, string>): Promise<void> {
    if (reasons.size === 0) {
      return this.#search(batch, new BatonError('BATON_HTTP', 'the transaction was refused without a reason'))
    }
    for (const [at, item] of batch.entries()) {
      const reason = reasons.get(at)
      if (reason !== undefined && !this.#isOver) this.#refuse(item, new BatonError(codeOf(reason), reason))
    }
    await this.#send(batch.filter((_, at) => !reasons.has(at)))
  }

  async #handleFailure(batch: readonly T[], error: unknown): Promise<void> {
    if (!isAboutItem(error)) {
      this.#fail(batch, error)
      return
    }
    if (!(error instanceof ConsulError) || error.status !== 413) return this.#search(batch, error)
    const {limits, client} = this.#options
    learnLimits(limits, error, batch.length)
    const [only] = batch
    if (batch.length > 1) {
      for (const part of packSmaller(batch, limits, client.scope)) await this.#send(part)
    } else if (only && isValued(only.operation)) await this.#sendAlone(only)
    else if (only) this.#refuse(only, error)
  }

  /**
   * Finds the refused item if Consul's answer does not name it: sends the halves of the batch until one item is left.
   */
  async #search(batch: readonly T[], error: BatonError): Promise<void> {
    const [only] = batch
    if (batch.length === 1 && only) {
      this.#refuse(only, error)
      return
    }
    for (const half of halve(batch)) await this.#send(half)
  }

  #refuse(item: T, error: BatonError): void {
    this.#failuresInARow = 0
    if (this.#options.handleRefused(item, error) === 'stop') this.#isOver = true
  }

  #fail(items: readonly T[], error: unknown): void {
    this.failure ??= {error: error instanceof Error ? error : new Error(messageOf(error)), items}
    this.#failuresInARow += 1
    if (!isTransient(error) || this.#failuresInARow >= this.#options.concurrency) this.#isOver = true
  }
}

const codeOf = (reason: string): 'BATON_CAS_CONFLICT' | 'BATON_ACL_DENIED' | 'BATON_HTTP' => {
  if (reason.includes('index is stale')) return 'BATON_CAS_CONFLICT'
  return reason.includes('Permission denied') ? 'BATON_ACL_DENIED' : 'BATON_HTTP'
}

/**
 * True if Consul refused the content of the request. False if the server could not answer, or does not know the token.
 */
const isAboutItem = (error: unknown): error is BatonError =>
  error instanceof BatonError &&
  !error.transient &&
  !(error instanceof PermissionError) &&
  (error instanceof ConsulError || error.code === 'BATON_USAGE')
