import {connect, createServer, type Server, type Socket} from 'node:net'
import {freePort} from './ports.js'
import {TcpPipe} from './tcp-pipe.js'

/** Directions from the client's point of view: its requests, the answers, or both. */
export type Direction = 'requests' | 'answers' | 'both'

export interface ProxyCounters {
  /** Number of connections accepted since the start. */
  accepted: number
  open: number
  bytesToServer: number
  bytesToClient: number
  /** Number of connections whose answer was lost. */
  swallowed: number
}

interface Connection {
  readonly client: Socket
  readonly server: Socket
  readonly pipes: readonly TcpPipe[]
}

/**
 * Simulates a faulty network in front of one address. All faults take effect at once, even on open connections, and
 * last until {@link heal} is called.
 */
export class TcpProxy implements AsyncDisposable {
  /** Address of the proxy: `http://127.0.0.1:port`. */
  readonly address: string
  readonly port: number
  readonly counters: ProxyCounters = {accepted: 0, open: 0, bytesToServer: 0, bytesToClient: 0, swallowed: 0}
  readonly #target: {readonly host: string; readonly port: number}
  readonly #connections = new Set<Connection>()
  readonly #parked = new Set<Socket>()
  #listener: Server | undefined
  #delayMs = 0
  #bytesPerSecond = Number.POSITIVE_INFINITY
  #hole: Direction | undefined
  #swallow: {then: 'reset' | 'hold'; left: number; match: (answer: Buffer) => boolean} | undefined

  private constructor(target: URL, port: number) {
    this.#target = {host: target.hostname, port: Number(target.port)}
    this.port = port
    this.address = `http://127.0.0.1:${port}`
  }

  /** Starts a proxy. `target` is `http://host:port` or `host:port`. */
  static async start(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(new URL(target.includes('://') ? target : `tcp://${target}`), await freePort())
    await proxy.accept()
    return proxy
  }

  /** Delays every byte by this time, in both directions. */
  delay(ms: number): void {
    this.#delayMs = ms
    this.#pump()
  }

  /** Limits answers to this many bytes a second from now on. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Drops all bytes without a reset or an end. New connections are accepted but stay silent. */
  blackHole(direction: Direction = 'both'): void {
    this.#hole = direction
    this.#pump()
  }

  /** Lets all bytes pass again, including those that were delayed, and accepts new connections. */
  async heal(): Promise<void> {
    this.#delayMs = 0
    this.#bytesPerSecond = Number.POSITIVE_INFINITY
    this.#hole = undefined
    this.#swallow = undefined
    await this.accept()
    for (const socket of this.#parked) this.#open(socket)
    this.#parked.clear()
    this.#pump()
  }

  /** Resets all open connections (RST to both sides). */
  reset(): void {
    for (const {client, server, pipes} of this.#connections) {
      for (const pipe of pipes) pipe.dispose()
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
    for (const socket of this.#parked) socket.resetAndDestroy()
    this.#parked.clear()
  }

  /** Refuses new connections; open ones continue. */
  async refuse(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    // The listener closes only after all open connections, but it stops listening at once.
    listener?.close()
    await new Promise(setImmediate)
  }

  /** Accepts new connections again. */
  async accept(): Promise<void> {
    if (this.#listener) return
    const listener = createServer({allowHalfOpen: true, noDelay: true}, socket => this.#take(socket))
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(this.port, '127.0.0.1', resolve)
    })
    this.#listener = listener
  }

  /**
   * Loses the next `times` matching answers after the server has handled the request. The client sees a reset or
   * nothing at all.
   */
  swallowAnswers(
    then: 'reset' | 'hold' = 'reset',
    options: {readonly times?: number; readonly match?: (answer: Buffer) => boolean} = {},
  ): void {
    this.#swallow = {then, left: options.times ?? 1, match: options.match ?? (() => true)}
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse()
    this.reset()
  }

  #take(client: Socket): void {
    this.counters.accepted += 1
    this.counters.open += 1
    client.on('error', () => undefined)
    client.on('close', () => {
      this.counters.open -= 1
      this.#parked.delete(client)
    })
    if (this.#hole === 'both' || this.#hole === 'requests') this.#parked.add(client)
    else this.#open(client)
  }

  #open(client: Socket): void {
    const server = connect({...this.#target, allowHalfOpen: true, noDelay: true})
    server.on('error', () => undefined)
    let mute = false
    const delayMs = (): number => this.#delayMs
    const requests = new TcpPipe(client, server, {
      delayMs,
      bytesPerSecond: () => Number.POSITIVE_INFINITY,
      isHole: () => this.#hole === 'both' || this.#hole === 'requests',
      swallow: () => false,
      moved: bytes => (this.counters.bytesToServer += bytes),
    })
    const answers = new TcpPipe(server, client, {
      delayMs,
      bytesPerSecond: () => this.#bytesPerSecond,
      isHole: () => this.#hole === 'both' || this.#hole === 'answers',
      swallow: chunk => {
        mute ||= this.#loses(chunk, client)
        return mute
      },
      moved: bytes => (this.counters.bytesToClient += bytes),
    })
    const connection = {client, server, pipes: [requests, answers]}
    this.#connections.add(connection)
    let left = 2
    const closed = (): void => {
      left -= 1
      if (left === 0) this.#connections.delete(connection)
    }
    client.on('close', closed)
    server.on('close', closed)
  }

  #loses(chunk: Buffer, client: Socket): boolean {
    const rule = this.#swallow
    if (!rule || rule.left <= 0 || !rule.match(chunk)) return false
    rule.left -= 1
    this.counters.swallowed += 1
    if (rule.then === 'reset') client.resetAndDestroy()
    return true
  }

  #pump(): void {
    for (const {pipes} of this.#connections) for (const pipe of pipes) pipe.pump()
  }
}
