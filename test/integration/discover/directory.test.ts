import {connect, createServer, type Server, type Socket} from 'node:net'
import {afterEach, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import type {ServiceDirectory} from '../../../src/discover/directory.js'
import {openDirectory, readList} from '../../../src/discover/open.js'
import type {DiscoverFrom} from '../../../src/discover/source.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const one = {uri: 'http://one:1/x', capabilities: [{name: 'resize', capacity: 2}]}
const two = {uri: 'http://two:2/x', capabilities: [{name: 'crop', capacity: 1}]}

/** A network connection to the agent that a test can cut. */
class Road implements AsyncDisposable {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #isOpen = true
  #port = 0

  constructor(target: string) {
    const {port, hostname} = new URL(target)
    this.#server = createServer(near => {
      if (!this.#isOpen) {
        near.destroy()
        return
      }
      const far = connect(Number(port), hostname)
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.once('close', () => [near, far].forEach(other => other.destroy()))
      }
      near.pipe(far).pipe(near)
    })
  }

  async start(): Promise<string> {
    await new Promise<void>(resolve => this.#server.listen(0, '127.0.0.1', resolve))
    this.#port = (this.#server.address() as {port: number}).port
    return `http://127.0.0.1:${this.#port}`
  }

  set(isOpen: boolean): void {
    this.#isOpen = isOpen
    if (!isOpen) for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.set(false)
    await new Promise(resolve => this.#server.close(resolve))
  }
}

describe.each(backends)('a directory of services on $name', backend => {
  const agent = sharedAgent(backend)
  const opened: AsyncDisposable[] = []
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one[Symbol.asyncDispose]()
  })

  const client = (address = agent.address): ConsulClient => {
    const made = createClient({address})
    opened.push(made)
    return made
  }
  const open = async (from: DiscoverFrom, address?: string): Promise<ServiceDirectory> => {
    const directory = await openDirectory(client(address), from, {signal: AbortSignal.timeout(10_000)})
    opened.push(directory)
    return directory
  }
  const put = (key: string, value: unknown): Promise<unknown> =>
    raw(agent.address).ok('PUT', `/v1/kv/${key}`, {body: typeof value === 'string' ? value : JSON.stringify(value)})
  const uris = (directory: ServiceDirectory): string =>
    directory
      .services()
      .map(({uri}) => uri)
      .join()
  const until = (directory: ServiceDirectory, expected: string): Promise<unknown> =>
    waitUntil(() => uris(directory) === expected, {what: `the list ${expected}`, detail: () => uris(directory)})

  it('follows a document in a key, and keeps the last valid list if the document is invalid or deleted', async () => {
    await put('d1/services', {services: [one]})
    const directory = await open({key: 'd1/services'})
    expect(directory.services()).toEqual([one])
    await put('d1/services', {services: [one, two]})
    await until(directory, `${one.uri},${two.uri}`)
    await put('d1/services', '{"services":')
    await waitUntil(() => directory.status.state === 'degraded', {what: 'the bad document'})
    expect(directory.services()).toEqual([one, two])
    await raw(agent.address).ok('DELETE', '/v1/kv/d1/services')
    await waitUntil(() => directory.status.problems.some(({about}) => about === 'key d1/services'), {
      what: 'the deletion',
    })
    expect(directory.services()).toEqual([one, two])
    await put('d1/services', {services: [two]})
    await until(directory, two.uri)
    expect(directory.status).toMatchObject({state: 'live', problems: []})
  })

  it('follows a folder with one document in each key until the folder is empty', async () => {
    await put('d2/svc/05', one)
    await put('d2/svc/24', {services: [two]})
    await put('d2/svc/', '')
    const directory = await open({prefix: 'd2/svc/'})
    expect(uris(directory)).toBe(`${one.uri},${two.uri}`)
    await put('d2/svc/05', 'oops')
    await waitUntil(() => directory.status.state === 'degraded', {what: 'the bad document'})
    await put('d2/svc/24', {services: []})
    await until(directory, one.uri)
    await raw(agent.address).ok('DELETE', '/v1/kv/d2/svc', {query: {recurse: true}})
    await until(directory, '')
    expect(directory.status).toMatchObject({state: 'live', problems: []})
    expect(directory.current?.body.toString()).toBe('{"services":[]}')
  })

  it('lists the instances of catalog services whose checks pass, and follows their changes', async () => {
    const register = (id: string, body: object): Promise<unknown> =>
      raw(agent.address).ok('PUT', '/v1/agent/service/register', {body: JSON.stringify({ID: id, ...body})})
    const check = {CheckID: 'd3', TTL: '10m', Status: 'passing'}
    await register('d3-1', {
      Name: 'd3-a',
      Address: '10.0.0.1',
      Port: 81,
      Meta: {scheme: 'https', capacity: '7'},
      Check: check,
    })
    await register('d3-2', {Name: 'd3-b', Address: '::1', Port: 82})
    const directory = await open({services: ['d3-a', 'd3-b']})
    await until(directory, 'https://10.0.0.1:81,http://[::1]:82')
    expect(directory.withCapability('d3-a')[0]?.capabilities).toEqual([{name: 'd3-a', capacity: 7}])
    await raw(agent.address).ok('PUT', '/v1/agent/check/fail/d3')
    await until(directory, 'http://[::1]:82')
    await raw(agent.address).ok('PUT', '/v1/agent/check/pass/d3')
    await until(directory, 'https://10.0.0.1:81,http://[::1]:82')
    await raw(agent.address).ok('PUT', '/v1/agent/service/deregister/d3-2')
    await until(directory, 'https://10.0.0.1:81')
  })

  it('keeps the last valid list during an outage, and is up to date again afterwards', async () => {
    await using road = new Road(agent.address)
    await put('d4/services', {services: [one]})
    const directory = await open({key: 'd4/services'}, await road.start())
    road.set(false)
    await waitUntil(() => directory.status.state === 'stale', {what: 'the outage to be noticed'})
    expect(directory.services()).toEqual([one])
    expect(directory.status.problems).toHaveLength(1)
    await put('d4/services', {services: [two]})
    road.set(true)
    await until(directory, two.uri)
    expect(directory.status).toMatchObject({state: 'live', problems: [], staleForMs: 0})
  })

  it('is slowed down by its rate limiter, and reports the total delay', async () => {
    await put('d5/services', {services: []})
    const directory = await open({key: 'd5/services'})
    for (let port = 1; port <= 60; port += 1) await put('d5/services', {services: [{uri: `http://a:${port}`}]})
    await until(directory, 'http://a:60')
    await waitUntil(() => directory.status.stats.limitDelayMs > 0, {what: 'a delay'})
    expect(directory.status.stats.answers).toBeLessThan(60)
  })

  it('does not start with the old list of a restarted leader, unless an option permits it', async () => {
    await put('d8/services', {services: [two]})
    const past = [{Key: 'd8/services', Value: Buffer.from(JSON.stringify({services: [one]})).toString('base64')}]
    const headers = {'x-consul-index': '5', 'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0'}
    const body = past.map(entry => ({...entry, Flags: 0, LockIndex: 0, CreateIndex: 5, ModifyIndex: 5}))
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on({path: '/v1/kv/'}, request => (/consistent|index=/.test(request.path) ? 'pass' : {headers, body}))
    const from = {key: 'd8/services'}
    expect((await readList(client(proxy.address), from)).list.services).toEqual([two])
    expect((await readList(client(proxy.address), from, {consistency: 'stale'})).list.services).toEqual([one])
    expect((await open(from, proxy.address)).services()).toEqual([two])
  })

  it('can be read once, without being followed', async () => {
    await put('d6/services', {services: [one]})
    const {list, problems} = await readList(client(), {key: 'd6/services'})
    expect(list.services).toEqual([one])
    expect(problems).toEqual([])
    await expect(readList(client(), {key: 'd6/none'})).rejects.toThrow('key d6/none: does not exist')
    expect((await readList(client(), {prefix: 'd6/none/'})).list.services).toEqual([])
    await put('d6/bad', 'x')
    await expect(readList(client(), {key: 'd6/bad'})).rejects.toThrow('services document d6/bad: not JSON')
    expect((await readList(client(), {prefix: 'd6/'})).problems).toHaveLength(1)
  })
})
