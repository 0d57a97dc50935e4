import Consul from 'consul'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../../src/embedded/index.js'

describe('the npm package consul as a client of the embedded agent', () => {
  let agent: EmbeddedAgent
  let client: Consul
  beforeAll(async () => {
    agent = await startEmbeddedAgent()
    const {hostname, port} = new URL(agent.address)
    client = new Consul({host: hostname, port: Number(port)})
  })
  afterAll(() => agent[Symbol.asyncDispose]())

  it('sets, gets, lists and deletes keys', async () => {
    expect(await client.kv.set('n/ä b', 'value')).toBe(true)
    expect(await client.kv.get('n/ä b')).toMatchObject({Key: 'n/ä b', Value: 'value'})
    expect(await client.kv.keys('n/')).toEqual(['n/ä b'])
    expect(await client.kv.get({key: 'n/', recurse: true})).toHaveLength(1)
    await client.kv.del({key: 'n/', recurse: true})
    expect(await client.kv.get('n/ä b')).toBeFalsy()
  })

  it('creates sessions and locks keys', async () => {
    const {ID} = await client.session.create({ttl: '30s', behavior: 'delete'})
    expect(await client.kv.set({key: 'lock', value: 'me', acquire: ID})).toBe(true)
    expect(await client.session.renew(ID)).toMatchObject([{ID, TTL: '30s', Behavior: 'delete'}])
    expect(await client.session.get(ID)).toMatchObject({ID})
    expect(await client.session.list()).toHaveLength(1)
    await client.session.destroy(ID)
    expect(await client.kv.get('lock')).toBeFalsy()
  })

  it('registers services and checks, and reads their health', async () => {
    await client.agent.service.register({name: 'api', tags: ['v1'], port: 80, check: {ttl: '30s'} as never})
    await client.agent.check.pass('service:api')
    expect(await client.health.service({service: 'api', passing: true})).toMatchObject([
      {Service: {Service: 'api', Tags: ['v1'], Port: 80}},
    ])
    expect(await client.catalog.service.list()).toMatchObject({api: ['v1']})
    expect(Object.keys(await client.agent.checks())).toEqual(['service:api'])
    await client.agent.service.deregister('api')
    expect(await client.agent.services()).toEqual({})
  })

  it('fires events, and reads the members and the leader', async () => {
    await client.event.fire('deploy', 'now')
    expect(await client.event.list('deploy')).toMatchObject([{Name: 'deploy', Payload: 'now'}])
    expect(await client.agent.members()).toMatchObject([{Name: 'baton-dev'}])
    expect(await client.status.leader()).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  it('receives every change through its watch function', async () => {
    const watch = client.watch({method: client.kv.get.bind(client.kv), options: {key: 'watched'}})
    const seen: string[] = []
    const failures: unknown[] = []
    watch.on('change', (row: {Value: string} | undefined) => void seen.push(row?.Value ?? 'none'))
    watch.on('error', (error: unknown) => void failures.push(error))
    try {
      await expect.poll(() => agent.faults.statistics().parked, {timeout: 5000}).toBe(1)
      for (const value of ['one', 'two']) {
        await client.kv.set('watched', value)
        await expect.poll(() => seen.at(-1), {timeout: 5000}).toBe(value)
      }
      expect(failures).toEqual([])
    } finally {
      watch.end()
    }
  })
})
