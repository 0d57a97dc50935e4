import {describe, expect, it} from 'vitest'
import {renderPart} from '../../../src/cli/status/json.js'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {noopLogger} from '../../../src/core/log.js'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {openServer} from '../../../src/serve/server.js'
import {StatusFeed} from '../../../src/status/feed.js'
import {statusRoutes} from '../../../src/status/http/routes.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {PageReader} from './page-reader.js'

const statusDir = 'service/consul-replicate/statuses'

async function openPage(client: ConsulClient, prefix: string) {
  const feed = new StatusFeed({client, prefix, statusDir, render: renderPart, lingerMs: 50})
  const routes = () => statusRoutes({feed, clock: client.clock, access: {token: undefined, loopbackOnly: true}})
  const listen = {host: '127.0.0.1', port: 0}
  const server = await openServer({routes, listen, clock: client.clock, logger: noopLogger, drainMs: 0})
  return {
    url: server.url,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]()
      await feed[Symbol.asyncDispose]()
    },
  }
}

describe.each(backends)('the status page on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})

  it('shows a lock that is taken, handed over and lost', async () => {
    await using client = createClient({address: agent.address})
    await using page = await openPage(client, leaks.prefix)
    await using reader = new PageReader(page.url)
    await reader.until('locks', /"locks":\[\]/)
    const lock = {prefix: `${leaks.prefix}a`}
    const first = await createMutex(client, {...lock, command: 'first'}).acquire()
    await reader.until('locks', /"command":"first"/)
    const next = createMutex(client, {...lock, command: 'second'}).acquire()
    await waitUntil(() => reader.text('locks').includes('"waiters":[{'), {what: 'the contender to wait'})
    await first.release()
    await using _second = await next
    await reader.until('locks', /"holders":\[\{.*"command":"second".*"waiters":\[\]/)
    await client.session.destroy(_second.session)
    await reader.until('locks', /"holders":\[\]|"locks":\[\]/)
    await client.kv.deleteTree(leaks.prefix)
  })

  it('keeps the last state during an outage, reports the outage, and shows the new state afterwards', async () => {
    await using proxy = await TcpProxy.start(agent.address)
    await using client = createClient({address: proxy.address})
    await using direct = createClient({address: agent.address})
    await using page = await openPage(client, leaks.prefix)
    await using reader = new PageReader(page.url)
    const prefix = `${leaks.prefix}a`
    await using hold = await createMutex(direct, {prefix, command: 'before'}).acquire()
    await reader.until('locks', /"before"/)
    await proxy.refuse()
    proxy.reset()
    await reader.until('contact', /"isLive":false,"problem":".*refused/)
    expect(reader.text('locks')).toContain('"before"')
    await hold.release()
    await proxy.accept()
    await reader.until('contact', /"isLive":true/)
    await reader.until('locks', /"locks":\[\]/)
  })

  it('reads Consul as often for 50 browsers as for one', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: proxy.address})
    await using page = await openPage(client, leaks.prefix)
    const readers = Array.from({length: 50}, () => new PageReader(page.url))
    await Promise.all(readers.map(reader => reader.until('locks', /"locks":\[\]/)))
    await Promise.all(readers.map(reader => reader.until('exec', /responders/)))
    const consul = raw(agent.address)
    const before = proxy.count()
    await consul.kvPut(`${leaks.prefix}a/.lock`, '', {flags: '3304740253564472344'})
    await Promise.all(readers.map(reader => reader.until('locks', /"free"|"prefix"/)))
    // The change causes few reads: the keys, the sessions twice, and the lock with its queue. In addition, the blocking
    // queries continue.
    expect(proxy.count() - before).toBeLessThan(20)
    for (const reader of readers) await reader[Symbol.asyncDispose]()
    await consul.kvDelete(`${leaks.prefix}a/.lock`)
  })
})

describe('the status page', () => {
  it('sends no queries while there are no viewers, and reads again for the next viewer', async () => {
    await using agent = await startEmbeddedAgent()
    await using client = createClient({address: agent.address})
    await using page = await openPage(client, '')
    const parked = (): number => agent.faults.statistics().parked
    {
      await using reader = new PageReader(page.url)
      await reader.until('locks', /"locks":\[\]/)
      await waitUntil(() => parked() >= 4, {what: 'the queries to park'})
    }
    await waitUntil(() => parked() === 0, {what: 'the queries to end'})
    await raw(agent.address).kvPut('a/.lock', '', {flags: '3304740253564472344'})
    await using again = new PageReader(page.url)
    await again.until('locks', /"kind":"mutex"/)
  })
})
