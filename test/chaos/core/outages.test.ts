import {connect, type Socket} from 'node:net'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {kvKey, kvPrefix} from '../../../src/core/query/topics.js'
import {createViewRegistry} from '../../../src/core/query/view-registry.js'
import {ViewReader} from '../../integration/core/view-reader.js'
import {consulIsInstalled, startDevAgent} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'

const required = process.env['BATON_REQUIRE_CONSUL'] === '1'

describe.runIf(required || consulIsInstalled())('views during outages of a real agent', () => {
  it('report an outage after requests have timed out, and afterwards report only what has changed', async () => {
    await using agent = await startDevAgent()
    await using line = await TcpProxy.start(agent.address)
    const consul = raw(agent.address)
    await consul.kvPut('hole/a', '1')
    await using reader = new ViewReader(line.address, client => kvPrefix(client, 'hole/'), {waitMs: 1000})
    await reader.saw(['[initial', '+hole/a', ']1', '!live'])
    line.blackHole()
    await consul.kvPut('hole/b', '1')
    // The view waits for the time limits of the blocking query and of its retry before it reports an outage. The
    // timeout is twice as long, for a busy machine.
    await waitUntil(() => reader.view.status.state === 'stale', {what: 'the stale state', timeoutMs: 60_000})
    expect(reader.view.current?.value).toHaveLength(1)
    await line.heal()
    await waitUntil(() => reader.words.includes('+hole/b'), {what: 'the change', timeoutMs: 60_000})
    expect(reader.words).not.toContain('[reset')
  })

  it('show the new data after a restart in which the agent lost all data', async () => {
    await using agent = await startDevAgent()
    for (let write = 0; write < 20; write += 1) await raw(agent.address).kvPut('gone/a', String(write))
    await raw(agent.address).kvPut('gone/b', '1')
    await using reader = new ViewReader(agent.address, client => kvPrefix(client, 'gone/'))
    await reader.saw(['[initial', '+gone/a', '+gone/b', ']2', '!live'])
    await agent.restart('kill')
    await agent.untilReady()
    await raw(agent.address).kvPut('gone/a', 'new')
    const values = (): string | undefined => reader.view.current?.value.map(entry => entry.value.toString()).join()
    await waitUntil(() => values() === 'new', {what: 'the new data', timeoutMs: 60_000})
    // The restored key has an older ModifyIndex than before, unless the view has seen the empty store in between.
    expect(reader.words.includes('[reset') || reader.words.includes('-gone/a')).toBe(true)
  })

  it('show all changes even if the agent accepts only a few connections', async () => {
    await using agent = await startDevAgent({config: {limits: {http_max_conns_per_client: 20}}})
    await using client = createClient({address: agent.address})
    await using registry = createViewRegistry(client, {lingerMs: 0, places: 12})
    const subscriptions = Array.from({length: 40}, (_, at) => registry.view(kvKey(client, `few/${at}`)).subscribe())
    await Promise.all(subscriptions.map(subscription => subscription.ready))
    await client.kv.put('few/39', Buffer.from('1'))
    const last = registry.view(kvKey(client, 'few/39'))
    await waitUntil(() => last.current?.value !== undefined, {what: 'the change', timeoutMs: 60_000})
  })

  it('keep their data while all 200 connections of an agent are in use, and show the new data afterwards', async () => {
    await using agent = await startDevAgent()
    await using client = createClient({address: agent.address, random: () => 0.5})
    await using registry = createViewRegistry(client, {lingerMs: 0, waitMs: 2000})
    const first = registry.view(kvKey(client, 'full/a'))
    await first.subscribe().ready
    await using others = await takeAllConnections(agent.address)
    expect(others.count).toBeGreaterThan(180)
    expect(others.count).toBeLessThan(200)

    const late = registry.view(kvKey(client, 'full/b'))
    await late.subscribe().ready
    const startedAt = performance.now()
    const before = late.stats.requests
    await waitUntil(() => late.stats.requests >= before + 10, {what: 'ten more requests', timeoutMs: 60_000})
    // The query is polled on the only open connection, with growing pauses. If only the rate limiter slowed it down,
    // ten requests would take a second.
    expect(performance.now() - startedAt).toBeGreaterThan(3000)

    // The agent limits connections per client address, so this client writes from another address.
    await raw(agent.address, {localAddress: '127.0.0.2'}).kvPut('full/a', '1')
    await waitUntil(() => first.current?.value !== undefined, {what: 'the change', timeoutMs: 20_000})

    await others[Symbol.asyncDispose]()
    await client.kv.put('full/b', Buffer.from('1'))
    await waitUntil(() => late.current?.value !== undefined, {what: 'the change after', timeoutMs: 20_000})
  })
})

/** Opens connections, one after another, until the agent refuses one. */
async function takeAllConnections(address: string): Promise<AsyncDisposable & {readonly count: number}> {
  const {hostname, port} = new URL(address)
  const sockets: Socket[] = []
  const isTurnedAway = (socket: Socket): Promise<boolean> =>
    new Promise(resolve => {
      socket.on('error', () => resolve(true)).on('close', () => resolve(true))
      // Any answer means that the agent has accepted the connection.
      socket.once('data', () => resolve(false))
      socket.write('GET /v1/status/leader HTTP/1.1\r\nHost: agent\r\n\r\n')
    })
  for (;;) {
    const socket = connect(Number(port), hostname)
    if (await isTurnedAway(socket)) break
    sockets.push(socket)
    if (sockets.length > 250) break
  }
  const count = sockets.length
  return {
    count,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.splice(0)) socket.destroy()
    },
  }
}
