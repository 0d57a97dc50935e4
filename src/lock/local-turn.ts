import {connect, createServer, type Server, type Socket} from 'node:net'
import type {Clock, Random, Timer} from '../core/types.js'

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
/** How often who has the turn says that it is alive, and how long a silence may be. */
const beatMs = 2000
const silenceMs = 10_000

/**
 * One name per key and user in the kernel's own list of sockets (the abstract names of Linux): it can be taken once, and
 * is free again when its owner ends, however he ends.
 */
export function turnName(...facts: readonly (string | undefined)[]): string {
  return `\0baton-lock-${process.getuid?.() ?? 0}-${fingerprint(JSON.stringify(facts))}`
}

/** FNV-1a of 64 bits: loading node:crypto for this would be a tenth of the start-up. Who shares one only waits longer. */
function fingerprint(text: string): string {
  let value = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n)
  return value.toString(16)
}

/**
 * Waits until nobody else on this host contends for the name. Whoever has the turn answers connections and keeps them
 * open: their end is what those in line wait for. The first in line is told a little before the others. Who has the turn
 * and stands still (stopped in a terminal, say) is not waited for: the line only saves work, Consul decides. Where the
 * system has no such names there is no line. Rejects with the signal's reason.
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
    const end = await waitInLine(name, {signal, clock, silenceMs: silenceMs * (1 + random() / 2)})
    if (end === 'silent') return nobodysTurn
    if (end === 'nobody') await clock.sleep(retryMs * (0.5 + random()), signal)
  }
}

class Turn implements Disposable {
  readonly #server: Server
  readonly #clock: Clock
  readonly #line = new Set<Socket>()
  #beat: Timer

  constructor(server: Server, clock: Clock) {
    this.#server = server
    this.#clock = clock
    server.on('connection', socket => {
      this.#line.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => this.#line.delete(socket))
      socket.resume()
    })
    this.#beat = clock.timer(beatMs, this.#sendBeat)
  }

  readonly #sendBeat = (): void => {
    for (const socket of this.#line) socket.write('.')
    this.#beat = this.#clock.timer(beatMs, this.#sendBeat)
  };

  [Symbol.dispose](): void {
    if (!this.#server.listening) return
    this.#beat[Symbol.dispose]()
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

/** Resolves when who had the turn let go of us, stood still, or was not there. */
function waitInLine(
  name: string,
  options: {readonly signal: AbortSignal; readonly clock: Clock; readonly silenceMs: number},
): Promise<'free' | 'silent' | 'nobody'> {
  const {signal, clock, silenceMs} = options
  return new Promise((resolve, reject) => {
    let end: 'free' | 'silent' | 'nobody' = 'nobody'
    const socket = connect({path: name}, () => {
      end = 'free'
    })
    const giveUp = (): void => {
      end = 'silent'
      socket.destroy()
    }
    let silence = clock.timer(silenceMs, giveUp)
    const onAbort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, {once: true})
    socket.on('error', () => {})
    socket.on('data', () => {
      silence[Symbol.dispose]()
      silence = clock.timer(silenceMs, giveUp)
    })
    socket.once('close', () => {
      silence[Symbol.dispose]()
      signal.removeEventListener('abort', onAbort)
      resolve(end)
    })
  })
}
