import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import type {LockEvent} from '../../../src/lock/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const kinds = [
  ['mutex', {}, createMutex],
  ['semaphore', {limit: 2}, createSemaphore],
] as const

describe('an acquisition that Consul does not answer', () => {
  it.each(kinds)('rejects with the reason why Consul could not be reached (%s)', async (_name, options, create) => {
    await using client = createClient({address: '127.0.0.1:1'})
    const lock = create(client, {prefix: 'a/b', ...options} as never)
    await expect(lock.acquire({timeoutMs: 400})).rejects.toMatchObject({
      code: 'BATON_CONNECT',
      transient: true,
      message: 'lock a/b: not acquired within 400ms: Consul at 127.0.0.1:1: connection refused',
    })
  })

  const [backend] = backends.slice(-1)
  const agent = sharedAgent(backend!)
  const leaks = useLeakCheck({agent})

  it('rejects with a timeout if the agent accepts requests but never answers', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on({}, 'hang')
    await using client = createClient({address: proxy.address})
    await expect(createMutex(client, {prefix: `${leaks.prefix}h`}).acquire({timeoutMs: 300})).rejects.toMatchObject({
      code: 'BATON_TIMEOUT',
      transient: true,
    })
  })

  it('rejects with BATON_LOCK_TIMEOUT if Consul stops answering after it has created the session', async () => {
    await using holding = createClient({address: agent.address})
    await using _hold = await createMutex(holding, {prefix: `${leaks.prefix}l`}).acquire()
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: proxy.address})
    const observer = (event: LockEvent) => {
      if (event.type === 'session.created') proxy.on({path: '/v1/kv'}, 'reset')
      if (event.type === 'session.created') proxy.on({path: '/v1/txn'}, 'reset')
    }
    const lock = createMutex(client, {prefix: `${leaks.prefix}l`, observer})
    await expect(lock.acquire({timeoutMs: 1000})).rejects.toMatchObject({code: 'BATON_LOCK_TIMEOUT'})
  })

  it('reports no pending expiry for a session that Consul has already ended', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: proxy.address})
    const events: LockEvent[] = []
    const lock = createMutex(client, {prefix: `${leaks.prefix}e`, observer: event => events.push(event)})
    const hold = await lock.acquire()
    await raw(agent.address).sessionDestroy(hold.session)
    await waitUntil(() => hold.signal.aborted, {what: 'the loss'})
    proxy.on({path: '/v1/session/destroy'}, 'reset')
    expect(await hold.release()).toMatchObject({lock: 'lost', isSessionDestroyed: true})
    expect(events.map(({type}) => type)).not.toContain('session.expiring')
  })
})
