/** Returns memory for at least so many bytes. */
export type TakeMemory = (bytes: number) => Buffer

/** Bytes that are reserved because an answer announces them, before any of them has arrived. */
const mostReserved = 64 * 1024 * 1024

/** Collects the bytes of a body, which is in one piece at the end. */
export class BodyBuilder {
  readonly #take: TakeMemory
  #memory: Buffer | undefined
  #length = 0

  constructor(take: TakeMemory = bytes => Buffer.allocUnsafe(bytes)) {
    this.#take = take
  }

  /** Reserves memory for so many more bytes. */
  expect(bytes: number): void {
    this.#reserve(Math.min(bytes, mostReserved))
  }

  /** Copies the bytes: their memory may be used again. */
  push(bytes: Buffer): void {
    bytes.copy(this.#reserve(bytes.length), this.#length)
    this.#length += bytes.length
  }

  /** The body. */
  get body(): Buffer {
    return this.#memory?.subarray(0, this.#length) ?? Buffer.alloc(0)
  }

  #reserve(bytes: number): Buffer {
    const old = this.#memory
    const needed = this.#length + bytes
    if (old && old.length >= needed) return old
    // Doubled, so that a body in many small chunks is not copied for each of them.
    const memory = this.#take(old ? Math.max(needed, 2 * old.length) : needed)
    old?.copy(memory, 0, 0, this.#length)
    this.#memory = memory
    return memory
  }
}

const slack = 1.125
/** Memory is released after an answer that took less than this part of it. */
const leastUse = 0.25

/**
 * Memory for the answers of one query. V8 frees memory outside its heap late, so that large answers to one query would
 * otherwise occupy a multiple of their size.
 */
export class BodyMemory {
  #memory: Buffer | undefined
  #mostTaken = 0
  #isLent = false

  /**
   * Calls `read` with memory that belongs to it until it has settled: what it returns must not refer to that memory. A
   * read that begins before another one is over gets no memory.
   */
  async lend<T>(read: (take?: TakeMemory) => Promise<T>): Promise<T> {
    if (this.#isLent) return read()
    this.#isLent = true
    this.#mostTaken = 0
    try {
      return await read(bytes => this.#take(bytes))
    } finally {
      this.#isLent = false
      if (this.#mostTaken < (this.#memory?.length ?? 0) * leastUse) this.#memory = undefined
    }
  }

  #take(bytes: number): Buffer {
    this.#mostTaken = Math.max(this.#mostTaken, bytes)
    const memory = this.#memory
    if (memory && memory.length >= bytes) return memory
    return (this.#memory = Buffer.allocUnsafeSlow(Math.ceil(bytes * slack)))
  }
}
