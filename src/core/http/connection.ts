import type {OnReadOpts, Socket} from 'node:net'
import type {TransportResponse} from '../types.js'
import {AnswerReader} from './answer-reader.js'
import type {TakeMemory} from './body-memory.js'
import type {Deadline} from './deadline.js'

interface Exchange {
  readonly reader: AnswerReader
  readonly deadline: Deadline
  settle(outcome: TransportResponse | Error): void
}

/** Options of one exchange: a request and its answer. */
interface ExchangeOptions {
  readonly deadline: Deadline
  /** Returns memory for the body of the answer. @default new memory for each answer */
  readonly takeMemory?: TakeMemory | undefined
  /** True if the request was written by `write`. @default false */
  readonly isWritten?: boolean
}

export interface Dial {
  /** Opens a socket that passes what it reads to `onread`. The socket may still be connecting. */
  readonly open: (onread: OnReadOpts) => Socket
  /** Event after which the socket can be written to. */
  readonly readyEvent: 'connect' | 'secureConnect'
}

const readBytes = 64 * 1024
/** Holds the bytes that a socket has just read, until the socket's callback returns. All sockets share this memory. */
let readMemory: Buffer | undefined

/**
 * A socket for one exchange at a time. The first exchange opens the socket; a later one reuses it, or opens a new
 * socket if the old one was closed. An idle socket does not keep the process alive.
 */
export class Connection {
  readonly #dial: Dial
  #socket: Socket | undefined
  #isReady = false
  #exchange: Exchange | undefined

  constructor(dial: Dial) {
    this.#dial = dial
  }

  /**
   * Writes a whole request if the socket is open, and returns whether it did. Call `exchange` with `isWritten` before
   * anything else happens.
   */
  write(request: Uint8Array): boolean {
    if (!this.#isReady) return false
    this.#socket?.write(request)
    return true
  }

  /**
   * Sends a whole request and resolves with the whole answer. If the deadline ends the request, the exchange rejects
   * and the socket is closed.
   */
  exchange(
    request: Uint8Array,
    {deadline, takeMemory, isWritten = false}: ExchangeOptions,
  ): Promise<TransportResponse> {
    return new Promise((resolve, reject) => {
      if (deadline.isOver) throw deadline.reason
      this.#exchange = {
        reader: new AnswerReader(takeMemory),
        deadline,
        settle: outcome => {
          deadline.onOver = undefined
          this.#exchange = undefined
          if (outcome instanceof Error) reject(outcome)
          else resolve(outcome)
        },
      }
      deadline.onOver = () => this.close(new Error('cancelled'))
      this.#socket ??= this.#open()
      const socket = this.#socket
      socket.ref()
      if (isWritten) return
      if (this.#isReady) socket.write(request)
      else socket.once(this.#dial.readyEvent, () => socket.write(request))
    })
  }

  /** Closes the socket, and rejects the exchange in progress with this error. */
  close(error: Error): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#isReady = false
    // The error is not given to `destroy`, because the stream would read its stack, and V8 would slowly count the lines
    // of the whole bundle for that.
    socket?.destroy()
    this.#exchange?.settle(error)
  }

  #open(): Socket {
    const socket: Socket = this.#dial.open({
      buffer: (readMemory ??= Buffer.allocUnsafeSlow(readBytes)),
      callback: (count, memory) => {
        if (this.#socket === socket) this.#handleData(socket, Buffer.from(memory.buffer, memory.byteOffset, count))
        return true
      },
    })
    const unlessClosed =
      <T extends unknown[]>(handle: (...args: T) => void) =>
      (...args: T): void => {
        if (this.#socket === socket) handle(...args)
      }
    socket.once(
      this.#dial.readyEvent,
      unlessClosed(() => {
        this.#isReady = true
      }),
    )
    socket.once(
      'end',
      unlessClosed(() => {
        const exchange = this.#exchange
        if (exchange?.reader.end() === true) exchange.settle(exchange.reader.answer)
        // The agent has ended the connection, so the next exchange must not write to this socket.
        this.close(hungUp())
      }),
    )
    socket.on(
      'error',
      unlessClosed((error: Error) => this.close(error)),
    )
    socket.once(
      'close',
      unlessClosed(() => this.close(hungUp())),
    )
    return socket
  }

  #handleData(socket: Socket, bytes: Buffer): void {
    const exchange = this.#exchange
    if (!exchange) {
      this.close(hungUp())
      return
    }
    try {
      exchange.deadline.begun(bytes)
      if (!exchange.reader.push(bytes)) {
        exchange.deadline.moved()
        return
      }
    } catch (error) {
      this.close(error as Error)
      return
    }
    exchange.settle(exchange.reader.answer)
    // If the answer came before the whole request was sent, the socket is closed: the rest of this request would arrive
    // before the next one.
    if (exchange.reader.isReusable && socket.writableLength === 0) socket.unref()
    else this.close(hungUp())
  }
}

const hungUp = (): Error =>
  Object.assign(new Error('connection closed in the middle of an answer'), {code: 'ECONNRESET'})
