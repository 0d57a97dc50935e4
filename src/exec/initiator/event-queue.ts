import {Wake} from '../../core/time/wake.js'

/** Passes items from a producer that never waits to a single reader. */
export class EventQueue<T> {
  readonly #items: T[] = []
  readonly #wake = new Wake()
  #isClosed = false

  push(item: T): void {
    this.#items.push(item)
    this.#wake.wake()
  }

  /** Ends the reader's loop once the queue is empty. */
  close(): void {
    this.#isClosed = true
    this.#wake.wake()
  }

  async *read(): AsyncGenerator<T, void, undefined> {
    while (true) {
      const batch = this.#items.splice(0)
      for (const item of batch) yield item
      if (this.#items.length > 0) continue
      if (this.#isClosed) return
      await this.#wake.wait()
    }
  }
}
