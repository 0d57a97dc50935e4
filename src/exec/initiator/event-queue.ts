/** Hands items from a producer that never waits to one reader. */
export class EventQueue<T> {
  readonly #items: T[] = []
  #wake: (() => void) | undefined
  #isClosed = false

  push(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** The reader still gets what is queued. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  async *read(): AsyncGenerator<T, void, undefined> {
    while (true) {
      const batch = this.#items.splice(0)
      for (const item of batch) yield item
      if (this.#items.length > 0) continue
      if (this.#isClosed) return
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }
}
