import type {Socket} from 'node:net'

type Item = {readonly dueMs: number} & (
  | {readonly what: 'data'; readonly chunk: Buffer}
  | {readonly what: 'end'}
  | {readonly what: 'reset'}
)

const highWater = 1024 * 1024

/** What a pipe asks before it moves anything. */
export interface PipeRules {
  readonly delayMs: () => number
  /** While true nothing is read or written: the peers' buffers fill up as behind a firewall that drops packets. */
  readonly isHole: () => boolean
  /** True: the bytes are thrown away. */
  readonly swallow: (chunk: Buffer) => boolean
  readonly moved: (bytes: number) => void
}

/**
 * One direction of a proxied connection. Everything that happens to the source, its end and its reset included, goes
 * through one queue, so that a hole or a delay holds it back too.
 */
export class TcpPipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #rules: PipeRules
  readonly #queue: Item[] = []
  #queuedBytes = 0
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(from: Socket, to: Socket, rules: PipeRules) {
    this.#from = from
    this.#to = to
    this.#rules = rules
    from.on('data', (chunk: Buffer) => {
      this.#queuedBytes += chunk.length
      this.#push({what: 'data', chunk, dueMs: this.#dueMs()})
    })
    from.on('end', () => this.#finish('end'))
    from.on('error', () => this.#finish('reset'))
    from.on('close', () => this.#finish('end'))
    to.on('drain', () => this.pump())
    to.on('close', () => this.dispose())
    this.pump()
  }

  /** Moves what may move now. To be called after the rules have changed. */
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

  #dueMs(): number {
    return performance.now() + this.#rules.delayMs()
  }
}
