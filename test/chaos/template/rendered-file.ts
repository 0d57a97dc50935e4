import {readIfExists} from '../../kit/read-if-exists.js'

/** Reads a file every millisecond, and records each text that differs from the previous one. */
export class RenderedFile implements Disposable {
  readonly texts: string[] = []
  readonly #path: string
  readonly #timer: NodeJS.Timeout

  constructor(path: string) {
    this.#path = path
    this.#timer = setInterval(() => this.#read(), 1)
  }

  get text(): string | undefined {
    return this.texts.at(-1)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #read(): void {
    const text = readIfExists(this.#path)
    if (text !== this.text && (text !== '' || this.texts.length > 0)) this.texts.push(text)
  }
}
