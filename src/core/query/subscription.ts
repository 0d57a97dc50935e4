import {listenForAbort} from '../cancel/listen-for-abort.js'
import {CancelledError} from '../errors.js'
import type {Snapshot} from '../types.js'
import {FrameReader, type Reader, SnapshotReader, type ViewCore} from './readers.js'
import type {Frame, ResumeToken, SubscribeOptions, Subscription} from './types.js'

/**
 * The subscription of one reader. The view wakes it; the subscription cannot change the view, except by
 * leaving it.
 */
export class ViewSubscription<T, Item> implements Subscription<T, Item> {
  readonly ready: Promise<Snapshot<T>>
  readonly #core: ViewCore<T, Item>
  readonly #options: SubscribeOptions<Item>
  readonly #leave: (subscription: ViewSubscription<T, Item>) => void
  readonly #readers = new Set<Reader<T, Item>>()
  readonly #onAbort: (() => void) | undefined
  #settle: {resolve(snapshot: Snapshot<T>): void; reject(error: unknown): void} | undefined
  #token: ResumeToken
  #isClosed = false

  constructor(
    core: ViewCore<T, Item>,
    options: SubscribeOptions<Item>,
    leave: (subscription: ViewSubscription<T, Item>) => void,
  ) {
    this.#core = core
    this.#options = options
    this.#leave = leave
    this.#token = options.resume ?? {epoch: 0, seq: 0}
    this.ready = new Promise((resolve, reject) => {
      this.#settle = {resolve, reject}
    })
    // Prevents an unhandled rejection if the caller does not await `ready`.
    this.ready.catch(() => {})
    if (options.signal) {
      this.#onAbort = () => this.close()
      listenForAbort(options.signal, this.#onAbort)
    }
    this.wake()
  }

  get token(): ResumeToken {
    return this.#token
  }

  snapshots(): AsyncIterableIterator<Snapshot<T>> {
    const reader = new SnapshotReader<T, Item>(this.#core, ended => this.#readers.delete(ended))
    this.#add(reader)
    return reader.read()
  }

  frames(): AsyncIterableIterator<Frame<Item>> {
    const reader = new FrameReader<T, Item>(this.#core, {
      ...this.#options,
      onToken: token => {
        this.#token = token
      },
      onEnd: ended => this.#readers.delete(ended),
    })
    this.#add(reader)
    return reader.read()
  }

  wake(): void {
    const {current, status} = this.#core
    if (current !== undefined) this.#settle?.resolve(current)
    else if (status.state === 'failed') this.#settle?.reject(status.error)
    if (current !== undefined || status.state === 'failed') this.#settle = undefined
    for (const reader of this.#readers) reader.wake()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#onAbort) this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#settle?.reject(this.#options.signal?.aborted ? this.#options.signal.reason : new CancelledError())
    this.#settle = undefined
    for (const reader of this.#readers) reader.close()
    this.#leave(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #add(reader: Reader<T, Item>): void {
    if (this.#isClosed) reader.close()
    else this.#readers.add(reader)
  }
}
