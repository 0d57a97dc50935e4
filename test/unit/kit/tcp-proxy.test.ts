import {once} from 'node:events'
import {type AddressInfo, connect, createServer, type Server, type Socket} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'

let server: Server
let proxy: TcpProxy
let served: Socket[]
let received: string
let clients: Client[]

/** A socket that records its events. */
class Client {
  text = ''
  ended = false
  error: string | undefined
  readonly socket: Socket

  constructor(port: number) {
    this.socket = connect({port, host: '127.0.0.1', allowHalfOpen: true})
    this.socket.on('data', (chunk: Buffer) => (this.text += chunk.toString()))
    this.socket.on('end', () => (this.ended = true))
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code))
    clients.push(this)
  }

  /** Resolves to true if the echo of `text` arrives in time. */
  async echoes(text: string, timeoutMs = 2000): Promise<boolean> {
    this.socket.write(text)
    const seen = waitUntil(() => this.text.includes(text), {what: 'the echo', timeoutMs})
    return seen.catch(() => false)
  }
}

beforeEach(async () => {
  served = []
  clients = []
  received = ''
  server = createServer(socket => {
    served.push(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString()
      socket.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await TcpProxy.start(`127.0.0.1:${(server.address() as AddressInfo).port}`)
})

afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
  for (const {socket} of clients) socket.destroy()
  for (const socket of served) socket.destroy()
  server.close()
})

const open = (): Client => new Client(proxy.port)

describe('TcpProxy', () => {
  it('forwards bytes and the end of a connection in both directions, and counts connections', async () => {
    const client = open()
    expect(await client.echoes('hello')).toBe(true)
    expect(proxy.counters).toMatchObject({accepted: 1, open: 1, bytesToServer: 5, bytesToClient: 5})
    client.socket.end()
    await waitUntil(() => client.ended, {what: 'the end of the echo'})
    await waitUntil(() => proxy.counters.open === 0, {what: 'the connection to close'})
  })

  it('delays every byte and keeps the order', async () => {
    const client = open()
    await client.echoes('warm')
    proxy.delay(100)
    const start = performance.now()
    client.socket.write('a')
    expect(await client.echoes('b')).toBe(true)
    expect(performance.now() - start).toBeGreaterThanOrEqual(195)
    expect(client.text).toBe('warmab')
  })

  it('as a black hole, keeps the bytes of both directions and forwards them after `heal`', async () => {
    const client = open()
    await client.echoes('before')
    proxy.blackHole()
    const late = open()
    expect(await client.echoes('inside', 150)).toBe(false)
    expect(await late.echoes('late', 50)).toBe(false)
    served[0]!.resetAndDestroy()
    await sleep(50)
    expect({error: client.error, ended: client.ended, late: late.error}).toEqual({ended: false})
    expect(received).toBe('before')
    await proxy.heal()
    await waitUntil(() => client.error === 'ECONNRESET', {what: 'the reset that the hole held back'})
    await waitUntil(() => late.text === 'late', {what: 'the late echo'})
  })

  it('can drop only the answers, so that the server acts but the client receives nothing', async () => {
    const client = open()
    await client.echoes('one')
    proxy.blackHole('answers')
    expect(await client.echoes('two', 100)).toBe(false)
    expect(received).toBe('onetwo')
    await proxy.heal()
    await waitUntil(() => client.text === 'onetwo', {what: 'the answers'})
  })

  it('can drop only the requests, so that the server receives nothing but can still send', async () => {
    const client = open()
    await client.echoes('one')
    proxy.blackHole('requests')
    client.socket.write('two')
    served[0]!.write('news')
    await waitUntil(() => client.text === 'onenews', {what: 'the news'})
    expect(received).toBe('one')
  })

  it('resets open connections on both sides', async () => {
    const client = open()
    await client.echoes('x')
    const serverSide = new Promise(resolve => served[0]!.once('close', resolve))
    proxy.reset()
    await waitUntil(() => client.error === 'ECONNRESET', {what: 'the reset'})
    await serverSide
    expect(await open().echoes('y')).toBe(true)
  })

  it('can refuse new connections while open ones continue, and can then accept new ones again on the same port', async () => {
    const old = open()
    await old.echoes('x')
    await proxy.refuse()
    const refused = open()
    await waitUntil(() => refused.error, {what: 'a refusal'})
    expect(refused.error).toBe('ECONNREFUSED')
    expect(await old.echoes('still')).toBe(true)
    await proxy.accept()
    expect(await open().echoes('again')).toBe(true)
  })

  it('drops one answer after the server has acted', async () => {
    const client = open()
    await client.echoes('one')
    proxy.swallowAnswers('reset', {match: answer => answer.includes('two')})
    client.socket.write('two')
    await waitUntil(() => client.error === 'ECONNRESET', {what: 'the reset'})
    expect(received).toBe('onetwo')
    expect(proxy.counters.swallowed).toBe(1)
    expect(await open().echoes('two')).toBe(true)
  })

  it('passes on more bytes than the buffers can hold', async () => {
    const client = open()
    const text = 'x'.repeat(4 * 1024 * 1024)
    client.socket.write(text)
    await waitUntil(() => client.text.length === text.length, {what: '4 MB'})
  })
})
