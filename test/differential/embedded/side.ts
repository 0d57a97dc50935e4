import {Agent, request as httpRequest} from 'node:http'
import type {Ask} from './requests.js'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

const unknownSession = '00000000-1111-2222-3333-444444444444'

/** One of the two agents, with the IDs that it created during a run. */
export class Side {
  readonly name: string
  readonly node: string
  readonly #address: URL
  readonly #connections = new Agent({keepAlive: true})
  #prefix = ''
  #sessions: string[] = []

  constructor(name: string, node: string, address: string) {
    this.name = name
    this.node = node
    this.#address = new URL(address)
  }

  begin(prefix: string): void {
    this.#prefix = prefix
    this.#sessions = []
  }

  async ask(ask: Ask, extraQuery = ''): Promise<Answer> {
    const path = `${await this.#fill(ask.path)}${extraQuery}`
    const body = ask.body === undefined ? undefined : await this.#fill(ask.body)
    const answer = await this.send(ask.method, path, body)
    if (ask.session !== undefined && answer.status === 200) {
      this.#created.push((JSON.parse(answer.text) as {ID: string}).ID)
      this.#sessions[ask.session] = this.#created.at(-1)!
    }
    return answer
  }

  readonly #created: string[] = []

  /** Removes everything that the run created. */
  async end(): Promise<void> {
    for (const id of this.#created.splice(0)) await this.send('PUT', `/v1/session/destroy/${id}`)
    await this.send('DELETE', `/v1/kv/${this.#prefix}/?recurse`)
    await this.send('PUT', `/v1/agent/check/deregister/${this.#prefix}-c`)
    for (const id of ['local', 'l2']) await this.send('PUT', `/v1/agent/service/deregister/${this.#prefix}-${id}`)
    for (const node of ['n1', 'n2']) {
      await this.send('PUT', '/v1/catalog/deregister', JSON.stringify({Node: `${this.#prefix}-${node}`}))
    }
  }

  close(): void {
    this.#connections.destroy()
  }

  send(method: string, path: string, body?: string): Promise<Answer> {
    const {hostname, port} = this.#address
    const headers = body === undefined ? {} : {'content-length': String(Buffer.byteLength(body))}
    return new Promise((resolve, reject) => {
      const request = httpRequest({hostname, port, method, path, headers, agent: this.#connections}, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({status: response.statusCode ?? 0, headers: response.headers as Record<string, string>, text})
        })
      })
      request.on('error', reject)
      request.end(body)
    })
  }

  async #fill(template: string): Promise<string> {
    let text = template.replaceAll('{p}', this.#prefix).replaceAll('{node}', this.node)
    text = text.replace(/\{s(\d)\}/g, (_, at: string) => this.#sessions[Number(at)] ?? unknownSession)
    const wanted = /\{i:([^}]*)\}/.exec(text)
    if (!wanted) return text
    const found = await this.send('GET', `/v1/kv/${this.#prefix}/${encodeURIComponent(wanted[1]!)}`)
    const index = found.status === 200 ? (/"ModifyIndex": ?(\d+)/.exec(found.text)?.[1] ?? '1') : '1'
    return text.replaceAll(wanted[0], index)
  }
}
