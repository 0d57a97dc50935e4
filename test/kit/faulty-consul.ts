import {once} from 'node:events'
import {createServer, type Server as HttpServer} from 'node:http'
import {type AddressInfo, createServer as createTcp, type Server, type Socket} from 'node:net'
import {freePort} from './ports.js'

export interface Fault {
  readonly name: string
  /** Matches the message of a command that encounters this fault. */
  readonly said: RegExp
  /** True if waiting cannot end the fault. */
  readonly isHopeless: boolean
  /** Exit code of a command that this fault ends. */
  readonly exitCode: number
}

const fault = (name: string, said: RegExp, more: Partial<Fault> = {}): Fault => ({
  name,
  said,
  isHopeless: false,
  exitCode: 69,
  ...more,
})

/** Faults of an agent, or of another program that answers in its place. */
export const faults = [
  fault('refused', /connection refused/),
  fault('black hole', /no answer yet|has not answered yet|no answer within/),
  fault('name not found', /no such host|name could not be looked up/),
  fault('TLS', /TLS failed: the server does not speak TLS there/, {isHopeless: true}),
  fault('403', /403 .*Permission denied/, {isHopeless: true, exitCode: 77}),
  fault('unknown token', /403 .*ACL not found/, {isHopeless: true, exitCode: 77}),
  fault('429', /Consul answered 429/),
  fault('500 without leader', /No cluster leader/),
  fault('unknown datacenter', /No path to datacenter/, {isHopeless: true}),
  fault('not Consul', /not Consul's/, {isHopeless: true}),
] as const

const answers: Readonly<Record<string, readonly [number, string]>> = {
  '403': [403, 'Permission denied'],
  'unknown token': [403, 'ACL not found'],
  '429': [429, 'Your IP is issuing too many concurrent connections, please rate limit your calls'],
  '500 without leader': [500, 'No cluster leader'],
  'unknown datacenter': [500, 'No path to datacenter'],
  'not Consul': [200, '<html>hello</html>'],
  TLS: [200, ''],
}

/** Servers that each show one of the faults in all of their answers. */
export class FaultyConsul implements AsyncDisposable {
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #addresses = new Map<string, string>()

  static async start(): Promise<FaultyConsul> {
    const all = new FaultyConsul()
    all.#addresses.set('refused', `127.0.0.1:${await freePort()}`)
    all.#addresses.set('name not found', 'no-such-host.invalid:8500')
    await all.#listen('black hole', createTcp())
    for (const [name, [status, text]] of Object.entries(answers)) {
      await all.#listen(name, answering(status, text), name === 'TLS' ? 'https://' : '')
    }
    return all
  }

  addressOf({name}: Fault): string {
    const address = this.#addresses.get(name)
    if (address === undefined) throw new Error(`no server for the fault '${name}'`)
    return address
  }

  async #listen(name: string, server: Server, scheme = ''): Promise<void> {
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.resume()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#servers.push(server)
    this.#addresses.set(name, `${scheme}127.0.0.1:${(server.address() as AddressInfo).port}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))))
  }
}

const answering = (status: number, text: string): HttpServer =>
  createServer((request, response) => {
    request.resume()
    response.writeHead(status).end(text)
  })
