import type {OutputPart} from '../reports.js'

/** Once the limit of the output is reached, at most this many of its last bytes are kept. */
const maxTailBytes = 64 * 1024

/**
 * Passes on output up to a limit. Beyond the limit, keeps only the newest bytes, which `end` returns, and counts the
 * dropped ones.
 */
export class OutputCap {
  readonly #headBytes: number
  readonly #tailBytes: number
  #tail: OutputPart[] = []
  #heldBytes = 0
  #passedBytes = 0
  #droppedBytes = 0
  #totalBytes = 0

  constructor(maxBytes: number) {
    this.#tailBytes = Math.min(maxTailBytes, Math.floor(maxBytes / 4))
    this.#headBytes = maxBytes - this.#tailBytes
  }

  get totalBytes(): number {
    return this.#totalBytes
  }

  get droppedBytes(): number {
    return this.#droppedBytes
  }

  /** Returns the output that can be passed on now. */
  push(part: OutputPart): readonly OutputPart[] {
    this.#totalBytes += part.chunk.length
    const room = Math.max(0, this.#headBytes - this.#passedBytes)
    const now = part.chunk.subarray(0, room)
    this.#passedBytes += now.length
    const rest = part.chunk.subarray(room)
    if (rest.length > 0) this.#hold({stream: part.stream, chunk: rest})
    return now.length > 0 ? [{stream: part.stream, chunk: now}] : []
  }

  /** Returns the kept newest bytes of the output, preceded by a line with the number of dropped bytes. */
  end(): readonly OutputPart[] {
    const tail = this.#tail
    this.#tail = []
    if (this.#droppedBytes === 0) return tail
    const notice = Buffer.from(`\n[... ${this.#droppedBytes} bytes dropped ...]\n`)
    return [{stream: 'stderr', chunk: notice}, ...tail]
  }

  #hold(part: OutputPart): void {
    this.#tail.push(part)
    this.#heldBytes += part.chunk.length
    while (this.#heldBytes > this.#tailBytes) {
      const [oldest] = this.#tail
      if (!oldest) return
      const excess = Math.min(this.#heldBytes - this.#tailBytes, oldest.chunk.length)
      const kept = oldest.chunk.subarray(excess)
      if (kept.length === 0) this.#tail.shift()
      else this.#tail[0] = {stream: oldest.stream, chunk: kept}
      this.#heldBytes -= excess
      this.#droppedBytes += excess
    }
  }
}
