import {setImmediate} from 'node:timers'
import {messageOf} from '../core/errors.js'

/**
 * A stream for results. Its reader may close it, and a full disk may refuse the data; both are recorded instead of
 * thrown.
 */
export class WrittenStream {
  readonly #stream: NodeJS.WriteStream
  readonly #onClosed: (() => void)[] = []
  #failure: string | undefined

  /** `onFailure` is called once, with the reason why output could not be written. */
  constructor(stream: NodeJS.WriteStream, onFailure: (reason: string) => void) {
    this.#stream = stream
    // oclif's own listener throws an error that no code can catch, so it is removed.
    stream.removeAllListeners('error')
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // It is not a failure if a reader closes its end (`baton kv ls | head`), but it is one if the disk is full.
      if (error.code !== 'EPIPE' && this.#failure === undefined) {
        this.#failure = whyUnwritten(error)
        onFailure(this.#failure)
      }
      for (const listener of this.#onClosed) listener()
    })
  }

  /** Calls the listener when the stream can no longer be written. */
  onClosed(listener: () => void): void {
    this.#onClosed.push(listener)
  }

  /**
   * Resolves when all output is written. Resolves with the reason if output could not be written, otherwise with
   * undefined.
   */
  async settled(): Promise<string | undefined> {
    const stream = this.#stream
    if (stream.writableLength > 0) await new Promise<void>(resolve => stream.write('', () => resolve()))
    // Even if a write fails immediately, Node emits its error only in a later tick.
    else await new Promise(resolve => setImmediate(resolve))
    return this.#failure
  }
}

/** Returns the text of a system error without its code and its system call, such as `no space left on device`. */
const whyUnwritten = (error: Error): string => /^E[A-Z]+: (.*), [a-z]+$/.exec(error.message)?.[1] ?? messageOf(error)
