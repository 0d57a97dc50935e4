import {mkdtempSync, rmSync} from 'node:fs'
import type {ServerResponse} from 'node:http'
import {createServer as createTcpServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, describe, expect, it} from 'vitest'
import {isBatonError} from '../../../src/core/errors.js'
import {parseAddress} from '../../../src/core/http/address.js'
import {NodeTransport} from '../../../src/core/http/node-transport.js'
import type {TransportOptions} from '../../../src/core/http/types.js'
import {undiciTransport} from '../../../src/core/http/undici-transport.js'
import {systemClock} from '../../../src/core/time/clock.js'
import type {Transport, TransportRequest, TransportResponse} from '../../../src/core/types.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bodyOf, pem, startServer, type TestServer} from './transport-servers.js'

const kinds = [
  {name: 'sockets', create: (options: TransportOptions): Transport => new NodeTransport(options)},
  {name: 'undici', create: undiciTransport},
]

const toClose: AsyncDisposable[] = []
afterEach(async () => {
  for (let next = toClose.pop(); next; next = toClose.pop()) await next[Symbol.asyncDispose]()
})
const owned = <T extends AsyncDisposable>(resource: T): T => {
  toClose.push(resource)
  return resource
}

const get = (path: string, more: Partial<TransportRequest> = {}): TransportRequest => ({
  method: 'GET',
  path,
  timeoutMs: 10_000,
  plane: 'control',
  ...more,
})

/** Resolves with the error of a promise that should reject. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it succeeded',
    (error: unknown) => error,
  )

describe.each(kinds)('the transport based on $name', ({create}) => {
  const open = (address: string, more: Partial<TransportOptions> = {}): Transport =>
    owned(create({address: parseAddress(address), clock: systemClock, ...more}))
  const openTo = (server: TestServer, more: Partial<TransportOptions> = {}): Transport =>
    open(`127.0.0.1:${server.port}`, more)

  it('sends method, headers and body, and returns the whole answer with any status', async () => {
    const server = owned(
      await startServer((request, response) => {
        void bodyOf(request).then(body => {
          response.writeHead(500, {'X-Consul-Index': '7', 'X-Many': ['a', 'b']})
          const words = [request.method, request.url, request.headers['x-consul-token'], body.toString('hex')]
          response.end(words.join(' '))
        })
      }),
    )
    const transport = openTo(server)
    const answer = await transport.send({
      ...get('/v1/kv/a%2Fb?cas=0'),
      method: 'PUT',
      headers: {'x-consul-token': 'secret'},
      body: Buffer.from([0, 255, 10]),
    })
    expect(answer.status).toBe(500)
    expect(answer.headers.get('x-consul-index')).toBe('7')
    expect(answer.headers.get('x-many')).toBe('a, b')
    expect(answer.body.toString()).toBe('PUT /v1/kv/a%2Fb?cas=0 secret 00ff0a')
  })

  it('sends the content length of a body, and 0 if there is no body', async () => {
    const server = owned(await startServer((_, response) => response.end()))
    const transport = openTo(server)
    const empty = await transport.send({...get('/v1/x'), method: 'PUT'})
    await transport.send({...get('/v1/x'), method: 'PUT', body: Buffer.from('abc')})
    expect(empty.body).toHaveLength(0)
    expect(server.seen.map(request => request.headers['content-length'])).toEqual(['0', '3'])
  })

  it('sends and receives bodies of several megabytes', async () => {
    const server = owned(await startServer((request, response) => request.pipe(response)))
    const body = Buffer.alloc(6_000_000, 'abcdefg')
    const answer = await openTo(server).send({...get('/v1/x'), method: 'PUT', body})
    expect(answer.body.equals(body)).toBe(true)
  })

  it('sends the base path of a reverse proxy before the request path', async () => {
    const server = owned(await startServer((request, response) => response.end(request.url)))
    const answer = await open(`http://127.0.0.1:${server.port}/consul/`).send(get('/v1/agent/self'))
    expect(answer.body.toString()).toBe('/consul/v1/agent/self')
  })

  it('connects through a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'baton-socket-'))
    owned({[Symbol.asyncDispose]: async () => rmSync(folder, {recursive: true})})
    const socketPath = join(folder, 'agent.sock')
    owned(await startServer((request, response) => response.end(request.headers.host), {socketPath}))
    const answer = await open(`unix://${socketPath}`).send(get('/v1/x'))
    expect(answer.body.toString()).toMatch(/^localhost/)
    const missing = await failureOf(open(`unix://${folder}/none.sock`).send(get('/v1/x')))
    expect(missing).toMatchObject({code: 'BATON_CONNECT', message: expect.stringContaining('no such socket')})
  })

  it('does not follow redirects', async () => {
    const server = owned(await startServer((_, response) => response.writeHead(301, {location: '/v1/elsewhere'}).end()))
    const answer = await openTo(server).send({...get('/v1/x'), method: 'PUT'})
    expect(answer.status).toBe(301)
    expect(server.seen).toHaveLength(1)
  })

  it('reuses a connection for the next request', async () => {
    const server = owned(await startServer((request, response) => response.end(String(request.socket.remotePort))))
    const transport = openTo(server)
    const ports = new Set<string>()
    for (let call = 0; call < 5; call += 1) ports.add((await transport.send(get('/v1/x'))).body.toString())
    expect(ports.size).toBe(1)
  })

  it.each(['announces it', 'does not announce it'])(
    'opens a new connection if the server has closed the last one and %s',
    async how => {
      const server = owned(
        await startServer((request, response) => {
          if (how === 'announces it') response.setHeader('connection', 'close')
          else response.once('finish', () => setImmediate(() => request.socket.end()))
          response.end(String(request.socket.remotePort))
        }),
      )
      const transport = openTo(server)
      const ports = new Set<string>()
      for (let call = 0; call < 3; call += 1) {
        ports.add((await transport.send(get('/v1/x'))).body.toString())
        await waitUntil(() => server.sockets.size === 0, {what: 'the connection to close'})
      }
      expect(ports.size).toBe(3)
    },
  )

  it('can send the next request right after an answer that ended with the closing of its connection', async () => {
    const server = owned(
      await startServer(({socket}) => {
        socket.end('HTTP/1.1 200 OK\r\n\r\nto the end')
      }),
    )
    const transport = openTo(server)
    for (let call = 0; call < 20; call += 1) {
      expect((await transport.send(get('/v1/x'))).body.toString()).toBe('to the end')
    }
  })

  it('refuses a header value that would inject another header, and does not reveal the value', async () => {
    const server = owned(await startServer((_, response) => response.end()))
    const headers = {'x-consul-token': 'secret\r\nx-other: 1'}
    const error = await failureOf(openTo(server).send(get('/v1/x', {headers})))
    expect(isBatonError(error) && error.message).toMatch(/x-consul-token/)
    expect(isBatonError(error) && error.message).not.toMatch(/secret/)
    expect(server.seen).toHaveLength(0)
  })

  it('keeps at most 64 blocking queries open, which never delay other requests', async () => {
    const parked: ServerResponse[] = []
    const server = owned(
      await startServer((request, response) => {
        if (request.url === '/v1/park') parked.push(response)
        else response.end('served')
      }),
    )
    const transport = openTo(server)
    const polls = Array.from({length: 70}, () => transport.send(get('/v1/park', {plane: 'watch'})))
    await waitUntil(() => parked.length === 64, {what: '64 parked requests'})
    expect((await transport.send(get('/v1/now', {timeoutMs: 2000}))).body.toString()).toBe('served')
    expect(parked).toHaveLength(64)
    for (const response of parked.slice(0, 64)) response.end('woken')
    await waitUntil(() => parked.length === 70, {what: 'the queued requests'})
    for (const response of parked.slice(64)) response.end('woken')
    expect(await Promise.all(polls)).toHaveLength(70)
  })

  it.each(['before it is sent', 'before the headers', 'within the body'])(
    'rejects with the reason of a signal that aborts %s, and closes the connection',
    async when => {
      const server = owned(
        await startServer((_, response) => {
          if (when === 'within the body') response.writeHead(200).write('half')
        }),
      )
      const stop = new AbortController()
      const reason = new Error('enough')
      if (when === 'before it is sent') stop.abort(reason)
      const sending = failureOf(openTo(server).send(get('/v1/x', {signal: stop.signal})))
      if (when !== 'before it is sent') {
        await waitUntil(() => server.seen.length === 1, {what: 'the request'})
        stop.abort(reason)
      }
      expect(await sending).toBe(reason)
      await waitUntil(() => server.sockets.size === 0, {what: 'the connection to close'})
    },
  )

  it('can be aborted at any time while a request starts', async () => {
    const server = owned(await startServer(() => {}))
    const transport = openTo(server)
    for (let turns = 0; turns < 12; turns += 1) {
      const stop = new AbortController()
      const reason = new Error('enough')
      const sending = failureOf(transport.send(get('/v1/x', {signal: stop.signal})))
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      stop.abort(reason)
      expect(await sending).toBe(reason)
    }
    await waitUntil(() => server.sockets.size === 0, {what: 'the connections to close'})
  })

  it.each(['headers', 'body'])('times out if the %s of the answer does not arrive', async missing => {
    const server = owned(
      await startServer((_, response) => {
        if (missing === 'body') response.writeHead(200).write('half')
      }),
    )
    const error = await failureOf(openTo(server).send(get('/v1/x', {timeoutMs: 200})))
    expect(error).toMatchObject({
      code: 'BATON_TIMEOUT',
      transient: true,
      message: `Consul at 127.0.0.1:${server.port}: no answer within 0.2s`,
    })
  })

  it('waits longer than the limit for the first byte if an answer keeps arriving', async () => {
    const server = owned(
      await startServer((_, response) => {
        response.writeHead(200, {'content-length': '20'})
        let sent = 0
        const timer = setInterval(() => {
          response.write('x')
          sent += 1
          if (sent === 20) clearInterval(timer)
        }, 100)
      }),
    )
    let begun = 0
    const transport = openTo(server)
    const onFirstByte = (): void => void (begun += 1)
    const request = get('/v1/x', {timeoutMs: 1500, idleTimeoutMs: 10_000, onFirstByte})
    for (const plane of ['control', 'watch'] as const) {
      expect((await transport.send({...request, plane})).body).toHaveLength(20)
    }
    expect(begun).toBe(2)
  })

  it('passes the first bytes of an answer on if it can, and sends a prepared request from there', async () => {
    const server = owned(
      await startServer((request, response) => {
        void bodyOf(request).then(body => response.end(`${request.method} ${request.url} ${body.toString()}`))
      }),
    )
    const transport = openTo(server)
    const body = Buffer.from('{"Index":00000,"Key":"ä"}')
    const request: TransportRequest = {...get('/v1/txn'), method: 'PUT', body}
    const send = transport.prepare?.(request, {at: 9, length: 5})
    // Before the first request, no connection is open.
    const early = await transport.prepare?.(request, {at: 9, length: 5})?.('7')
    const seen: string[] = []
    let sent: Promise<TransportResponse> | undefined
    const onFirstByte = (bytes?: Uint8Array): void => {
      if (bytes === undefined) return
      seen.push(Buffer.from(bytes).toString())
      sent = send?.('123')
    }
    await transport.send(get('/v1/x', {plane: 'watch', onFirstByte}))
    const texts = [early, await sent].map(answer => answer?.body.toString())
    if (send === undefined) {
      expect([...seen, ...texts]).toEqual([undefined, undefined])
      return
    }
    expect(seen).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n[^]*GET \/v1\/x $/)])
    expect(texts).toEqual(['7', '123'].map(text => `PUT /v1/txn {"Index":${text.padStart(5)},"Key":"ä"}`))
    expect(server.sockets.size).toBe(2)
  })

  it('rejects if an answer stops in the middle, and closes the connection', async () => {
    const server = owned(await startServer((_, response) => void response.writeHead(200).write('half')))
    const error = await failureOf(openTo(server).send(get('/v1/x', {timeoutMs: 60_000, idleTimeoutMs: 200})))
    expect(error).toMatchObject({
      code: 'BATON_TIMEOUT',
      transient: true,
      message: `Consul at 127.0.0.1:${server.port}: the answer stopped in the middle: no byte for 0.2s`,
    })
    await waitUntil(() => server.sockets.size === 0, {what: 'the connection to close'})
  })

  it("counts the time in the queue towards a request's time limit", async () => {
    const server = owned(await startServer(() => {}))
    const transport = openTo(server, {watchConnections: 1})
    const first = failureOf(transport.send(get('/v1/x', {plane: 'watch', timeoutMs: 1000})))
    const second = await failureOf(transport.send(get('/v1/x', {plane: 'watch', timeoutMs: 200})))
    expect(isBatonError(second, 'BATON_TIMEOUT')).toBe(true)
    expect(isBatonError(await first, 'BATON_TIMEOUT')).toBe(true)
    expect(server.seen).toHaveLength(1)
  })

  it.each(['before the answer', 'within the body'])(
    'reports a connection reset %s as a failed connection',
    async when => {
      const server = owned(
        await startServer((request, response) => {
          if (when === 'before the answer') request.socket.destroy()
          else {
            response.writeHead(200, {'content-length': '100'}).write('half')
            setTimeout(() => request.socket.resetAndDestroy(), 20)
          }
        }),
      )
      const error = await failureOf(openTo(server).send(get('/v1/x')))
      expect(error).toMatchObject({code: 'BATON_CONNECT', transient: true})
    },
  )

  it('reports a refused connection, and a server that does not speak HTTP', async () => {
    const tcp = createTcpServer(socket => socket.resume().end('SSH-2.0-OpenSSH_9.2\r\n'))
    await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve))
    const {port} = tcp.address() as {port: number}
    const notHttp = await failureOf(open(`127.0.0.1:${port}`).send(get('/v1/x')))
    expect(notHttp).toMatchObject({code: 'BATON_CONNECT', message: expect.stringContaining('not HTTP')})
    await new Promise(resolve => tcp.close(resolve))
    const refused = await failureOf(open(`127.0.0.1:${port}`).send(get('/v1/x')))
    expect(refused).toMatchObject({
      code: 'BATON_CONNECT',
      message: `Consul at 127.0.0.1:${port}: connection refused`,
      hint: expect.stringContaining('`address`'),
    })
  })

  it('rejects requests in progress and all later ones after it was disposed', async () => {
    const server = owned(await startServer(() => {}))
    const transport = openTo(server)
    const parked = [failureOf(transport.send(get('/v1/x', {plane: 'watch'}))), failureOf(transport.send(get('/v1/x')))]
    await waitUntil(() => server.seen.length === 2, {what: 'both requests'})
    await transport[Symbol.asyncDispose]()
    await transport[Symbol.asyncDispose]()
    for (const error of await Promise.all(parked)) expect(error).toMatchObject({code: 'BATON_CONNECT'})
    expect(await failureOf(transport.send(get('/v1/x')))).toMatchObject({
      message: expect.stringContaining('the client is closed'),
    })
    await waitUntil(() => server.sockets.size === 0, {what: 'the connections to close'})
  })

  describe('with TLS', () => {
    const answerPeer = (options: {clientCertificate?: boolean} = {}): Promise<TestServer> =>
      startServer((_, response) => response.end('secure'), {tls: true, ...options}).then(owned)
    const secure = (server: TestServer, tls: NonNullable<TransportOptions['tls']>): Transport =>
      open(`https://127.0.0.1:${server.port}`, {tls})

    it('trusts only the given certificate authority', async () => {
      const server = await answerPeer()
      expect((await secure(server, {ca: [pem('ca')]}).send(get('/v1/x'))).body.toString()).toBe('secure')
      const stranger = await failureOf(secure(server, {ca: [pem('other-ca')]}).send(get('/v1/x')))
      expect(stranger).toMatchObject({code: 'BATON_TLS', hint: expect.stringContaining('`tls.ca`')})
      expect(await failureOf(secure(server, {}).send(get('/v1/x')))).toMatchObject({code: 'BATON_TLS'})
    })

    it('checks that the certificate matches the option `servername`', async () => {
      const server = await answerPeer()
      const named = secure(server, {ca: [pem('ca')], servername: 'server.dc1.consul'})
      expect((await named.send(get('/v1/x'))).status).toBe(200)
      const wrong = secure(server, {ca: [pem('ca')], servername: 'server.dc2.consul'})
      expect(await failureOf(wrong.send(get('/v1/x')))).toMatchObject({code: 'BATON_TLS'})
    })

    it('accepts any certificate if `rejectUnauthorized` is false', async () => {
      const server = await answerPeer()
      expect((await secure(server, {rejectUnauthorized: false}).send(get('/v1/x'))).status).toBe(200)
    })

    it('sends its own certificate to a server that requires one', async () => {
      const server = await answerPeer({clientCertificate: true})
      const known = secure(server, {ca: [pem('ca')], cert: pem('client'), key: pem('client-key')})
      expect((await known.send(get('/v1/x'))).body.toString()).toBe('secure')
      const unknown = await failureOf(secure(server, {ca: [pem('ca')]}).send(get('/v1/x')))
      expect(isBatonError(unknown) && unknown.transient).toBe(true)
    })
  })
})
