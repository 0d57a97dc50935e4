import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {inspectLock, inspectLocks} from '../../../src/lock/inspect.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import {openSession} from '../../../src/session/session.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'

describe.each(backends)('the reported state of locks on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const connect = () => createClient({address: agent.address})

  it('shows the holder of a mutex, and the waiting contenders of baton and of consul lock', async () => {
    await using client = connect()
    const prefix = `${leaks.prefix}m`
    expect(await inspectLock(client, prefix)).toMatchObject({kind: 'none', holders: [], waiters: []})
    await using hold = await createMutex(client, {prefix, command: 'backup.sh'}).acquire()
    await using go = await openSession(client, {name: `Consul lock for './x' at '${prefix}'`})
    await using other = await openSession(client, {name: `Consul lock for './x' at '${prefix}/other'`})
    const status = await inspectLock(client, `/${prefix}`)
    expect(status).toMatchObject({
      kind: 'mutex',
      limit: 1,
      holders: [{session: hold.session, info: {ttlMs: 15_000}, record: {command: 'backup.sh', pid: process.pid}}],
      waiters: [{session: go.id}],
    })
    expect(status.waiters.map(({session}) => session)).not.toContain(other.id)
  })

  it('shows the holders and waiting contenders of a semaphore', async () => {
    await using client = connect()
    const prefix = `${leaks.prefix}s`
    const semaphore = createSemaphore(client, {prefix, limit: 1})
    await using hold = await semaphore.acquire()
    const stop = new AbortController()
    const waiting = semaphore.acquire({signal: stop.signal}).catch((error: unknown) => error)
    await expect.poll(async () => (await inspectLock(client, prefix)).waiters.length, {timeout: 10_000}).toBe(1)
    expect(await inspectLock(client, prefix)).toMatchObject({
      kind: 'semaphore',
      limit: 1,
      holders: [{session: hold.session}],
    })
    stop.abort(new Error('enough'))
    await waiting
  })

  it('lists the locks under a prefix, and also a key named .lock that is not a lock', async () => {
    await using client = connect()
    const consul = raw(agent.address)
    await using _hold = await createMutex(client, {prefix: `${leaks.prefix}l/a`}).acquire()
    await consul.kvPut(`${leaks.prefix}l/b/.lock`, 'text')
    await consul.kvPut(`${leaks.prefix}l/data`, 'text')
    const found = await inspectLocks(client, `${leaks.prefix}l`)
    expect(found.map(({prefix, kind}) => ({prefix, kind}))).toEqual([
      {prefix: `${leaks.prefix}l/a`, kind: 'mutex'},
      {prefix: `${leaks.prefix}l/b`, kind: 'other'},
    ])
    await consul.kvDelete(`${leaks.prefix}l/b/.lock`)
    await consul.kvDelete(`${leaks.prefix}l/data`)
  })
})
