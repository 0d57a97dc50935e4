import {lateSignal} from '../../core/cancel/late-signal.js'
import type {ConsulClient} from '../../core/client.js'
import type {KvOperation, TxnResult} from '../../core/types.js'
import {bootTimeOf} from '../../session/session.js'
import {lateAnswerMs} from '../defaults.js'
import type {LockOptions} from '../types.js'
import {encodeHolderRecord, ownRecord} from '../wire/holder-record.js'
import {lockKey} from '../wire/names.js'

/** What the kinds of locks with one key `<prefix>/.lock` have in common. */
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

  /** What this contender writes about itself. */
  protected ownRecord(): Buffer {
    return encodeHolderRecord(ownRecord(this.client, this.options))
  }

  /** Sends a transaction. Once it is sent, its answer is awaited for a moment even after the signal. */
  protected async commit(operations: readonly KvOperation[], signal: AbortSignal): Promise<TxnResult> {
    using late = lateSignal(signal, {lateMs: lateAnswerMs, clock: this.client.clock})
    return await this.client.txn.commit(operations, {signal: late.signal})
  }
}
