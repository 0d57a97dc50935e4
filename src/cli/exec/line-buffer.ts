/** Maximum length of a line. A longer line is cut between two characters. */
const maxLineBytes = 64 * 1024

/** Divides a stream of chunks at line ends, so that the output of several nodes can be mixed line by line. */
export class LineBuffer {
  #rest: Buffer[] = []
  #restBytes = 0

  /** Returns the complete lines so far, with their line ends; empty if no line is complete. */
  push(chunk: Buffer): Buffer {
    const end = chunk.lastIndexOf(10) + 1
    if (end === 0) {
      this.#rest.push(chunk)
      this.#restBytes += chunk.length
      return this.#restBytes > maxLineBytes ? this.#cut() : Buffer.alloc(0)
    }
    const lines = Buffer.concat([...this.#rest, chunk.subarray(0, end)])
    const rest = chunk.subarray(end)
    this.#rest = rest.length > 0 ? [rest] : []
    this.#restBytes = rest.length
    return lines
  }

  /** Returns the rest, an unfinished line without a line end. */
  flush(): Buffer {
    const rest = Buffer.concat(this.#rest)
    this.#rest = []
    this.#restBytes = 0
    return rest
  }

  #cut(): Buffer {
    const all = this.flush()
    let end = all.length
    // In UTF-8, continuation bytes look like 10xxxxxx, and at most three of them follow the first byte of a character.
    for (let back = 1; back <= 4 && back < all.length; back += 1) {
      const byte = all[all.length - back] ?? 0
      if ((byte & 0xc0) === 0x80) continue
      const width = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
      if (width > back) end = all.length - back
      break
    }
    this.#rest = end < all.length ? [all.subarray(end)] : []
    this.#restBytes = all.length - end
    return all.subarray(0, end)
  }
}

/** Keeps one buffer for each output of each node. */
export class NodeLines<Key extends {readonly node: string; readonly stream: string}> {
  readonly #buffers = new Map<string, {readonly key: Key; readonly lines: LineBuffer}>()

  push(key: Key, chunk: Buffer): Buffer {
    const id = `${key.stream} ${key.node}`
    let entry = this.#buffers.get(id)
    if (!entry) {
      entry = {key, lines: new LineBuffer()}
      this.#buffers.set(id, entry)
    }
    return entry.lines.push(chunk)
  }

  /** Returns the unfinished lines of one node, or of all nodes. */
  flush(node?: string): {readonly key: Key; readonly chunk: Buffer}[] {
    const rest: {key: Key; chunk: Buffer}[] = []
    for (const {key, lines} of this.#buffers.values()) {
      if (node !== undefined && key.node !== node) continue
      const chunk = lines.flush()
      if (chunk.length > 0) rest.push({key, chunk})
    }
    return rest
  }
}
