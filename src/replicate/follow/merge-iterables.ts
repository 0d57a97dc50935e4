import {Wake} from '../../core/time/wake.js'

interface Turn<T> {
  readonly source: AsyncGenerator<T, void>
  readonly result: PromiseSettledResult<IteratorResult<T, void>>
}

/**
 * Yields the values of several iterables as they arrive, until all have ended. Iterables can be added
 * meanwhile. The first failure ends all of them.
 */
export class Merge<T> {
  readonly #sources = new Set<AsyncGenerator<T, void>>()
  readonly #ready: Turn<T>[] = []
  readonly #news = new Wake()
  #openCount = 0

  add(source: AsyncGenerator<T, void>): void {
    this.#sources.add(source)
    this.#take(source)
  }

  /** Keeps the merged iterable open, even if all of its sources have ended, until the returned object is disposed. */
  keepOpen(): Disposable {
    this.#openCount += 1
    return {
      [Symbol.dispose]: () => {
        this.#openCount -= 1
        this.#news.wake()
      },
    }
  }

  async *values(): AsyncGenerator<T, void, undefined> {
    try {
      while (this.#sources.size > 0 || this.#openCount > 0) {
        const turn = this.#ready.shift()
        if (turn === undefined) {
          await this.#news.wait()
          continue
        }
        const {source, result} = turn
        if (result.status === 'rejected') throw result.reason
        if (result.value.done) this.#sources.delete(source)
        else {
          this.#take(source)
          yield result.value.value
        }
      }
    } finally {
      // The callers end pending reads by a signal, so the results of those reads are ignored.
      await Promise.allSettled([...this.#sources].map(source => source.return()))
    }
  }

  #take(source: AsyncGenerator<T, void>): void {
    void Promise.allSettled([source.next()]).then(([result]) => {
      this.#ready.push({source, result})
      this.#news.wake()
    })
  }
}
