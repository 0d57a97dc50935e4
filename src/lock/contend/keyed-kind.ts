import {lateSignal} from '../../core/cancel/late-signal.js'
import type {ConsulClient} from '../../core/client.js'
import type {KvOperation, TxnResult} from '../../core/types.js'
import {bootTimeOf} from '../../session/session.js'
import {lateAnswerMs} from '../defaults.js'
import type {LockOptions} from '../types.js'
import {encodeHolderRecord, ownRecord} from '../wire/holder-record.js'
import {lockKey} from '../wire/names.js'

/** Base class of the kinds of locks that have a single key, `<prefix>/.lock`. */
export abstract class KeyedKind<Options extends LockOptions> {
  readonly keys: readonly [string]
  protected readonly client: ConsulClient
  protected readonly options: Options
  protected readonly now: () => number

  constructor(client: ConsulClient, options: Options) {
    this.client = client
    this.options = options
    this.now = options.now ?? bootTimeOf(client)
    this.keys = [lockKey(options.prefix)]
  }

  protected get key(): string {
    return this.keys[0]
  }

  /** Returns the record that this contender writes about itself. */
  protected ownRecord(): Buffer {
    return encodeHolderRecord(ownRecord(this.client, this.options))
  }

  /**
   * Sends a transaction. If the signal aborts after the transaction was sent, the method still waits briefly for the
   * answer.
   */
  protected async commit(operations: readonly KvOperation[], signal: AbortSignal): Promise<TxnResult> {
    using late = lateSignal(signal, {lateMs: lateAnswerMs, clock: this.client.clock})
    return await this.client.txn.commit(operations, {signal: late.signal})
  }
}
