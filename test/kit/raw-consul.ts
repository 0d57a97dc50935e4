import {request as httpRequest} from 'node:http'

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers whose fields they know, at any depth
type RawJson = any

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Returns the body as JSON. Numbers beyond 2^53 lose digits, so compare `text` for those. */
  json(): RawJson
}

export interface RawKv {
  readonly key: string
  readonly value: string
  readonly session: string | undefined
  readonly flags: number
  readonly createIndex: number
  readonly modifyIndex: number
  readonly lockIndex: number
}

export interface RawSession {
  readonly ID: string
  readonly Name: string
  readonly Node: string
  readonly Behavior: string
  readonly TTL: string
  readonly LockDelay: number
  readonly NodeChecks: readonly string[] | null
  readonly CreateIndex: number
}

interface WireKv {
  readonly Key: string
  readonly Value: string | null
  readonly Session?: string
  readonly Flags: number
  readonly CreateIndex: number
  readonly ModifyIndex: number
  readonly LockIndex: number
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface RawOptions {
  readonly token?: string
  /** Datacenter that is sent with every request. */
  readonly datacenter?: string
  /** Local address of the connections. @default chosen by the system */
  readonly localAddress?: string
}

const fromWire = (entry: WireKv): RawKv => ({
  key: entry.Key,
  value: Buffer.from(entry.Value ?? '', 'base64').toString(),
  session: entry.Session,
  flags: entry.Flags,
  createIndex: entry.CreateIndex,
  modifyIndex: entry.ModifyIndex,
  lockIndex: entry.LockIndex,
})

function pathOf(path: string, query: Query): string {
  const url = new URL(path, 'http://agent')
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue
    url.searchParams.set(name, value === true ? '' : String(value))
  }
  return url.pathname + url.search
}

/** Percent-encodes each part of a key and keeps its slashes. */
const keyPath = (key: string): string => `/v1/kv/${key.split('/').map(encodeURIComponent).join('/')}`

/** A client that shares no code with baton: one connection for each request, no retries. */
export class RawConsul {
  readonly #address: string
  readonly #options: RawOptions

  constructor(address: string, options: RawOptions = {}) {
    this.#address = address
    this.#options = options
  }

  request(method: string, path: string, options: {query?: Query; body?: string | Uint8Array} = {}): Promise<RawAnswer> {
    const url = new URL(pathOf(path, {dc: this.#options.datacenter, ...options.query}), this.#address)
    const {localAddress} = this.#options
    const local = localAddress === undefined ? {} : {localAddress}
    const headers = this.#options.token === undefined ? {} : {'X-Consul-Token': this.#options.token}
    return new Promise((resolve, reject) => {
      const request = httpRequest(url, {method, headers, agent: false, timeout: 30_000, ...local}, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          const headers = response.headers as Record<string, string>
          resolve({status: response.statusCode ?? 0, headers, text, json: (): unknown => JSON.parse(text)})
        })
      })
      request.on('timeout', () => request.destroy(new Error(`${method} ${url.pathname}: no answer within 30 s`)))
      request.on('error', reject)
      request.end(options.body)
    })
  }

  /** Does the same as {@link request}, but rejects for any status except 200. */
  async ok(
    method: string,
    path: string,
    options: {query?: Query; body?: string | Uint8Array} = {},
  ): Promise<RawAnswer> {
    const answer = await this.request(method, path, options)
    if (answer.status !== 200) throw new Error(`${method} ${path}: HTTP ${answer.status}: ${answer.text.slice(0, 300)}`)
    return answer
  }

  async get(path: string, query: Query = {}): Promise<RawJson> {
    return (await this.ok('GET', path, {query})).json()
  }

  async put(path: string, body?: unknown, query: Query = {}): Promise<RawJson> {
    return (await this.ok('PUT', path, {query, ...(body === undefined ? {} : {body: JSON.stringify(body)})})).json()
  }

  /** Writes a key. Resolves with false if a condition in the query (`cas`, `acquire`, `release`) was not met. */
  async kvPut(key: string, value: string | Uint8Array, query: Query = {}): Promise<boolean> {
    return (await this.ok('PUT', keyPath(key), {query, body: value})).json() as boolean
  }

  async kvGet(key: string, query: Query = {}): Promise<RawKv | undefined> {
    const answer = await this.request('GET', keyPath(key), {query})
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw new Error(`GET ${key}: HTTP ${answer.status}: ${answer.text}`)
    return fromWire((answer.json() as [WireKv])[0])
  }

  async kvList(prefix: string, query: Query = {}): Promise<RawKv[]> {
    const answer = await this.request('GET', keyPath(prefix), {query: {recurse: true, ...query}})
    if (answer.status === 404) return []
    if (answer.status !== 200) throw new Error(`GET ${prefix}: HTTP ${answer.status}: ${answer.text}`)
    return (answer.json() as WireKv[]).map(fromWire)
  }

  async kvKeys(prefix: string): Promise<string[]> {
    return (await this.kvList(prefix)).map(entry => entry.key)
  }

  async kvDelete(key: string, query: Query = {}): Promise<boolean> {
    return (await this.ok('DELETE', keyPath(key), {query})).json() as boolean
  }

  async sessions(): Promise<RawSession[]> {
    return (await this.get('/v1/session/list')) as RawSession[]
  }

  async sessionCreate(body: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return ((await this.put('/v1/session/create', body)) as {ID: string}).ID
  }

  async sessionDestroy(id: string): Promise<void> {
    await this.ok('PUT', `/v1/session/destroy/${id}`)
  }

  async datacenters(): Promise<string[]> {
    return (await this.get('/v1/catalog/datacenters')) as string[]
  }
}

export const raw = (address: string, options: RawOptions = {}): RawConsul => new RawConsul(address, options)
