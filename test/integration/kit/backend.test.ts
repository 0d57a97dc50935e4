import {describe, expect, it} from 'vitest'
import {type Backend, backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'

describe.each(backends)('the backend $name', (backend: Backend) => {
  const agent = sharedAgent(backend, {datacenters: ['east', 'west']})

  it('serves two datacenters at two addresses', async () => {
    expect([...agent.addresses.keys()]).toEqual(['east', 'west'])
    expect(agent.addresses.get('east')).toBe(agent.address)
    await raw(agent.address, {datacenter: 'west'}).kvPut('kit/key', 'x')
    expect(await raw(agent.addresses.get('west')!).kvGet('kit/key')).toMatchObject({value: 'x'})
    expect(await raw(agent.address).kvGet('kit/key')).toBeUndefined()
  })
})
