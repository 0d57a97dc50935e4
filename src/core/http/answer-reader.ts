import type {TransportResponse} from '../types.js'
import {BodyBuilder, type TakeMemory} from './body-memory.js'

const longestHead = 64 * 1024
const nothing = Buffer.alloc(0)
const start = 'HTTP/1.'

/** Thrown if the bytes that a peer sends are not HTTP/1.1. */
export class NotHttpError extends Error {}

interface Head {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly isKeptAlive: boolean
}

/**
 * The part of the answer to which the next bytes belong. `until-close` is a body that ends when the
 * connection is closed.
 */
type Part = 'head' | 'body' | 'until-close' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' | 'over'

/**
 * Reads one HTTP/1.1 answer, in whatever pieces it arrives. Skips informational answers (1xx). A body has a
 * length, comes in chunks, or ends when the connection is closed. Throws a NotHttpError for anything else.
 */
export class AnswerReader {
  readonly #body: BodyBuilder
  #part: Part = 'head'
  #head: Head | undefined
  /** Bytes kept until the rest of the head, or of a line between chunks, arrives. */
  #rest: Buffer = nothing
  /** Number of bytes of the body or chunk that have not arrived yet. */
  #left = 0
  #isKeptAlive = false

  constructor(take?: TakeMemory) {
    this.#body = new BodyBuilder(take)
  }

  /** Reads bytes that arrived, and keeps no reference to them. Returns true when the answer is complete. */
  push(bytes: Buffer): boolean {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    for (let before = 0; this.#part !== 'over' && rest.length > 0 && rest.length !== before; ) {
      before = rest.length
      rest = this.#read(rest)
    }
    this.#rest = rest.length === 0 ? nothing : Buffer.from(rest)
    return this.#part === 'over'
  }

  /** Called when the connection has ended. Returns true if the answer is complete. */
  end(): boolean {
    if (this.#part === 'until-close') this.#part = 'over'
    return this.#part === 'over'
  }

  /** The answer. Read it only when it is complete. */
  get answer(): TransportResponse {
    const {status = 0, headers = new Map<string, string>()} = this.#head ?? {}
    return {status, headers, body: this.#body.body}
  }

  /**
   * True if the connection can carry another request. False if more bytes arrived than the answer
   * has.
   */
  get isReusable(): boolean {
    return this.#isKeptAlive && this.#part === 'over' && this.#rest.length === 0
  }

  /**
   * Reads one part of the answer. Returns the bytes that it did not use, which are all of them if the part is
   * incomplete.
   */
  #read(bytes: Buffer): Buffer {
    switch (this.#part) {
      case 'head':
        return this.#readHead(bytes)
      case 'until-close':
        this.#body.push(bytes)
        return nothing
      case 'body':
      case 'chunk':
        return this.#readBody(bytes)
      default:
        return this.#readLine(bytes)
    }
  }

  #readHead(bytes: Buffer): Buffer {
    const end = bytes.indexOf('\r\n\r\n')
    if (!start.startsWith(bytes.toString('latin1', 0, start.length)) || (end < 0 && bytes.length > longestHead)) {
      throw new NotHttpError('no head of HTTP/1.1')
    }
    if (end < 0) return bytes
    const head = parseHead(bytes.toString('latin1', 0, end))
    // An informational answer (1xx) is skipped: the answer itself follows.
    if (head.status >= 200) this.#begin(head)
    return bytes.subarray(end + 4)
  }

  #begin(head: Head): void {
    this.#head = head
    const {status, headers, isKeptAlive} = head
    const encoding = headers.get('transfer-encoding')
    const length = headers.get('content-length')
    this.#isKeptAlive = isKeptAlive
    if (status === 204 || status === 304) this.#part = 'over'
    else if (encoding !== undefined) {
      if (encoding.toLowerCase() !== 'chunked') throw new NotHttpError(`transfer encoding ${encoding}`)
      this.#part = 'chunk-size'
    } else if (length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw new NotHttpError(`content length ${length}`)
      this.#left = Number(length)
      this.#part = this.#left === 0 ? 'over' : 'body'
      this.#body.expect(this.#left)
    } else {
      this.#isKeptAlive = false
      this.#part = 'until-close'
    }
  }

  #readBody(bytes: Buffer): Buffer {
    this.#body.push(bytes.subarray(0, this.#left))
    const rest = bytes.subarray(this.#left)
    this.#left = Math.max(0, this.#left - bytes.length)
    if (this.#left === 0) this.#part = this.#part === 'chunk' ? 'chunk-end' : 'over'
    return rest
  }

  /**
   * Reads a line between chunks: the end of a chunk, the size of the next one, or, after the last chunk, a trailer,
   * which is skipped.
   */
  #readLine(bytes: Buffer): Buffer {
    const end = bytes.indexOf('\r\n')
    if (end < 0) {
      if (bytes.length > longestHead) throw new NotHttpError('a line without end')
      return bytes
    }
    const line = bytes.toString('latin1', 0, end)
    if (this.#part === 'trailer') this.#part = line === '' ? 'over' : 'trailer'
    else if (this.#part === 'chunk-end') {
      if (line !== '') throw new NotHttpError('a chunk without end')
      this.#part = 'chunk-size'
    } else {
      const [, size] = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line) ?? []
      if (size === undefined) throw new NotHttpError('a chunk without size')
      this.#left = Number.parseInt(size, 16)
      this.#part = this.#left === 0 ? 'trailer' : 'chunk'
      this.#body.expect(this.#left)
    }
    return bytes.subarray(end + 2)
  }
}

function parseHead(text: string): Head {
  const end = endOfLine(text, 0)
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: .*)?$/.exec(text.slice(0, end)) ?? []
  if (status === undefined) throw new NotHttpError('no status')
  const headers = new Map<string, string>()
  for (let from = end + 2; from < text.length; ) {
    const to = endOfLine(text, from)
    const colon = text.indexOf(':', from)
    if (colon < 0 || colon >= to) throw new NotHttpError('a header without name')
    const name = toHeaderName(text.slice(from, colon))
    const value = text.slice(colon + 1, to).trim()
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
    from = to + 2
  }
  const connection = headers.get('connection')?.toLowerCase() ?? ''
  const isKeptAlive = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive')
  return {status: Number(status), headers, isKeptAlive}
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\r\n', from)
  return end < 0 ? text.length : end
}

/** Names of headers as peers write them, with their lower-case form. An agent sends the same few names every time. */
const headerNames = new Map<string, string>()
const mostHeaderNames = 100

function toHeaderName(text: string): string {
  const known = headerNames.get(text)
  if (known !== undefined) return known
  if (text === '' || /\s/.test(text)) throw new NotHttpError('a header without name')
  const name = text.toLowerCase()
  if (headerNames.size < mostHeaderNames) headerNames.set(text, name)
  return name
}
