import {createHash} from 'node:crypto'
import {connect, createServer, type Server, type Socket} from 'node:net'
import type {Clock, Random} from '../core/types.js'

export interface LocalTurnOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  /** Called when there is somebody to wait for. */
  readonly onWait?: () => void
}

/** The right to contend for one key on behalf of this host. Dispose passes it on; so does the end of the process. */
export type LocalTurn = Disposable

const nobodysTurn: LocalTurn = {[Symbol.dispose]: () => {}}
const retryMs = 10
const othersLaterMs = 20

/**
 * One name per key and user in the kernel's own list of sockets (the abstract names of Linux): it can be taken once, and
 * is free again when its owner ends, however he ends.
 */
export function turnName(...facts: readonly (string | undefined)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)
  return `\0baton-lock-${process.getuid?.() ?? 0}-${digest}`
}

/**
 * Waits until nobody else on this host contends for the name. Whoever has the turn answers connections and keeps them
 * open: their end is what those in line wait for. The first in line is told a little before the others. Where the system
 * has no such names there is no line. Rejects with the signal's reason.
 */
export async function takeLocalTurn(name: string, options: LocalTurnOptions): Promise<LocalTurn> {
  const {signal, clock, random} = options
  if (process.platform !== 'linux') return nobodysTurn
  for (;;) {
    signal.throwIfAborted()
    const outcome = await listen(name)
    if (outcome === 'unsupported') return nobodysTurn
    if (outcome !== 'taken') return new Turn(outcome, clock)
    options.onWait?.()
    const hasWaited = await waitInLine(name, signal)
    if (!hasWaited) await clock.sleep(retryMs * (0.5 + random()), signal)
  }
}

class Turn implements Disposable {
  readonly #server: Server
  readonly #clock: Clock
  readonly #line = new Set<Socket>()

  constructor(server: Server, clock: Clock) {
    this.#server = server
    this.#clock = clock
    server.on('connection', socket => {
      this.#line.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => this.#line.delete(socket))
      socket.resume()
    })
  }

  [Symbol.dispose](): void {
    if (!this.#server.listening) return
    this.#server.close()
    const [first, ...others] = this.#line
    first?.destroy()
    if (others.length > 0) this.#clock.timer(othersLaterMs, () => others.forEach(socket => socket.destroy()))
  }
}

function listen(name: string): Promise<Server | 'taken' | 'unsupported'> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'taken' : 'unsupported')
    })
    server.listen({path: name}, () => {
      resolve(server.address() === null ? 'unsupported' : server)
    })
  })
}

/** Resolves with true when who had the turn let go of us, with false when there was nobody to wait for. */
function waitInLine(name: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let isConnected = false
    const socket = connect({path: name}, () => {
      isConnected = true
    })
    const onAbort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, {once: true})
    socket.on('error', () => {})
    socket.resume()
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort)
      resolve(isConnected)
    })
  })
}
