import {request} from 'node:http'
import {waitUntil} from '../../kit/wait-until.js'

/** What a browser does with the stream of a status page: keeps the newest data of each part of the page. */
export class PageReader implements AsyncDisposable {
  readonly #request
  readonly #parts = new Map<string, string>()
  #rest = ''

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.#request = request(`${url}/events`, {headers, agent: false}, response => {
      response.setEncoding('utf8').on('data', (chunk: string) => this.#take(chunk))
      response.on('error', () => {})
    })
    this.#request.on('error', () => {})
    this.#request.end()
  }

  /** The newest data of a part as text; empty if it has not come. */
  text(part: string): string {
    return this.#parts.get(part) ?? ''
  }

  /** Resolves when the newest data of a part matches. */
  async until(part: string, pattern: RegExp): Promise<void> {
    await waitUntil(() => pattern.test(this.text(part)), {
      what: `${part} to match ${String(pattern)}`,
      detail: () => this.text(part),
    })
  }

  #take(chunk: string): void {
    const blocks = (this.#rest + chunk).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? []
      if (name === undefined || data === undefined) continue
      this.#parts.set(name, data)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#request.destroy()
  }
}
