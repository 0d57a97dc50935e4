/** Encodes a string of the SSH protocol: its length in four bytes, then its bytes. */
export function encodeString(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/**
 * Reads values in the SSH wire format, one after another. Throws a RangeError if too few bytes are left for a value.
 */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  uint32(): number {
    const value = this.#bytes.readUInt32BE(this.#at)
    this.#at += 4
    return value
  }

  string(): Buffer {
    return this.bytes(this.uint32())
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new RangeError('a value is longer than its message')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}
