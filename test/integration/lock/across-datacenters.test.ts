import {afterEach, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('locks in another datacenter of $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const leaks = useLeakCheck({agent, graceMs: 10_000})
  const open: ConsulClient[] = []
  afterEach(async () => {
    for (const one of open.splice(0)) await one[Symbol.asyncDispose]()
  })
  const connect = (options: Parameters<typeof createClient>[0]): ConsulClient => {
    const client = createClient(options)
    open.push(client)
    return client
  }
  const far = () => agent.addresses.get('dc2')!
  const prefix = () => `${leaks.prefix}far`

  it.each([
    ['mutex', createMutex],
    ['semaphore', (client: ConsulClient, options: {prefix: string}) => createSemaphore(client, {...options, limit: 1})],
  ] as const)('exclude contenders there, and leave no key and no session behind (kind: %s)', async (_name, create) => {
    const near = create(connect({address: agent.address, datacenter: 'dc2'}), {prefix: prefix()})
    const there = create(connect({address: far()}), {prefix: prefix()})
    const first = await near.acquire()
    expect(await raw(agent.address).kvKeys(leaks.prefix)).toEqual([])
    expect(await raw(far()).kvKeys(leaks.prefix)).toContain(`${prefix()}/.lock`)
    expect(await there.tryAcquire()).toBeUndefined()
    const waiting = there.acquire()
    await first.assertHeld()
    expect(await first.release()).toMatchObject({lock: 'released', isSessionDestroyed: true})
    const second = await waiting
    expect(second.token).toBeGreaterThan(first.token)
    expect(await near.tryAcquire()).toBeUndefined()
    await second.release()
  })

  it('are acquired by `baton lock --datacenter`, and released there by its guardian process if baton dies', async () => {
    const script = 'echo "$BATON_LOCK_DC"; sleep 60'
    const words = ['lock', '--datacenter', 'dc2', prefix(), '--', 'sh', '-c']
    await using holder = startCli([...words, script], {agent})
    await holder.waitForOutput(/dc2/)
    expect((await runCli(['lock', '--try', prefix(), '--', 'true'], {agent: {address: far()}})).exitCode).toBe(75)
    holder.kill('SIGKILL')
    await waitUntil(async () => (await raw(far()).kvKeys(leaks.prefix)).length === 0, {
      what: 'the lock to be given back',
    })
    expect(await runCli([...words, 'exit 3'], {agent})).toMatchObject({exitCode: 3, stderr: ''})
  })
})
