import {describe, expect, it} from 'vitest'
import {AnswerReader, NotHttpError} from '../../../../src/core/http/answer-reader.js'

interface Read {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly isReusable: boolean
}

/** Reads a text three times: in pieces of the same size, byte by byte, and in one piece. The results must be equal. */
function read(text: string, options: {readonly thenEnds?: boolean} = {}): Read | 'unfinished' {
  const bytes = Buffer.from(text, 'latin1')
  const results = [1, 2, 3, 7, bytes.length].map(size => {
    const reader = new AnswerReader()
    let isWhole = false
    // Each piece overwrites the previous one in memory, as data from a socket may do.
    const memory = Buffer.alloc(size)
    for (let at = 0; at < bytes.length; at += size) {
      const count = bytes.copy(memory, 0, at, at + size)
      isWhole = reader.push(memory.subarray(0, count))
      memory.fill('#')
    }
    if (options.thenEnds === true) isWhole = reader.end()
    if (!isWhole) return 'unfinished'
    const {status, headers, body} = reader.answer
    return {status, headers: Object.fromEntries(headers), body: body.toString(), isReusable: reader.isReusable}
  })
  const [first = 'unfinished', ...others] = results
  for (const other of others) expect(other).toEqual(first)
  return first
}

describe('the parser of HTTP answers', () => {
  it('reads a body whose head announces its length, however the bytes are divided', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Consul-Index:  7 \r\nContent-Length: 5\r\n\r\n'
    expect(read(`${text}a\r\nbc`)).toEqual({
      status: 200,
      headers: {'content-type': 'application/json', 'x-consul-index': '7', 'content-length': '5'},
      body: 'a\r\nbc',
      isReusable: true,
    })
    expect(read(`${text}a\r\nb`)).toBe('unfinished')
  })

  it('reads a body that comes in chunks, with extensions and trailers', () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4\r\nwiki\r\nA;x=1\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n'
    expect(read(text)).toMatchObject({status: 200, body: 'wiki0123456789', isReusable: true})
    expect(read(text.slice(0, -2))).toBe('unfinished')
  })

  it('reads until the connection ends if the head contains no length', () => {
    const text = 'HTTP/1.1 200 OK\r\n\r\nall there is'
    expect(read(text)).toBe('unfinished')
    expect(read(text, {thenEnds: true})).toMatchObject({body: 'all there is', isReusable: false})
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', {thenEnds: true})).toBe('unfinished')
    expect(read('HTTP/1.1 200 OK\r\nContent-', {thenEnds: true})).toBe('unfinished')
  })

  it('expects no body after status 204 or 304, or if the length is 0', () => {
    expect(read('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({status: 204, body: '', isReusable: true})
    expect(read('HTTP/1.1 304\r\nContent-Length: 10\r\n\r\n')).toMatchObject({status: 304, body: ''})
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')).toMatchObject({body: '', isReusable: true})
  })

  it('skips informational answers such as 100 Continue', () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'
    expect(read(`${text}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)).toMatchObject({status: 200, body: 'ok'})
  })

  it('joins repeated headers', () => {
    const text = 'HTTP/1.1 200 OK\r\nX-Many: a\r\nx-many: b\r\nContent-Length: 0\r\n\r\n'
    expect(read(text)).toMatchObject({headers: {'x-many': 'a, b'}})
  })

  it.each([
    ['the server closes', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
    ['it is of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['more comes than was said', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!'],
  ])('marks the connection as not reusable if %s', (_, text) => {
    const reader = new AnswerReader()
    expect(reader.push(Buffer.from(text))).toBe(true)
    expect(reader.answer.body.toString()).toBe('ok')
    expect(reader.isReusable).toBe(false)
  })

  it.each([
    'SSH-2.0-OpenSSH_9.2\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n',
  ])('refuses data that is not HTTP/1.1: %j', text => {
    expect(() => read(text)).toThrow(NotHttpError)
  })

  it('refuses a head that exceeds 64 kB', () => {
    const reader = new AnswerReader()
    expect(reader.push(Buffer.from('HTTP/1.1 200 OK\r\nX: '))).toBe(false)
    expect(() => reader.push(Buffer.alloc(70_000, 'x'))).toThrow(NotHttpError)
  })
})
