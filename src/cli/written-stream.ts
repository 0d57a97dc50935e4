import {setImmediate as nextTurn} from 'node:timers/promises'
import {messageOf} from '../core/errors.js'

/**
 * A stream for results that a reader may close and that a full disk may refuse. Both are recorded, and neither throws.
 */
export class WrittenStream {
  readonly #stream: NodeJS.WriteStream
  readonly #onClosed: (() => void)[] = []
  #failure: Error | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    // oclif's own listener throws an error that no code can catch.
    stream.removeAllListeners('error')
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that closed its end (`baton kv ls | head`) is not a failure; a full disk is.
      if (error.code !== 'EPIPE') this.#failure ??= error
      for (const listener of this.#onClosed) listener()
    })
  }

  /** Calls the listener when the stream cannot be written any more. */
  onClosed(listener: () => void): void {
    this.#onClosed.push(listener)
  }

  /** Resolves when all output is written: with the reason if it could not be, otherwise with undefined. */
  async settled(): Promise<string | undefined> {
    const stream = this.#stream
    if (stream.writableLength > 0) await new Promise<void>(resolve => stream.write('', () => resolve()))
    // Node emits the error of a write that was finished at once in a later tick.
    else await nextTurn()
    return this.#failure && whyUnwritten(this.#failure)
  }
}

/** Returns the text of an error of the system without its code and its call: `no space left on device`. */
const whyUnwritten = (error: Error): string => /^E[A-Z]+: (.*), [a-z]+$/.exec(error.message)?.[1] ?? messageOf(error)
