import {once} from 'node:events'
import {Agent, get, type IncomingMessage, request} from 'node:http'
import {connect, type Socket} from 'node:net'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {TransportError} from '../../../../src/core/errors.js'
import {noopLogger} from '../../../../src/core/log.js'
import {systemClock} from '../../../../src/core/time/clock.js'
import {ServiceDirectory} from '../../../../src/discover/directory.js'
import {createRoutes, type RouteOptions} from '../../../../src/discover/http/routes.js'
import {openServer, type PageServer, type PageServerOptions} from '../../../../src/serve/server.js'
import {waitUntil} from '../../../kit/wait-until.js'
import {ManualSource} from '../manual-source.js'

const one = {uri: 'http://one:1/x', capabilities: [{name: 'resize', capacity: 2}]}
const two = {uri: 'http://two:2/x', capabilities: [{name: 'crop', capacity: 1}]}

let source: ManualSource
let directory: ServiceDirectory
let server: PageServer
let agent: Agent
const warnings: Error[] = []
const onWarning = (warning: Error): void => void warnings.push(warning)

async function serve(
  options: Partial<PageServerOptions & RouteOptions> & {readonly shown?: ServiceDirectory} = {},
): Promise<void> {
  const shown = options.shown ?? directory
  await server[Symbol.asyncDispose]()
  server = await openServer({
    routes: measure =>
      createRoutes(shown, {config: {token: {value: '(hidden)'}}, clock: systemClock, ...options}, measure),
    listen: {host: '127.0.0.1', port: 0},
    clock: systemClock,
    logger: noopLogger,
    ...options,
  })
}

beforeEach(async () => {
  process.on('warning', onWarning)
  source = new ManualSource()
  await source.set({a: {services: [one]}})
  const sources = [source.source('key a')]
  directory = new ServiceDirectory({sources, clock: systemClock, random: () => 0, logger: noopLogger})
  directory.run().catch(() => {})
  await waitUntil(() => directory.current, {what: 'the first list'})
  agent = new Agent({keepAlive: true, maxSockets: 500})
  server = {url: '', [Symbol.asyncDispose]: async () => {}}
  await serve()
})

afterEach(async () => {
  agent.destroy()
  await server[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
  process.off('warning', onWarning)
  expect(warnings.splice(0)).toEqual([])
})

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const outgoing = request(`${server.url}${path}`, {agent, headers, method})
  outgoing.end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return {status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks).toString()}
}

/** Writes bytes to a socket, and collects everything that arrives until the socket is closed. */
async function sendRaw(text: string): Promise<string> {
  const socket = openSocket()
  socket.write(text)
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  await closed(socket)
  return Buffer.concat(chunks).toString()
}

/** Resolves when the socket is closed, even by a reset, for which `once` of node:events would reject. */
const closed = (socket: Socket): Promise<void> =>
  new Promise(resolve => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })

function openSocket(): Socket {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => {})
  return socket
}

const parkedCount = async (): Promise<number> => {
  const {body} = await ask('/metrics')
  return Number(/^baton_discover_open_requests (\d+)/m.exec(body)?.[1]) - 1
}

describe('discover over HTTP', () => {
  it('serves the list with an index and an ETag, and answers 304 if the client already has that list', async () => {
    const full = await ask('/services')
    expect(full).toMatchObject({status: 200, body: JSON.stringify({services: [one]})})
    expect(full.headers['x-consul-index']).toBe(String(directory.current?.index))
    const etag = full.headers.etag ?? ''
    expect(etag).toMatch(/^"[0-9a-f]+"$/)
    for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      expect(await ask('/services', {'if-none-match': tags})).toMatchObject({status: 304, body: '', headers: {etag}})
    }
    expect((await ask('/services', {'if-none-match': '"x"'})).status).toBe(200)
    await source.set({a: {services: [two]}})
    await waitUntil(() => directory.services()[0]?.uri === two.uri, {what: 'the new list'})
    expect((await ask('/services', {'if-none-match': etag})).status).toBe(200)
  })

  it('delays the answer to a blocking query until there is a new list', async () => {
    const index = directory.current?.index
    const parked = ask(`/services?index=${index}&wait=30s`)
    await waitUntil(async () => (await parkedCount()) === 1, {what: 'the query to park'})
    await source.set({a: {services: [two]}})
    const answer = await parked
    expect(JSON.parse(answer.body)).toEqual({services: [two]})
    expect(BigInt(String(answer.headers['x-consul-index']))).toBeGreaterThan(index ?? 0n)
  })

  it('answers a blocking query at the end of its wait, or at once if its index is not that of the current list', async () => {
    const index = String(directory.current?.index)
    const waited = await ask(`/services?index=${index}&wait=20ms`)
    expect(waited.headers['x-consul-index']).toBe(index)
    for (const other of ['0', '1', '99999999999999999999']) {
      expect((await ask(`/services?index=${other}&wait=10m`)).headers['x-consul-index']).toBe(index)
    }
  })

  it.each(['index=x', 'index=-1', 'index=1.5', 'index=1&wait=5', 'index=1&wait=soon'])(
    'refuses the query string ?%s',
    async query => {
      const answer = await ask(`/services?${query}`)
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.body)).toMatchObject({error: expect.stringMatching(/^(index|wait): /)})
    },
  )

  it('omits services without the requested capability', async () => {
    await source.set({a: {services: [one, two]}})
    await waitUntil(() => directory.services().length === 2, {what: 'the new list'})
    expect(JSON.parse((await ask('/services?capability=crop')).body)).toEqual({services: [two]})
    const targets = JSON.parse((await ask('/sd/prometheus?capability=resize')).body) as {targets: string[]}[]
    expect(targets.map(group => group.targets)).toEqual([['one:1']])
  })

  it('serves health, readiness, configuration and metrics', async () => {
    await source.set({a: {services: 'bad'}})
    await waitUntil(() => directory.status.state === 'degraded', {what: 'the problem'})
    expect(JSON.parse((await ask('/healthz')).body)).toMatchObject({
      state: 'degraded',
      services: 1,
      problems: [{about: 'a', message: expect.stringContaining('services document a: services: ')}],
      stats: {badDocuments: 1},
    })
    expect((await ask('/readyz')).status).toBe(200)
    expect(JSON.parse((await ask('/config')).body)).toEqual({token: {value: '(hidden)'}})
    const metrics = await ask('/metrics')
    expect(metrics.headers['content-type']).toContain('text/plain')
    expect(metrics.body).toContain('baton_discover_services 1\n')
    expect(metrics.body).toContain('baton_discover_bad_documents_total 1\n')
    expect(metrics.body).toContain('baton_discover_limit_delay_seconds_total ')
    expect(metrics.body).toContain('baton_discover_http_requests_total{route="/healthz",code="200"} 1\n')
  })

  it('is not ready before the first list, nor after an outage that lasts too long', async () => {
    const none = new ServiceDirectory({
      sources: [new ManualSource().source('never read')],
      clock: systemClock,
      random: () => 0,
      logger: noopLogger,
    })
    await serve({shown: none})
    expect((await ask('/readyz')).status).toBe(503)
    expect((await ask('/services')).status).toBe(503)
    expect((await ask('/healthz')).status).toBe(200)
    await serve({maxStaleMs: 1})
    source.fail(new TransportError('BATON_CONNECT', 'Consul at x: connection refused'))
    await waitUntil(async () => (await ask('/readyz')).status === 503, {what: 'the outage to count'})
    expect((await ask('/services')).headers).toMatchObject({'x-consul-knownleader': 'false'})
  })

  it('streams a snapshot, followed by differences', async () => {
    const outgoing = get(`${server.url}/services`, {agent, headers: {accept: 'text/event-stream'}})
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    let text = ''
    incoming.setEncoding('utf8').on('data', chunk => {
      text += String(chunk)
    })
    const frames = (): string[] => [...text.matchAll(/^event: (.*)$/gm)].map(match => match[1] ?? '')
    await waitUntil(() => frames().includes('end-of-snapshot'), {what: 'the snapshot'})
    expect(frames()).toEqual(['status', 'new-snapshot-to-follow', 'upsert', 'end-of-snapshot'])
    text = ''
    await source.set({a: {services: [two]}})
    await waitUntil(() => frames().includes('end-of-snapshot'), {what: 'the difference'})
    expect(frames()).toEqual(['upsert', 'delete', 'end-of-snapshot'])
    expect(text).toContain(`data: {"key":"${one.uri}"}`)
    outgoing.destroy()
    await waitUntil(async () => (await parkedCount()) === 0, {what: 'the stream to be closed'})
  })

  it('answers HEAD, but refuses other methods, paths and bodies', async () => {
    const head = await ask('/services', {}, 'HEAD')
    expect(head).toMatchObject({status: 200, body: ''})
    expect(Number(head.headers['content-length'])).toBeGreaterThan(0)
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      expect(await ask('/services', {}, method)).toMatchObject({status: 405, headers: {allow: 'GET, HEAD'}})
    }
    for (const path of ['/nope', '/services/', '//', '/%', '/__proto__', '/..%2f..%2fetc/passwd']) {
      expect((await ask(path)).status).toBe(404)
    }
    expect(await sendRaw('GET /services HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc')).toMatch(
      /^HTTP\/1.1 413 /,
    )
  })

  it('refuses huge and malformed requests, and keeps serving others', async () => {
    expect(await sendRaw(`GET /services?${'x'.repeat(100_000)} HTTP/1.1\r\nhost: a\r\n\r\n`)).toMatch(/^HTTP\/1.1 431 /)
    expect(
      await sendRaw(`GET /services?${'x'.repeat(10_000)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`),
    ).toMatch(/^HTTP\/1.1 414 /)
    expect(await sendRaw('nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    const flood = openSocket()
    flood.write('POST /services HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const pump = setInterval(() => flood.write(chunk), 1)
    await closed(flood)
    clearInterval(pump)
    expect((await ask('/services')).status).toBe(200)
  })

  it('does not delay other clients because of one that reads slowly, and does not queue every list for the slow client', async () => {
    const versions = 8
    const wide = (version: number): object => ({
      services: Array.from({length: 2000}, (_, at) => ({uri: `http://host-${at}:${version}/${'p'.repeat(400)}`})),
    })
    await source.set({a: wide(1)})
    await waitUntil(() => directory.current?.body.includes(':1/'), {what: 'the first wide list'})
    const slow = openSocket()
    slow.pause()
    slow.write('GET /services HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n')
    await waitUntil(async () => (await parkedCount()) === 1, {what: 'the stream'})
    for (let version = 2; version <= versions; version += 1) {
      await source.set({a: wide(version)})
      await waitUntil(() => directory.current?.body.includes(`:${version}/`), {what: 'the new list'})
    }
    expect((await ask('/services')).body).toContain(`:${versions}/`)
    let text = ''
    slow.setEncoding('latin1').on('data', part => {
      text += String(part)
    })
    slow.resume()
    await waitUntil(() => text.includes(`id: ${directory.current?.index}\n`), {what: 'the newest list'})
    expect(text.match(/^event: end-of-snapshot$/gm)?.length).toBeLessThan(versions)
    slow.destroy()
  })

  it('refuses requests beyond the limit on concurrent requests, and serves the rest', async () => {
    await serve({maxOpenRequests: 5})
    const index = directory.current?.index
    const parked = Array.from({length: 4}, () => ask(`/services?index=${index}&wait=30s`))
    await waitUntil(async () => (await parkedCount()) === 4, {what: 'the queries to park'})
    parked.push(ask(`/services?index=${index}&wait=30s`))
    await waitUntil(async () => (await ask('/services')).status === 503, {what: 'the limit'})
    await source.set({a: {services: [two]}})
    for (const answer of await Promise.all(parked)) expect(answer.status).toBe(200)
    expect((await ask('/services')).status).toBe(200)
  })

  it('answers hundreds of blocking queries with one request to Consul', async () => {
    const index = directory.current?.index
    const before = directory.status.stats.requests
    const parked = Array.from({length: 300}, () => ask(`/services?index=${index}&wait=30s`))
    await waitUntil(async () => (await parkedCount()) === 300, {what: 'the queries to park'})
    await source.set({a: {services: [two]}})
    for (const answer of await Promise.all(parked)) expect(JSON.parse(answer.body)).toEqual({services: [two]})
    expect(directory.status.stats.requests - before).toBe(1)
  })

  it('answers waiting blocking queries when it closes, and leaves no socket open', async () => {
    const index = directory.current?.index
    const parked = ask(`/services?index=${index}&wait=10m`)
    const silent = openSocket()
    await waitUntil(async () => (await parkedCount()) === 1, {what: 'the query to park'})
    const {url} = server
    await server[Symbol.asyncDispose]()
    expect(await parked).toMatchObject({status: 200, headers: {connection: 'close'}})
    await closed(silent)
    const refused = get(url)
    await expect(once(refused, 'response')).rejects.toThrow(/ECONNREFUSED/)
  })

  it('disconnects clients that do not finish reading within the drain time', async () => {
    await serve({drainMs: 50})
    await source.set({
      a: {services: Array.from({length: 20_000}, (_, at) => ({uri: `http://h-${at}/${'p'.repeat(200)}`}))},
    })
    await waitUntil(() => (directory.current?.services.length ?? 0) > 1, {what: 'the long list'})
    const slow = openSocket()
    slow.pause()
    slow.write('GET /services HTTP/1.1\r\nhost: a\r\n\r\n')
    await waitUntil(async () => (await parkedCount()) === 1, {what: 'the slow reader'})
    await server[Symbol.asyncDispose]()
    slow.destroy()
  })

  it('reports in one line that a port is in use', async () => {
    const port = Number(new URL(server.url).port)
    const options = {routes: () => new Map(), clock: systemClock, logger: noopLogger}
    await expect(openServer({...options, listen: {host: '127.0.0.1', port}})).rejects.toThrow(
      `listen address 127.0.0.1:${port}: the port is in use`,
    )
  })
})
