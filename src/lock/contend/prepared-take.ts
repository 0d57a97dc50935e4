import {prepareTxn, unknownIndex} from '../../core/api/txn.js'
import {lateSignal} from '../../core/cancel/late-signal.js'
import {mutexFlags} from '../../core/consul-constants.js'
import type {KvEntry, TxnResult} from '../../core/types.js'
import {lateAnswerMs} from '../defaults.js'
import type {Grant} from '../kind.js'
import {leaveQueue, takeMutex} from '../wire/mutex-operations.js'
import type {Refusal} from '../wire/refusal.js'
import {type ContenderOptions, toContender} from './plain-contender.js'

/**
 * A transaction that acquires the lock for the first contender in the queue. It is prepared while another session holds
 * the lock, and sent as soon as the first bytes of an answer show that the lock is free or was handed to this
 * contender: before the answer is decoded, because then `consul lock` would nearly always be faster. Consul refuses the
 * transaction if the key has changed again.
 */
export class PreparedTake implements Disposable {
  readonly #options: ContenderOptions
  readonly #send: (index: string) => Promise<TxnResult>
  readonly #late: {readonly signal: AbortSignal} & Disposable
  readonly #mark: string
  #sent: {readonly sentAtMs: number; readonly result: Promise<TxnResult>} | undefined

  constructor(options: ContenderOptions & {readonly entryKey: string}) {
    const {client, mutex, session, signal, entryKey} = options
    this.#options = options
    this.#mark = `"${session.id}"`
    this.#late = lateSignal(signal, {lateMs: lateAnswerMs, clock: client.clock})
    const key = {modifyIndex: unknownIndex} as KvEntry
    const operations = [...takeMutex(mutex.key, key, toContender(options)), leaveQueue(entryKey), mutex.readQueue]
    this.#send = prepareTxn(client, operations, {signal: this.#late.signal})
  }

  /** Receives the first bytes of the answer to a read of the key. */
  readonly see = (bytes?: Uint8Array): void => {
    if (bytes === undefined || this.#sent || this.#options.signal.aborted) return
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    const index = freeIndex(text, this.#mark)
    if (index === undefined) return
    const sentAtMs = this.#options.now()
    const result = this.#send(index)
    result.catch(() => {})
    this.#sent = {sentAtMs, result}
  }

  /** Resolves to the outcome if the transaction was sent, which it is at most once. */
  async outcome(owedTurns: number): Promise<Grant | Refusal | undefined> {
    if (!this.#sent) return undefined
    const {mutex, session} = this.#options
    const {result, sentAtMs} = this.#sent
    return mutex.judge(await result, session.id, {sentAtMs, owedTurns})
  }

  [Symbol.dispose](): void {
    this.#late[Symbol.dispose]()
  }
}

/**
 * Returns the index of the key if the answer is complete and shows the key of a mutex that is free without an offer, or
 * that this session holds. Searches the text instead of decoding it, which takes many times longer. Consul adds spaces
 * and line breaks to JSON in development mode.
 */
function freeIndex(text: string, ownSession: string): string | undefined {
  if (!text.startsWith('HTTP/1.1 200 ') || !fieldOf(text, '"Flags":').startsWith(`${mutexFlags},`)) return undefined
  const isFree = !text.includes('"Session"') && fieldOf(text, '"Value":').startsWith('null')
  if (!isFree && !text.includes(ownSession)) return undefined
  const end = fieldOf(text, '"ModifyIndex":').trimEnd()
  return end.endsWith(']') ? /^\d{1,20}(?=\s*\})/.exec(end)?.[0] : undefined
}

/** Returns the text that begins with the value of the field; empty if there is no such field. */
function fieldOf(text: string, name: string): string {
  const at = text.indexOf(name)
  return at < 0 ? '' : text.slice(at + name.length, at + name.length + 64).trimStart()
}
