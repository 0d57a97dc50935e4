import type {Socket} from 'node:net'

type Item = {readonly dueMs: number} & (
  | {readonly what: 'data'; readonly chunk: Buffer}
  | {readonly what: 'end'}
  | {readonly what: 'reset'}
)

const highWater = 1024 * 1024
/** Interval between the pieces of data in a throttled pipe, in milliseconds. */
const pieceEveryMs = 50

/** The rules that a pipe checks before it passes bytes on. */
export interface PipeRules {
  readonly delayMs: () => number
  readonly bytesPerSecond: () => number
  /** True while nothing may be read or written, so that buffers fill up, as behind a firewall that drops packets. */
  readonly isHole: () => boolean
  /** Returns true if these bytes must be discarded. */
  readonly swallow: (chunk: Buffer) => boolean
  readonly moved: (bytes: number) => void
}

/**
 * One direction of a proxied connection. All events of the source, including its end and its reset, pass through one
 * queue, so that a black hole or a delay also affects them.
 */
export class TcpPipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #rules: PipeRules
  readonly #queue: Item[] = []
  #queuedBytes = 0
  #lastDueMs = 0
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(from: Socket, to: Socket, rules: PipeRules) {
    this.#from = from
    this.#to = to
    this.#rules = rules
    from.on('data', (chunk: Buffer) => {
      this.#queuedBytes += chunk.length
      for (const piece of this.#pieces(chunk)) this.#push({what: 'data', ...piece})
    })
    from.on('end', () => this.#finish('end'))
    from.on('error', () => this.#finish('reset'))
    from.on('close', () => this.#finish('end'))
    to.on('drain', () => this.pump())
    to.on('close', () => this.dispose())
    this.pump()
  }

  /** Passes on the bytes that the rules let through. Must be called after a change of the rules. */
  pump(): void {
    clearTimeout(this.#timer)
    const hole = this.#rules.isHole()
    if (hole || this.#queuedBytes > highWater || this.#to.writableNeedDrain) this.#from.pause()
    else this.#from.resume()
    if (hole) return
    for (let item = this.#queue[0]; item; item = this.#queue[0]) {
      const waitMs = item.dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs)
        return
      }
      if (item.what === 'data' && this.#to.writableNeedDrain) return
      this.#queue.shift()
      this.#deliver(item)
    }
  }

  dispose(): void {
    clearTimeout(this.#timer)
    this.#queue.length = 0
  }

  #deliver(item: Item): void {
    if (item.what === 'reset') this.#to.resetAndDestroy()
    else if (item.what === 'end') this.#to.end()
    else {
      this.#queuedBytes -= item.chunk.length
      if (this.#rules.swallow(item.chunk) || !this.#to.writable) return
      this.#rules.moved(item.chunk.length)
      this.#to.write(item.chunk)
    }
  }

  #finish(what: 'end' | 'reset'): void {
    if (this.#ended) return
    this.#ended = true
    this.#push({what, dueMs: this.#dueMs()})
  }

  #push(item: Item): void {
    this.#queue.push(item)
    this.pump()
  }

  *#pieces(chunk: Buffer): Generator<{readonly chunk: Buffer; readonly dueMs: number}> {
    const bytesPerSecond = this.#rules.bytesPerSecond()
    const size = Math.max(1, Math.min(chunk.length, Math.ceil((bytesPerSecond * pieceEveryMs) / 1000)))
    for (let at = 0; at < chunk.length; at += size) {
      const piece = chunk.subarray(at, at + size)
      this.#lastDueMs = this.#dueMs() + (piece.length / bytesPerSecond) * 1000
      yield {chunk: piece, dueMs: this.#lastDueMs}
    }
  }

  /**
   * Returns the earliest time, by `performance.now()`, at which new bytes may pass. It is never before the time of
   * earlier bytes, which keeps the order.
   */
  #dueMs(): number {
    return Math.max(this.#lastDueMs, performance.now() + this.#rules.delayMs())
  }
}
