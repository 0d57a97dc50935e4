/** Returns memory for at least this many bytes. */
export type TakeMemory = (bytes: number) => Buffer

/** Maximum number of bytes that are reserved when an answer announces its length, before its body arrives. */
const mostReserved = 64 * 1024 * 1024

/** Collects the bytes of a body in one piece of memory. */
export class BodyBuilder {
  readonly #take: TakeMemory
  #memory: Buffer | undefined
  #length = 0

  constructor(take: TakeMemory = bytes => Buffer.allocUnsafe(bytes)) {
    this.#take = take
  }

  /** Reserves memory for this many more bytes. */
  expect(bytes: number): void {
    this.#reserve(Math.min(bytes, mostReserved))
  }

  /** Copies the bytes, so that the caller may reuse their memory. */
  push(bytes: Buffer): void {
    bytes.copy(this.#reserve(bytes.length), this.#length)
    this.#length += bytes.length
  }

  get body(): Buffer {
    return this.#memory?.subarray(0, this.#length) ?? Buffer.alloc(0)
  }

  #reserve(bytes: number): Buffer {
    const old = this.#memory
    const needed = this.#length + bytes
    if (old && old.length >= needed) return old
    // Doubling the memory avoids copying the body once for each of many small chunks.
    const memory = this.#take(old ? Math.max(needed, 2 * old.length) : needed)
    old?.copy(memory, 0, 0, this.#length)
    this.#memory = memory
    return memory
  }
}

const slack = 1.125
/** Minimum share of the memory that an answer must use. After an answer that uses less, the memory is released. */
const leastUse = 0.25

/**
 * Memory that is reused for each answer of one query. Allocating new memory for each large answer would occupy a
 * multiple of the answer's size, because V8 is late to free memory outside its heap.
 */
export class BodyMemory {
  #memory: Buffer | undefined
  #mostTaken = 0
  #isLent = false

  /**
   * Calls `read` with memory that `read` may use until its promise settles. The result must not refer to that
   * memory. Only one read at a time receives memory: a second one, begun before the first has ended, gets
   * none.
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
