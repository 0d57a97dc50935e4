import {StringDecoder} from 'node:string_decoder'

/** Keeps the end of a stream of text. */
export class TextTail {
  readonly #limit: number
  readonly #decoder = new StringDecoder('utf8')
  text = ''

  constructor(limit: number) {
    this.#limit = limit
  }

  add(chunk: Buffer): void {
    this.text = (this.text + this.#decoder.write(chunk)).slice(-this.#limit)
  }
}
