import {describe, expect, it} from 'vitest'
import {type ConsulClient, createClient, type RegistrationNotice, registerService} from '../../../src/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('registerService on $name', backend => {
  const agent = sharedAgent(backend)
  const client = (): ConsulClient => createClient({address: agent.address})

  async function idsOf(consul: ConsulClient): Promise<readonly string[]> {
    return (await consul.agent.services()).map(({id}) => id)
  }

  it('registers a service with a passing check, and removes it when it is disposed', async () => {
    await using consul = client()
    {
      await using web = await registerService(consul, {name: 'shop', port: 8080, address: '10.1.2.3', tags: ['v2']})
      expect(web.id).toBe('shop-8080')
      await waitUntil(async () => (await consul.catalog.service('shop', {passing: true})).value.length === 1, {
        what: 'the instance',
      })
      const [instance] = (await consul.catalog.service('shop')).value
      expect(instance).toMatchObject({address: '10.1.2.3', port: 8080, tags: ['v2']})
    }
    expect(await idsOf(consul)).not.toContain('shop-8080')
  })

  it('keeps the check in the state that was set, even after its TTL has passed', async () => {
    await using consul = client()
    await using web = await registerService(consul, {name: 'warned', ttlMs: 1000})
    await web.setState('warning', 'cache is cold')
    const {node} = await consul.agent.self()
    const readCheck = async () =>
      (await consul.catalog.checksOfNode(node)).value.find(({checkId}) => checkId === 'service:warned')
    await waitUntil(async () => (await readCheck())?.status === 'warning', {what: 'the warning'})
    expect(await readCheck()).toMatchObject({output: 'cache is cold', serviceName: 'warned'})
    const start = consul.clock.monotonicMs()
    const seen = new Set<string | undefined>()
    await waitUntil(
      async () => {
        seen.add((await readCheck())?.status)
        return consul.clock.monotonicMs() - start > 2000
      },
      {what: 'two TTLs'},
    )
    expect([...seen]).toEqual(['warning'])
  })

  it('registers the service again, with its state, if the agent has lost it', async () => {
    await using consul = client()
    const notices: RegistrationNotice[] = []
    const observer = (notice: RegistrationNotice): void => void notices.push(notice)
    await using web = await registerService(consul, {name: 'lost', ttlMs: 1000}, {observer})
    await web.setState('critical', 'no disk')
    await consul.agent.deregisterService(web.id)
    await waitUntil(() => notices.length > 0, {what: 'the notice'})
    expect(notices).toEqual([{type: 'service.restored'}])
    expect(await idsOf(consul)).toContain('lost')
    await waitUntil(async () => (await consul.catalog.checksOfService('lost')).value[0]?.status === 'critical', {
      what: 'the state',
    })
  })

  it('registers a service that can enter and leave maintenance, alone or with its node', async () => {
    await using consul = client()
    await using web = await registerService(consul, {name: 'maintained'})
    const {node} = await consul.agent.self()
    const critical = async (): Promise<readonly string[]> =>
      (await consul.catalog.checksOfNode(node)).value
        .filter(({status, checkId}) => status === 'critical' && checkId.includes('maintenance'))
        .map(({checkId}) => checkId)
        .sort()
    const becomes = (ids: readonly string[]): Promise<unknown> =>
      waitUntil(async () => (await critical()).join() === ids.join(), {what: `checks ${ids.join()}`})
    await consul.agent.startMaintenance({service: web.id, reason: 'new disks'})
    await becomes(['_service_maintenance:maintained'])
    await consul.agent.startMaintenance()
    await becomes(['_node_maintenance', '_service_maintenance:maintained'])
    await consul.agent.endMaintenance()
    await consul.agent.endMaintenance({service: web.id})
    await becomes([])
  })
})
