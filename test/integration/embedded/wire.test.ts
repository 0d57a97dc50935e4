import {connect} from 'node:net'
import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'

/** Sends bytes and reads until the agent closes the connection. */
function exchange(address: string, bytes: string): Promise<string> {
  const {hostname, port} = new URL(address)
  return new Promise((resolve, reject) => {
    const socket = connect({host: hostname, port: Number(port), allowHalfOpen: true})
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    socket.on('end', () => {
      socket.destroy()
      resolve(text)
    })
    socket.on('error', reject)
    socket.end(bytes)
  })
}

const request = (line: string, headers = '', body = ''): string =>
  `${line} HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`
const put = (path: string, body: string): string =>
  request(`PUT ${path}`, `Content-Length: ${Buffer.byteLength(body)}\r\n`, body)

/** Malformed requests, each with the status and the end of the answer, which are the same on both agents. */
const malformed: readonly (readonly [string, string, string])[] = [
  ['no host', 'GET /v1/kv/k HTTP/1.1\r\n\r\n', '400 Bad Request: missing required Host header'],
  ['two hosts', request('GET /v1/kv/k', 'Host: y\r\n'), '400 Bad Request: too many Host headers'],
  ['no version', 'GET /v1/kv/k\r\n\r\n', '400 Bad Request'],
  [
    'a header too long',
    request('GET /v1/kv/k', `A: ${'a'.repeat(1_200_000)}\r\n`),
    '431 Request Header Fields Too Large',
  ],
  ['a bad escape', request('GET /v1/kv/%zz'), '400 Bad Request'],
  ['CONNECT', request('CONNECT /v1/kv/k'), 'method CONNECT not allowed'],
  ['deep JSON', put('/v1/txn', '['.repeat(20_000)), "Failed to parse body: invalid character '[' exceeded max depth"],
  ['half a number', put('/v1/txn', '1.'), 'Failed to parse body: unexpected EOF'],
  ['a NUL in JSON', put('/v1/txn', '"\0"'), "Failed to parse body: invalid character '\\x00' in string literal"],
  ['other letters', put('/v1/txn', 'ä'), "Failed to parse body: invalid character 'Ã' looking for beginning of value"],
]

describe.each(backends)('the HTTP server of $name', backend => {
  const agent = sharedAgent(backend)

  it.each(malformed)('answers a malformed request (case: %s), and continues to run', async (_, bytes, end) => {
    const answer = await exchange(agent.address, bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(answer.trimEnd().endsWith(`\r\n\r\n${end}`)).toBe(true)
    expect((await raw(agent.address).request('GET', '/v1/status/leader')).status).toBe(200)
  })

  it('writes nothing if a request body is incomplete', async () => {
    await exchange(agent.address, request('PUT /v1/kv/short', 'Content-Length: 10\r\n', 'abc'))
    await exchange(agent.address, request('PUT /v1/kv/chunk', 'Transfer-Encoding: chunked\r\n', '9\r\nabc'))
    expect(await raw(agent.address).kvKeys('')).toEqual([])
  })

  it('serves pipelined requests in order, including a malformed last one', async () => {
    const ahead = [
      put('/v1/kv/order', 'a'),
      request('GET /v1/kv/order?raw'),
      request('DELETE /v1/kv/order'),
      'nonsense\r\n\r\n',
    ]
    const answers = await exchange(agent.address, ahead.join(''))
    expect([...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '200', '200', '400'])
    expect(answers).toMatch(/\r\n\r\na(HTTP|$)/m)
  })

  it('accepts an absolute URL as the path, and any number of headers', async () => {
    const headers = Array.from({length: 3000}, (_, at) => `A${at}: b\r\n`).join('')
    const bytes = request('GET http://elsewhere:1/v1/kv/k', `${headers}X-Consul-Namespace: n\r\nConnection: close\r\n`)
    expect(await exchange(agent.address, bytes)).toContain('Namespaces are a Consul Enterprise feature')
  })
})
