/**
 * Reads a text with backtracking, as parsers generated from a grammar do. For error messages, records the farthest
 * position reached and everything that would have matched there.
 */
export class Scanner {
  readonly #text: string
  readonly #complaints = new Set<string>()
  readonly #expected = new Set<string>()
  #farthest = 0
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Consumes `text`, or records that it was expected. */
  literal(text: string): boolean {
    if (!this.#text.startsWith(text, this.at)) return this.#miss(JSON.stringify(text))
    this.at += text.length
    return true
  }

  /** Consumes one character of a class such as `[a-z]`. */
  one(of: RegExp, named: string): boolean {
    const char = this.#text[this.at]
    if (char === undefined || !of.test(char)) return this.#miss(named)
    this.at += 1
    return true
  }

  /** Consumes any number of characters of the class. */
  many(of: RegExp, named: string): void {
    while (this.one(of, named));
  }

  end(): boolean {
    return this.at >= this.#text.length || this.#miss('EOF')
  }

  /** Consumes everything up to `mark`, or to the end. */
  skipTo(mark: string): void {
    const found = this.#text.indexOf(mark, this.at)
    this.at = found < 0 ? this.#text.length : found
  }

  /** Looks ahead without consuming or recording anything. */
  sees(pattern: RegExp): boolean {
    return pattern.test(this.#text.slice(this.at))
  }

  from = (start: number): string => this.#text.slice(start, this.at)

  /** Runs `read`. If it returns undefined, restores the position. */
  attempt<T>(read: () => T | undefined): T | undefined {
    const start = this.at
    const result = read()
    if (result === undefined) this.at = start
    return result
  }

  /** Records an error that makes the whole text invalid, even if the parser backtracks. */
  complain(rule: string, what: string, at = this.at): void {
    this.#complaints.add(`${this.#place(at)}: rule "${rule}": ${what}`)
  }

  /** Returns the error message for the whole text, or undefined if no error was recorded and `failed` is false. */
  verdict(failed: boolean): string | undefined {
    if (this.#complaints.size > 0) return [...this.#complaints].join('\n')
    if (!failed) return undefined
    const wanted = [...this.#expected].filter(name => name !== 'EOF').sort()
    if (this.#expected.has('EOF')) wanted.push('EOF')
    const last = wanted.pop() ?? ''
    const list = wanted.length > 0 ? `${wanted.join(', ')} or ${last}` : last
    return `${this.#place(this.#farthest)}: no match found, expected: ${list}`
  }

  #miss(what: string): false {
    if (this.at > this.#farthest) {
      this.#farthest = this.at
      this.#expected.clear()
    }
    if (this.at === this.#farthest) this.#expected.add(what)
    return false
  }

  #place(at: number): string {
    const lines = this.#text.slice(0, at + 1).split('\n')
    const isBreak = this.#text[at] === '\n'
    const column = isBreak ? 0 : at - this.#text.lastIndexOf('\n', at)
    return `${lines.length}:${column} (${Buffer.byteLength(this.#text.slice(0, at))})`
  }
}
