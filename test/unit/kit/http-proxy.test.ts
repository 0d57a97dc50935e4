import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

let server: Server
let proxy: HttpProxy
let handled: string[]
let openParked: number

beforeEach(async () => {
  handled = []
  openParked = 0
  server = createServer((request, response) => {
    handled.push(`${request.method ?? ''} ${request.url ?? ''}`)
    if (request.url?.includes('park')) {
      openParked += 1
      response.on('close', () => (openParked -= 1))
      return
    }
    response.writeHead(200, {'X-Consul-Index': '42'})
    request.pipe(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  proxy = await HttpProxy.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  server.closeAllConnections()
  server.close()
})

const put = (path: string, body = 'body') => raw(proxy.address).request('PUT', path, {body})

describe('HttpProxy', () => {
  it('passes on requests that match no rule, with their headers and bodies, and counts all requests', async () => {
    expect(await put('/v1/kv/a?flags=1')).toMatchObject({status: 200, text: 'body', headers: {'x-consul-index': '42'}})
    expect(proxy.count({method: 'PUT', path: '/v1/kv/'})).toBe(1)
    expect(proxy.count({path: /flags=2/})).toBe(0)
    expect(proxy.requests[0]?.body.toString()).toBe('body')
  })

  it('applies each rule as often as the rule says, and the oldest matching rule first', async () => {
    proxy.on({path: '/v1/kv/'}, {status: 500, body: 'No cluster leader'}, 1)
    proxy.on({method: 'PUT'}, {status: 429, body: {a: 1}}, 1)
    expect(await put('/v1/kv/a')).toMatchObject({status: 500, text: 'No cluster leader'})
    expect(await put('/v1/kv/a')).toMatchObject({status: 429, text: '{"a":1}'})
    expect(await put('/v1/kv/a')).toMatchObject({status: 200})
    expect(handled).toEqual(['PUT /v1/kv/a'])
  })

  it('rewrites the server’s answer', async () => {
    using _rule = proxy.on(
      {path: '/v1/kv/'},
      {rewrite: ({status, body}) => ({status, headers: {'X-Consul-Index': '7'}, body: `${body.toString()}!`})},
    )
    expect(await put('/v1/kv/a')).toMatchObject({text: 'body!', headers: {'x-consul-index': '7'}})
  })

  it('can drop either the answer to a request or the request itself', async () => {
    proxy.on({path: '/done'}, 'swallow')
    proxy.on({path: '/lost'}, () => 'reset')
    await expect(put('/done')).rejects.toThrow(/ECONNRESET|socket hang up/)
    await expect(put('/lost')).rejects.toThrow(/ECONNRESET|socket hang up/)
    expect(handled).toEqual(['PUT /done'])
  })

  it('closes a blocking query when the client abandons it', async () => {
    const client = new AbortController()
    const answer = fetch(`${proxy.address}/park`, {signal: client.signal})
    await waitUntil(() => openParked === 1, {what: 'the query to park'})
    client.abort()
    await expect(answer).rejects.toThrow(/abort/)
    await waitUntil(() => openParked === 0, {what: 'the query to be freed'})
  })
})
