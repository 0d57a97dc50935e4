/** Consecutive items of a list and their JSON text. */
interface Block {
  /**
   * The JSON text of the items, without the characters that begin the first item and end the last one, because they are
   * the same for every item.
   */
  readonly raw: Buffer
}

/** The JSON text of consecutive items of a list. */
export class ListText implements Block {
  readonly raw: Buffer
  readonly #start: string

  constructor(start: string, raw: Buffer) {
    this.#start = start
    this.raw = raw
  }

  /** The items as a JSON list. */
  get json(): string {
    return `[${this.#start}${this.raw.toString('utf8')}}]`
  }
}

/**
 * Size in bytes of a block of list items. A block is reused only if it is unchanged, so even the smallest change means
 * decoding a whole block.
 */
const blockBytes = 8 * 1024

/** The JSON text of a list that is to be divided into blocks of items. */
interface Answer {
  readonly body: Buffer
  /** The text between two items: the end of one item and the beginning of the next. */
  readonly separator: Buffer
  /** Offset of the characters that close the last item and the list. */
  readonly end: number
}

/**
 * Divides each of several successive answers, which contain the same list, into blocks of consecutive items. A block
 * whose bytes were in the previous answer is reused, so that only changed blocks are decoded. Blocks keep no reference
 * to the memory of an answer. An answer is divided where the text that begins its first item occurs again, and each
 * block must be valid JSON by itself. If the answer was divided inside an item, `toBlock` throws a SyntaxError;
 * `divide` then returns undefined, and the caller decodes the whole answer.
 */
export class ListBlocks<T extends Block> {
  readonly #toBlock: (text: ListText) => T
  #separator = ''
  #blocks: readonly T[] = []

  /** `toBlock` makes a block of items from its text, and throws a SyntaxError if the text is not JSON. */
  constructor(toBlock: (text: ListText) => T) {
    this.#toBlock = toBlock
  }

  /** Returns the answer's blocks of items, or undefined if the answer cannot be divided. */
  divide(body: Buffer): readonly T[] | undefined {
    // Consul indents its answers if it is asked to, and always in its development mode.
    const [head, indent, start] = /^\[(\s*)(\{\s*"[^"\\]*": ?\{?)/.exec(body.toString('latin1', 0, longestHead)) ?? []
    const tail = body.toString('latin1', Math.max(0, body.length - longestTail))
    const last = /(\s*)\}\s*\]\s*$/.exec(tail)
    if (head === undefined || start === undefined || !last || last[1] !== indent) return undefined
    const separator = `${indent}},${indent}${start}`
    const answer = {body, separator: Buffer.from(separator, 'latin1'), end: body.length - tail.length + last.index}
    const known = separator === this.#separator ? this.#blocks : []
    try {
      const division = new Division(known, answer, raw => this.#toBlock(new ListText(start, raw)))
      this.#blocks = division.run(head.length)
      this.#separator = separator
      return this.#blocks
    } catch (error) {
      if (error instanceof SyntaxError) return undefined
      throw error
    }
  }
}

const longestHead = 200
const longestTail = 32

/** Divides one answer: walks at the same time through the answer and through the blocks of the previous answer. */
class Division<T extends Block> {
  readonly #known: readonly T[]
  readonly #answer: Answer
  readonly #toBlock: (raw: Buffer) => T
  readonly #blocks: T[] = []
  /**
   * Positions of the previous answer's blocks by the text of their first item. Computed only when a block has moved.
   */
  #places: ReadonlyMap<string, number> | undefined
  /** Position of the previous answer's block that is expected next; undefined where the answers differ. */
  #next: number | undefined = 0

  constructor(known: readonly T[], answer: Answer, toBlock: (raw: Buffer) => T) {
    this.#known = known
    this.#answer = answer
    this.#toBlock = toBlock
  }

  run(from: number): readonly T[] {
    const {end, separator} = this.#answer
    // No block of the previous answer contains the items between the offsets `begin` and `at`.
    let begin = from
    for (let at = from; ; ) {
      const place = this.#placeAt(at)
      const block = place === undefined ? undefined : this.#known[place]
      const isKnown = block !== undefined && !this.#isTooSmall(at - begin, block.raw)
      const pieceEnd = isKnown ? at + block.raw.length : this.#endOfItem(at)
      this.#next = isKnown && place !== undefined ? place + 1 : undefined
      if (isKnown) {
        if (begin < at) this.#make(begin, at - separator.length)
        this.#blocks.push(block)
      } else if (pieceEnd === end || pieceEnd - begin >= this.#mostBytes) this.#make(begin, pieceEnd)
      else {
        at = pieceEnd + separator.length
        continue
      }
      if (pieceEnd === end) return this.#blocks
      at = begin = pieceEnd + separator.length
    }
  }

  /**
   * Size in bytes at which a new block ends. It is doubled if the previous answer has blocks, because the new block may
   * then end where the next one of those begins.
   */
  get #mostBytes(): number {
    return this.#known.length === 0 ? blockBytes : 2 * blockBytes
  }

  /**
   * True if new items are too few for a block of their own, and should join the block that follows them. Otherwise,
   * blocks would become smaller with each answer.
   */
  #isTooSmall(bytes: number, next: Buffer): boolean {
    return bytes > 0 && bytes < blockBytes / 2 && bytes + next.length < this.#mostBytes
  }

  /** Returns the position of the previous answer's block whose text is found at this offset. */
  #placeAt(at: number): number | undefined {
    if (this.#next !== undefined && this.#isAt(this.#next, at)) return this.#next
    if (this.#known.length === 0) return undefined
    this.#places ??= new Map(this.#known.map(({raw}, place) => [this.#firstItem(raw), place]))
    const place = this.#places.get(this.#answer.body.toString('latin1', at, this.#endOfItem(at)))
    return place !== undefined && this.#isAt(place, at) ? place : undefined
  }

  /**
   * True if the answer contains the bytes of this block of the previous answer at this offset, and an item ends where
   * they end.
   */
  #isAt(place: number, at: number): boolean {
    const {body, separator, end} = this.#answer
    const raw = this.#known[place]?.raw
    if (!raw) return false
    const rawEnd = at + raw.length
    if (rawEnd > end || body.compare(raw, 0, raw.length, at, rawEnd) !== 0) return false
    return rawEnd === end || body.compare(separator, 0, separator.length, rawEnd, rawEnd + separator.length) === 0
  }

  #endOfItem(at: number): number {
    const {body, separator, end} = this.#answer
    const found = body.indexOf(separator, at)
    return found < 0 || found > end ? end : found
  }

  #firstItem(raw: Buffer): string {
    const found = raw.indexOf(this.#answer.separator)
    return raw.toString('latin1', 0, found < 0 ? raw.length : found)
  }

  #make(from: number, to: number): void {
    const raw = Buffer.allocUnsafeSlow(to - from)
    this.#answer.body.copy(raw, 0, from, to)
    this.#blocks.push(this.#toBlock(raw))
  }
}
