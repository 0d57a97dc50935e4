import {beforeAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import type {LockEvent} from '../../../src/lock/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

const master = '0d9e3a1c-95a3-4d8e-9d0a-6c2f9f1b7a11'
const prefix = 'restricted/r'

describe.each(backends)('the queue of a mutex, with ACLs on $name,', backend => {
  const agent = sharedAgent(backend, {managementToken: master})
  let token = ''
  beforeAll(async () => {
    const consul = raw(agent.address, {token: master})
    const Rules = `key "${prefix}/.lock" { policy = "write" } session_prefix "" { policy = "write" }`
    await consul.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name: 'lock', Rules})})
    const made = await consul.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: 'lock'}]})})
    token = (made.json() as {SecretID: string}).SecretID
  })

  it("is not used by a contender whose token may write only the lock's own key, and the contender reports that", async () => {
    await using proxy = await HttpProxy.start(agent.address)
    await using client = createClient({address: agent.address, token})
    await using other = createClient({address: proxy.address, token})
    const events: LockEvent[] = []
    const first = await createMutex(client, {prefix, observer: event => void events.push(event)}).acquire()
    expect(events.map(event => event.type)).not.toContain('queue.left')
    const second = createMutex(other, {prefix, observer: event => void events.push(event)}).acquire()
    await waitUntil(() => events.some(event => event.type === 'queue.left' && event.reason === 'denied'), {
      what: 'the contender to leave the queue',
    })
    expect(await first.release()).toMatchObject({lock: 'released', error: undefined})
    expect(await (await second).release()).toMatchObject({lock: 'released', error: undefined})
    expect(events.filter(event => event.type === 'queue.left')).toHaveLength(1)
    expect(await raw(agent.address, {token: master}).kvKeys('restricted/')).toEqual([])
  })

  it('does not acquire several keys if the token may not write one of them, and names that key', async () => {
    await using client = createClient({address: agent.address, token})
    const both = createMutex(client, {prefix, also: ['restricted/a']})
    await expect(both.acquire()).rejects.toMatchObject({
      code: 'BATON_ACL_DENIED',
      message: expect.stringContaining('restricted/a/.lock'),
    })
    expect(await raw(agent.address, {token: master}).kvKeys('restricted/')).toEqual([])
  })

  it('is not shared with consul lock by a holder whose token may not read all sessions, and the holder reports that', async () => {
    // The answer of Consul without the sessions that the token may not read.
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on({path: '/v1/session/list'}, {status: 200, body: '[]'})
    await using client = createClient({address: proxy.address, token})
    const events: LockEvent[] = []
    const mutex = createMutex(client, {prefix, fair: 'share', observer: event => void events.push(event)})
    await (await mutex.acquire()).release()
    expect(events.map(event => event.type)).toContain('queue.unshared')
  })
})
