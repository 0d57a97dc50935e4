import {Client, Pool} from 'undici'
import {waitUntil} from '../../kit/wait-until.js'
import type {Ask} from './asks/ask.js'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

const unknownSession = '00000000-1111-2222-3333-444444444444'
/** Matches requests that change the agent's own services and checks. */
const registration = /^\/v1\/agent\/(?:service|check)\/|^\/v1\/agent\/maintenance/
const ownIndex = /\{i:([^}]*)\}/

/** One of the two agents, with the IDs that it created during a run. */
export class Side {
  readonly name: string
  readonly node: string
  /** Requests are pipelined on one connection, because both agents serve them one after another. */
  readonly #line: Client
  /** Connections for queries that wait. */
  readonly #waiting: Pool
  readonly #created: string[] = []
  #run = 0
  #sessions: string[] = []

  constructor(name: string, node: string, address: string) {
    this.name = name
    this.node = node
    this.#line = new Client(address, {pipelining: 64})
    this.#waiting = new Pool(address, {pipelining: 1})
  }

  begin(run: number): void {
    this.#run = run
    this.#sessions = []
  }

  async ask(ask: Ask): Promise<Answer> {
    return (await this.askAll([ask]))[0]!
  }

  /**
   * Sends requests in order, without waiting for earlier answers. Waits for them in two cases: if a request needs a
   * session ID from an answer, and after a change of the agent's own services or checks, because the agent sends those
   * to its servers later and in another order.
   */
  async askAll(asks: readonly Ask[]): Promise<Answer[]> {
    const answers: Promise<Answer>[] = []
    for (const ask of asks) {
      const template = `${ask.path} ${ask.body ?? ''}`
      if (template.includes('{s')) await Promise.all(answers)
      const index = await this.#indexFor(template)
      const [path, body] = [this.#fill(ask.path, index), ask.body && this.#fill(ask.body, index)]
      answers.push(this.send(ask.method, path, body).then(answer => this.#keepSession(ask, answer)))
      if (ask.method === 'GET' || !registration.test(ask.path)) continue
      await Promise.all(answers)
      await this.#untilInSync()
    }
    return await Promise.all(answers)
  }

  /** Sends a query on a separate connection, so that it does not delay other requests. */
  park(ask: Ask, extraQuery: string): Promise<Answer> {
    return answerOf(this.#waiting, ask.method, `${ask.path}${extraQuery}`)
  }

  /**
   * Returns the read with its placeholders filled in, so that its path does not change when more sessions are created.
   */
  fixed(ask: Ask): Ask {
    return {...ask, path: this.#fill(ask.path, '')}
  }

  send(method: string, path: string, body?: string): Promise<Answer> {
    return answerOf(this.#line, method, path, body)
  }

  /** Removes everything that these requests of the run can have created. */
  async end(asked: readonly Ask[]): Promise<void> {
    const {prefix} = this
    const put = (path: string, body?: unknown) =>
      this.send('PUT', `/v1/${path}`, body === undefined ? undefined : JSON.stringify(body))
    const has = (path: RegExp): boolean => asked.some(ask => ask.method !== 'GET' && path.test(ask.path))
    const requests = this.#created.splice(0).map(id => put(`session/destroy/${id}`))
    if (has(/^\/v1\/(kv|txn)/)) requests.push(this.send('DELETE', `/v1/kv/${prefix}/?recurse`))
    if (has(/^\/v1\/agent/)) {
      requests.push(put('agent/maintenance?enable=false'), put(`agent/check/deregister/${prefix}-c`))
      for (const id of ['local', 'l2']) requests.push(put(`agent/service/deregister/${prefix}-${id}`))
    }
    if (has(/^\/v1\/(catalog|txn)/)) {
      for (const node of ['n1', 'n2']) requests.push(put('catalog/deregister', {Node: `${prefix}-${node}`}))
    }
    await Promise.all(requests)
    if (has(registration)) await this.#untilInSync()
  }

  get prefix(): string {
    return `d${this.#run}`
  }

  async close(): Promise<void> {
    await Promise.all([this.#line.destroy(), this.#waiting.destroy()])
  }

  #untilInSync(): Promise<boolean> {
    return waitUntil(() => this.#isInSync(), {
      what: `${this.name} to tell its servers what it registered`,
      intervalMs: 2,
    })
  }

  /**
   * Resolves with true if the catalog has the same services and checks as the agent. The outputs of checks may still
   * differ.
   */
  async #isInSync(): Promise<boolean> {
    const paths = ['agent/services', 'agent/checks', `catalog/node/${this.node}`, `health/node/${this.node}`]
    const [services, checks, node, health] = await Promise.all(
      paths.map(async path => JSON.parse((await this.send('GET', `/v1/${path}`)).text) as unknown),
    )
    const listed = Object.entries((node as {Services: Readonly<Record<string, Row>>}).Services)
    return (
      sameRows(
        Object.values(services as object),
        listed.map(([, row]) => row).filter(row => row['ID'] !== 'consul'),
        ['ID', 'Service', 'Tags', 'Port', 'Address', 'Meta'],
      ) &&
      sameRows(
        Object.values(checks as object),
        (health as readonly Row[]).filter(row => row['CheckID'] !== 'serfHealth'),
        ['CheckID', 'Name', 'Status', 'Notes', 'ServiceID'],
      )
    )
  }

  #keepSession({session}: Ask, answer: Answer): Answer {
    if (session === undefined || answer.status !== 200) return answer
    const {ID} = JSON.parse(answer.text) as {ID: string}
    this.#created.push(ID)
    this.#sessions[session] = ID
    return answer
  }

  /** Returns the current ModifyIndex of the key that a template names. */
  async #indexFor(template: string): Promise<string> {
    const key = ownIndex.exec(template)?.[1]
    if (key === undefined) return ''
    const {status, text} = await this.send('GET', `/v1/kv/${this.prefix}/${encodeURIComponent(key)}`)
    return status === 200 ? (/"ModifyIndex": ?(\d+)/.exec(text)?.[1] ?? '1') : '1'
  }

  #fill(template: string, index: string): string {
    const digits = String(this.#run).padStart(12, '0')
    return template
      .replaceAll('{p}', this.prefix)
      .replaceAll('{node}', this.node)
      .replace(/\{u(\d)\}/g, (_, which: string) => `aaaaaaaa-bbbb-4ccc-8ddd-${which}${digits.slice(1)}`)
      .replace(/\{s(\d)\}/g, (_, at: string) => this.#sessions[Number(at)] ?? unknownSession)
      .replaceAll(/\{i:[^}]*\}/g, index)
  }
}

type Row = Readonly<Record<string, unknown>>

/**
 * True if two lists have the same rows in any order, comparing only these fields. Empty values of any kind are equal.
 */
function sameRows(a: readonly Row[], b: readonly Row[], fields: readonly string[]): boolean {
  const textOf = (row: Row): string => JSON.stringify(fields.map(field => plain(row[field])))
  const [left, right] = [a.map(textOf).toSorted(), b.map(textOf).toSorted()]
  return left.length === right.length && left.every((text, at) => text === right[at])
}

const plain = (value: unknown): unknown =>
  value === '' || value === null || (typeof value === 'object' && Object.keys(value).length === 0) ? undefined : value

async function answerOf(line: Client | Pool, method: string, path: string, body?: string): Promise<Answer> {
  const response = await line.request({
    method,
    path,
    body: body ?? null,
    // Without these two options, the client would wait for earlier answers before it sends the request.
    idempotent: true,
    blocking: false,
  })
  const text = await response.body.text()
  return {status: response.statusCode, headers: response.headers as Record<string, string>, text}
}
