import {afterEach, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import type {Hold, LockEvent} from '../../../src/lock/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const release = {method: 'PUT', path: '/v1/txn'}
const kinds = [
  ['mutex', createMutex],
  ['semaphore', (client: ConsulClient, options: {prefix: string}) => createSemaphore(client, {...options, limit: 2})],
] as const

function useHolds(backend: (typeof backends)[number]) {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const open: AsyncDisposable[] = []
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]()
  })
  const consul = () => raw(agent.address)
  async function held(create: (typeof kinds)[number][1]) {
    const proxy = await HttpProxy.start(agent.address)
    const client = createClient({address: proxy.address})
    open.push(client, proxy)
    const events: LockEvent[] = []
    const options = {prefix: `${leaks.prefix}r`, observer: (event: LockEvent) => events.push(event)}
    const hold: Hold = await create(client, options).acquire()
    return {proxy, hold, events}
  }
  return {agent, leaks, open, consul, held}
}

describe.each(backends)('a release whose answer is lost, on $name', backend => {
  const {leaks, consul, held} = useHolds(backend)

  it.each(kinds)('is reported as done if the key shows that it was applied (%s)', async (_name, create) => {
    const {proxy, hold} = await held(create)
    proxy.on(release, 'swallow')
    expect(await hold.release()).toEqual({lock: 'released', isSessionDestroyed: true, error: undefined})
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it.each(kinds)('is reported as a lost lock if the session ended before the release (%s)', async (_name, create) => {
    const {proxy, hold} = await held(create)
    let attempts = 0
    const unanswered = proxy.on(release, () => {
      attempts += 1
      return 'reset'
    })
    const released = hold.release()
    await waitUntil(() => attempts > 0, {what: 'a release that goes unanswered'})
    await consul().sessionDestroy(hold.session)
    unanswered[Symbol.dispose]()
    expect(await released).toMatchObject({lock: 'lost'})
    await consul().kvDelete(hold.key)
  })
})

// These tests run on only one backend, because each takes as long as baton keeps retrying.
describe.each(backends.slice(-1))('a release that is never answered, on $name', backend => {
  const {agent, leaks, open, consul, held} = useHolds(backend)

  it('is reported as done if the session was destroyed by a request that Consul still answered', async () => {
    const {proxy, hold} = await held(createMutex)
    proxy.on(release, 'reset')
    expect(await hold.release()).toMatchObject({
      lock: 'released',
      isSessionDestroyed: true,
      error: expect.objectContaining({code: 'BATON_CONNECT'}),
    })
    expect(await consul().kvKeys(leaks.prefix)).toEqual([])
  })

  it('is reported as not done, with the session that still holds the lock, if only reads are answered', async () => {
    const {proxy, hold, events} = await held(createMutex)
    for (const path of [release.path, '/v1/session/destroy']) proxy.on({path}, 'reset')
    expect(await hold.release()).toMatchObject({lock: 'held', isSessionDestroyed: false})
    expect(events.at(-1)).toEqual({type: 'session.expiring', session: hold.session, withinMs: 30_000})
    expect(await consul().kvGet(hold.key)).toMatchObject({session: hold.session})
    await consul().sessionDestroy(hold.session)
  })

  it('is reported by `baton lock` as possibly not done if the outcome is unknown', async () => {
    const proxy = await HttpProxy.start(agent.address)
    open.push(proxy)
    await using holder = startCli(['lock', `${leaks.prefix}r`, '--', 'sh', '-c', 'echo started; read go; exit 3'], {
      agent: proxy,
      keepStdin: true,
    })
    await holder.waitForOutput(/started/)
    const {session} = (await consul().kvGet(`${leaks.prefix}r/.lock`))!
    proxy.on({}, 'reset')
    holder.stdin.end('go\n')
    const {exitCode, stderr} = await holder.exited
    expect(exitCode).toBe(3)
    expect(stderr).toMatch(/perhaps not released \(.*\): it may be held until its session expires/)
    expect(stderr).toContain(`Consul did not confirm the end of session ${session}: it expires within 30s`)
    await consul().sessionDestroy(session!)
  })
})
