import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {waitUntil} from '../../kit/wait-until.js'

const lockDelayMs = 15_000

describe.each(backends)('a held lock whose session is missing according to Consul, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})

  it('counts as lost at most one lock-delay after Consul last confirmed the session, if no consistent read succeeds', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    // The agent reports that it is a client agent, because a lock is held longest through a client agent.
    proxy.on(
      {path: '/v1/agent/self'},
      {
        rewrite: ({body}) => {
          const self = JSON.parse(body.toString()) as {Config: object}
          return {body: {...self, Config: {...self.Config, Server: false}}}
        },
      },
    )
    await using client = createClient({address: proxy.address})
    const proofs: number[] = []
    const degraded: number[] = []
    const mutex = createMutex(client, {
      prefix: `${leaks.prefix}doubt`,
      ttlMs: 10_000,
      lockDelayMs,
      graceMs: 100,
      observer: event => {
        if (event.type === 'lease.renewed') proofs.push(event.deadline.freeAtMs)
        if (event.type === 'lease.degraded') degraded.push(event.deadline.freeAtMs)
      },
    })
    await using hold = await mutex.acquire()
    await waitUntil(() => hold.deadline.freeAtMs - Math.min(...proofs) >= 10_000, {
      what: 'the long deadline of a client',
      timeoutMs: 20_000,
    })
    const long = hold.deadline.freeAtMs
    const gone = proxy.on({path: '/v1/session/renew/'}, {status: 404, body: "Session id 'x' not found"})
    const unasked = proxy.on({path: '/v1/session/info/'}, {status: 500, body: 'No cluster leader'})
    await waitUntil(() => hold.deadline.freeAtMs < long, {what: 'the shorter deadline', timeoutMs: 20_000})
    expect(hold.signal.aborted).toBe(false)
    // The guardian process receives the same deadlines as the observer.
    expect(degraded[0]).toBeLessThan(long)
    unasked[Symbol.dispose]()
    gone[Symbol.dispose]()
    await waitUntil(() => hold.deadline.freeAtMs > long, {what: 'the long deadline again', timeoutMs: 20_000})
    expect(hold.signal.aborted).toBe(false)
  })
})
