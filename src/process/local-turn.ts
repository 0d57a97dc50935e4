import {lstatSync, unlinkSync} from 'node:fs'
import {connect, createServer, type Server, type Socket} from 'node:net'
import {join} from 'node:path'
import {type LinkedSignal, linkSignal} from '../core/cancel/link-signal.js'
import type {Clock, Random, Timer} from '../core/types.js'

export interface LocalTurnOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  /** Called when another contender has the turn. */
  readonly onWait?: () => void
  /** True if the lock is free, so that the contender with the turn makes no progress. A rejection counts as false. */
  readonly isFree: (signal: AbortSignal) => Promise<boolean>
  /** How long the turn is waited for before `isFree` is asked. */
  readonly patienceMs: number
}

/** The right to contend for one key on behalf of this host. Dispose passes it on; so does the end of the process. */
export type LocalTurn = Disposable

export const withoutTurn: LocalTurn = {[Symbol.dispose]: () => {}}
const retryMs = 10
const othersLaterMs = 20
/** How often the contender with the turn says that it is alive, and how long a silence may be. */
const beatMs = 2000
const silenceMs = 10_000
const longestPatienceMs = 60_000
/** How long nothing may listen on a socket before its owner counts as dead: it binds a moment before it listens. */
const deadAfterMs = 100
/** What fits into the kernel's address of a socket; Node cuts off the rest without an error. */
const longestPath = 107

/** The socket of one key in a directory that only this user can write. Undefined if its path would be too long. */
export function turnPath(directory: string, ...facts: readonly (string | undefined)[]): string | undefined {
  const path = join(directory, `lock-${fingerprint(JSON.stringify(facts))}`)
  return Buffer.byteLength(path) > longestPath ? undefined : path
}

/** FNV-1a of 64 bits: loading node:crypto for this would be a tenth of the start-up. Keys that share one only wait longer. */
function fingerprint(text: string): string {
  let value = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n)
  return value.toString(16)
}

/**
 * Waits until no other contender of this user on this host has the turn at `path`. The contender with the turn listens
 * there and keeps connections open: their end is what those in line wait for. The first in line hears of it a little
 * before the others. The line only saves work, Consul decides: it is left when the contender with the turn is silent
 * (stopped in a terminal, say), or when the lock is free although the turn was waited for in patience. Rejects with the
 * signal's reason.
 */
export async function takeLocalTurn(path: string, options: LocalTurnOptions): Promise<LocalTurn> {
  using leave = linkSignal(options.signal)
  try {
    return await stand(path, options, leave)
  } finally {
    leave.abort(new Error('the line is over'))
  }
}

async function stand(path: string, options: LocalTurnOptions, leave: LinkedSignal): Promise<LocalTurn> {
  const {signal, clock, random} = options
  let refused: {readonly socket: string | undefined; readonly sinceMs: number} | undefined
  let isAsking = false
  for (;;) {
    signal.throwIfAborted()
    const outcome = await listen(path)
    if (outcome === 'unsupported') return withoutTurn
    if (outcome !== 'taken') return new Turn(outcome, clock)
    options.onWait?.()
    if (!isAsking) void leaveWhenFree(options, leave)
    isAsking = true
    const socket = identify(path)
    const end = await waitInLine(path, {signal: leave.signal, clock, silenceMs: silenceMs * (1 + random() / 2)})
    signal.throwIfAborted()
    if (end === 'left') return withoutTurn
    if (end === 'over') {
      // An owner that passes its turn on takes its socket away first.
      removeDead(path, socket)
      continue
    }
    if (!refused || refused.socket !== socket) refused = {socket, sinceMs: clock.monotonicMs()}
    else if (clock.monotonicMs() - refused.sinceMs >= deadAfterMs && !removeDead(path, socket)) return withoutTurn
    await clock.sleep(retryMs * (0.5 + random()), signal)
  }
}

/** Asks less and less often: a line may be long. */
async function leaveWhenFree(options: LocalTurnOptions, leave: LinkedSignal): Promise<void> {
  const {clock, random, isFree, patienceMs} = options
  try {
    for (let ms = patienceMs; ; ms = Math.min(2 * ms, longestPatienceMs)) {
      await clock.sleep(ms * (1 + random() / 5), leave.signal)
      if (await isFree(leave.signal).catch(() => false)) leave.abort(new Error('the lock is free'))
    }
  } catch {
    // The line was left.
  }
}

/** Which socket is there now, so that a new one is not taken for it. */
function identify(path: string): string | undefined {
  const stats = lstatSync(path, {bigint: true, throwIfNoEntry: false})
  return stats && `${stats.ino} ${stats.ctimeNs}`
}

/** A contender that was killed leaves its socket behind. False if it cannot be removed. */
function removeDead(path: string, socket: string | undefined): boolean {
  if (socket === undefined || identify(path) !== socket) return true
  try {
    unlinkSync(path)
  } catch {
    // It may be gone: another contender was faster.
  }
  return identify(path) !== socket
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
    // Takes the socket away as well.
    this.#server.close()
    const [first, ...others] = this.#line
    first?.destroy()
    if (others.length > 0) this.#clock.timer(othersLaterMs, () => others.forEach(socket => socket.destroy()))
  }
}

function listen(path: string): Promise<Server | 'taken' | 'unsupported'> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EADDRINUSE' ? 'taken' : 'unsupported')
    })
    server.listen({path}, () => resolve(server))
  })
}

/** `over`: the contender with the turn passed it on, or ended. `left`: it was silent, or the signal aborted. */
function waitInLine(
  path: string,
  options: {readonly signal: AbortSignal; readonly clock: Clock; readonly silenceMs: number},
): Promise<'over' | 'left' | 'dead'> {
  const {signal, clock, silenceMs} = options
  return new Promise(resolve => {
    let end: 'over' | 'left' | 'dead' = 'dead'
    const socket = connect({path}, () => {
      end = 'over'
    })
    const leave = (): void => {
      end = 'left'
      socket.destroy()
    }
    let silence = clock.timer(silenceMs, leave)
    signal.addEventListener('abort', leave, {once: true})
    if (signal.aborted) leave()
    socket.on('error', () => {})
    socket.on('data', () => {
      silence[Symbol.dispose]()
      silence = clock.timer(silenceMs, leave)
    })
    socket.once('close', () => {
      silence[Symbol.dispose]()
      signal.removeEventListener('abort', leave)
      resolve(end)
    })
  })
}
