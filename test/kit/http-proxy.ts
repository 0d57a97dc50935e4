import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type {AddressInfo} from 'node:net'

export interface SeenRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/**
 * Conditions on a request, all of which must be true. A text for `path` is a prefix of the path without its query
 * string; a RegExp is tested with the query string.
 */
export interface RequestMatch {
  readonly method?: string
  readonly path?: string | RegExp
  readonly body?: RegExp
}

export interface ScriptedAnswer {
  /** @default 200 */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** The body: text and bytes unchanged, anything else as JSON. */
  readonly body?: unknown
}

export interface RealAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/**
 * What happens to a matching request. `reset`: the server does not receive it, and the client sees a reset. `hang`: it
 * gets no answer. `swallow`: the server handles it, but the client sees a reset instead of the answer. A function may
 * return an answer or, with `rewrite`, change the server's answer.
 */
export type Fault =
  | ScriptedAnswer
  | 'pass'
  | 'reset'
  | 'hang'
  | 'swallow'
  | ((request: SeenRequest) => Fault)
  | {readonly rewrite: (answer: RealAnswer, request: SeenRequest) => ScriptedAnswer}

interface Rule {
  readonly match: RequestMatch
  readonly fault: Fault
  left: number
}

const matches = (match: RequestMatch, request: Pick<SeenRequest, 'method' | 'path' | 'body'>): boolean => {
  if (match.method !== undefined && match.method !== request.method) return false
  if (match.body !== undefined && request.body.toString().search(match.body) < 0) return false
  if (match.path === undefined) return true
  if (typeof match.path !== 'string') return request.path.search(match.path) >= 0
  return (request.path.split('?')[0] ?? '').startsWith(match.path)
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const encode = (body: unknown): Buffer => {
  if (body === undefined) return Buffer.alloc(0)
  if (body instanceof Uint8Array) return Buffer.from(body)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

/**
 * A proxy in front of an agent. It records all requests and applies the scripted faults; all other requests pass
 * unchanged.
 */
export class HttpProxy implements AsyncDisposable {
  readonly requests: SeenRequest[] = []
  readonly #target: URL
  readonly #server: Server
  readonly #upstream = new Agent({keepAlive: true})
  #rules: Rule[] = []

  private constructor(target: string) {
    this.#target = new URL(target)
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  static async start(target: string): Promise<HttpProxy> {
    const proxy = new HttpProxy(target)
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  /** `http://127.0.0.1:port` */
  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /**
   * Applies `fault` to the next `times` matching requests, or to all of them by default. Rules that were added earlier
   * take precedence. Disposing removes the rule.
   */
  on(match: RequestMatch, fault: Fault, times = Infinity): Disposable {
    const rule: Rule = {match, fault, left: times}
    this.#rules.push(rule)
    return {
      [Symbol.dispose]: () => {
        this.#rules = this.#rules.filter(each => each !== rule)
      },
    }
  }

  /** Removes all rules. */
  heal(): void {
    this.#rules = []
  }

  /** Number of matching requests so far. */
  count(match: RequestMatch = {}): number {
    return this.requests.filter(request => matches(match, request)).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    this.#upstream.destroy()
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen: SeenRequest = {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers: request.headers,
      body: await readAll(request),
    }
    this.requests.push(seen)
    let fault = this.#faultFor(seen)
    while (typeof fault === 'function') fault = fault(seen)
    if (fault === 'hang') return
    if (fault === 'reset') {
      response.socket?.resetAndDestroy()
      return
    }
    if (typeof fault === 'object' && !('rewrite' in fault)) {
      answer(response, fault)
      return
    }
    const upstream = await this.#forward(seen, response)
    if (fault === 'pass') {
      response.writeHead(upstream.statusCode ?? 502, upstream.rawHeaders)
      upstream.pipe(response)
      return
    }
    const body = await readAll(upstream)
    if (fault === 'swallow') {
      response.socket?.resetAndDestroy()
      return
    }
    const {['transfer-encoding']: _chunked, ['content-length']: _length, ...headers} = upstream.headers
    answer(response, fault.rewrite({status: upstream.statusCode ?? 502, headers, body}, seen))
  }

  #faultFor(seen: SeenRequest): Fault {
    const rule = this.#rules.find(each => each.left > 0 && matches(each.match, seen))
    if (!rule) return 'pass'
    rule.left -= 1
    return rule.fault
  }

  #forward({method, path, headers, body}: SeenRequest, response: ServerResponse): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const url = new URL(this.#target)
      const options = {host: url.hostname, port: url.port, method, path, headers, agent: this.#upstream}
      const upstream = httpRequest(options, resolve)
      upstream.on('error', reject)
      // If the client abandons a blocking query, the connection to the agent is closed as well.
      response.on('close', () => upstream.destroy())
      upstream.end(body)
    })
  }
}

function answer(response: ServerResponse, {status = 200, headers = {}, body}: ScriptedAnswer): void {
  const bytes = encode(body)
  response.writeHead(status, {'content-type': 'application/json', ...headers, 'content-length': bytes.length})
  response.end(bytes)
}
