import {printable} from './exec/printable.js'

/** Erases from the cursor to the end of the screen. */
const clear = '\r\u001b[J'
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const gap = '...'

export interface TerminalStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/**
 * One line of a terminal that is redrawn in place. It must not wrap, because a wrapped line could not be erased. If a
 * text is too long, its middle is cut out, because the end contains the numbers. If the terminal has become narrower
 * and has wrapped the line, all of the line's rows are erased.
 */
export class StatusLine {
  readonly #stream: TerminalStream
  #drawn = 0

  constructor(stream: TerminalStream) {
    this.#stream = stream
  }

  /** True if `text` followed by `end` needs no cut. */
  fits(text: string, end: string): boolean {
    return widthOf(printable(text)) + widthOf(printable(end)) <= this.#width
  }

  /** Shows `text` followed by `end`. Control characters are escaped. */
  draw(text: string, end: string): void {
    const line = fit(printable(text), printable(end), this.#width)
    this.#stream.write(`${this.#erasure()}${line}`)
    this.#drawn = widthOf(line)
  }

  /** Erases the line, so that something else can be written. */
  clear(): void {
    if (this.#drawn > 0) this.#stream.write(this.#erasure())
    this.#drawn = 0
  }

  /** Number of usable columns. The last one stays empty, because some terminals wrap as soon as it is written. */
  get #width(): number {
    const {columns = 0} = this.#stream
    return columns > 1 ? columns - 1 : Number.POSITIVE_INFINITY
  }

  #erasure(): string {
    const {columns = 0} = this.#stream
    const rowsAbove = columns > 0 && this.#drawn > 0 ? Math.ceil(this.#drawn / columns) - 1 : 0
    return `${rowsAbove > 0 ? `\u001b[${rowsAbove}A` : ''}${clear}`
  }
}

function fit(text: string, end: string, width: number): string {
  if (widthOf(text) + widthOf(end) <= width) return text + end
  const room = width - widthOf(end) - gap.length
  if (room <= 0) return cut(text + end, width)
  const head = cut(text, Math.ceil(room / 2))
  return `${head}${gap}${cutFront(text, room - widthOf(head))}${end}`
}

const cutFront = (text: string, width: number): string => reversed(cut(reversed(text), width))

/** Returns the same characters in reverse order. */
const reversed = (text: string): string => Array.from(text).reverse().join('')

function cut(text: string, width: number): string {
  let used = 0
  let kept = ''
  for (const character of text) {
    used += widthOf(character)
    if (used > width) break
    kept += character
  }
  return kept
}

/** Returns the number of columns that a text occupies: two for each wide character, none for a combining character. */
function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += wide.test(character) ? 2 : /\p{Mn}/u.test(character) ? 0 : 1
  return width
}
