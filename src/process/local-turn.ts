import {lstatSync, unlinkSync} from 'node:fs'
import {connect, createServer, type Server, type Socket} from 'node:net'
import {join} from 'node:path'
import {type LinkedSignal, linkSignal} from '../core/cancel/link-signal.js'
import {listenForAbort} from '../core/cancel/listen-for-abort.js'
import type {Clock, Random, Timer} from '../core/types.js'

export interface LocalTurnOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  /** Called when another contender has the turn. */
  readonly onWait?: () => void
  /**
   * Resolves to true if the lock is free, which means that the contender with the turn makes no progress. A
   * rejection counts as false.
   */
  readonly isFree: (signal: AbortSignal) => Promise<boolean>
  /** Time in milliseconds to wait for the turn before `isFree` is called. */
  readonly patienceMs: number
}

/**
 * A contender's turn: the right to contend for one key, which only one contender on this host has at a time. It passes
 * to the next contender when it is disposed or the process ends.
 */
export type LocalTurn = Disposable

export const withoutTurn: LocalTurn = {[Symbol.dispose]: () => {}}
const retryMs = 10
const othersLaterMs = 20
/** Interval at which the contender with the turn shows the others that it is alive. */
const beatMs = 2000
const silenceMs = 10_000
const longestPatienceMs = 60_000
/**
 * Time after which the owner of a socket without a listener counts as dead. An owner binds its socket a
 * moment before it listens.
 */
const deadAfterMs = 100
/** Maximum length of a socket's path in bytes. Node truncates longer paths without an error. */
const longestPath = 107

/**
 * Returns the path of a key's socket in a directory that only this user can write, or undefined if it would be too
 * long.
 */
export function turnPath(directory: string, ...facts: readonly (string | undefined)[]): string | undefined {
  const path = join(directory, `lock-${fingerprint(JSON.stringify(facts))}`)
  return Buffer.byteLength(path) > longestPath ? undefined : path
}

/**
 * FNV-1a with 64 bits, because loading node:crypto would take a tenth of the start-up time. If two keys have
 * the same fingerprint, their contenders only wait longer.
 */
function fingerprint(text: string): string {
  let value = 0xcbf29ce484222325n
  for (const byte of Buffer.from(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n)
  return value.toString(16)
}

/**
 * Waits until no other contender of this user on this host has the turn at `path`. The contender with the turn listens
 * on a socket there, to which the others connect. To pass the turn on, it closes their connections, that of the first
 * in line slightly before the rest. The line only saves requests; Consul decides which contender holds the lock. A
 * contender therefore leaves the line if the one with the turn sends nothing (for instance, because it is stopped in a
 * terminal), or if the lock is still free after `patienceMs`. Rejects with the signal's reason.
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
      // A contender that passes its turn on removes its socket first.
      removeDead(path, socket)
      continue
    }
    if (!refused || refused.socket !== socket) refused = {socket, sinceMs: clock.monotonicMs()}
    else if (clock.monotonicMs() - refused.sinceMs >= deadAfterMs && !removeDead(path, socket)) return withoutTurn
    await clock.sleep(retryMs * (0.5 + random()), signal)
  }
}

/** Asks Consul whether the lock is free, at growing intervals, because many contenders may wait in the line. */
async function leaveWhenFree(options: LocalTurnOptions, leave: LinkedSignal): Promise<void> {
  const {clock, random, isFree, patienceMs} = options
  try {
    for (let ms = patienceMs; ; ms = Math.min(2 * ms, longestPatienceMs)) {
      await clock.sleep(ms * (1 + random() / 5), leave.signal)
      if (await isFree(leave.signal).catch(() => false)) leave.abort(new Error('the lock is free'))
    }
  } catch {
    // The contender has left the line.
  }
}

/** Returns a text that identifies the socket at a path, so that a new socket is not mistaken for an old one. */
function identify(path: string): string | undefined {
  const stats = lstatSync(path, {bigint: true, throwIfNoEntry: false})
  return stats && `${stats.ino} ${stats.ctimeNs}`
}

/** Removes the socket of a contender that was killed. Returns false if it cannot be removed. */
function removeDead(path: string, socket: string | undefined): boolean {
  if (socket === undefined || identify(path) !== socket) return true
  try {
    unlinkSync(path)
  } catch {
    // Another contender may already have removed the socket.
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
    // Closing the server also removes its socket file.
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
    server.once('listening', () => resolve(server))
    startListening(server, path)
  })
}

/**
 * Lets the server listen as `listen` does in a process that is not a worker of a cluster. `listen` itself would load
 * Node's whole `cluster` module at each start.
 */
function startListening(server: Server & {readonly _listen2?: ListenAlone}, path: string): void {
  if (typeof server._listen2 === 'function') server._listen2(path, -1, -1)
  else server.listen({path})
}

/** Binds and listens without asking a cluster. Node keeps this method under its old name. */
type ListenAlone = (path: string, port: number, addressType: number) => void

/**
 * `over`: the contender with the turn passed it on or ended. `left`: that contender sent nothing for too
 * long, or the signal aborted.
 */
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
    listenForAbort(signal, leave)
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
