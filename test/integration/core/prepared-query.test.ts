import {describe, expect, it} from 'vitest'
import {createClient, registerService} from '../../../src/index.js'
import {hasReal, real, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'

// The embedded agent refuses prepared queries by name.
describe.runIf(hasReal)('catalog.preparedQuery', () => {
  const agent = sharedAgent(real)

  it('returns the instances of a query by its name and by its ID, and rejects for an unknown one', async () => {
    await using client = createClient({address: agent.address})
    await using shop = await registerService(client, {name: 'queried', port: 8080})
    const body = JSON.stringify({Name: 'geo', Service: {Service: 'queried', OnlyPassing: true}})
    const made = await fetch(new URL('/v1/query', agent.address), {method: 'POST', body})
    const {ID: id} = (await made.json()) as {ID: string}
    for (const nameOrId of ['geo', id]) {
      await waitUntil(async () => (await client.catalog.preparedQuery(nameOrId)).value.instances.length === 1, {
        what: 'the instance',
      })
      const {value} = await client.catalog.preparedQuery(nameOrId)
      expect(value).toMatchObject({service: 'queried', datacenter: 'dc1', failovers: 0})
      expect(value.instances[0]).toMatchObject({serviceId: shop.id, port: 8080})
    }
    await client.caller.call({method: 'DELETE', path: `/v1/query/${id}`})
    await expect(client.catalog.preparedQuery('geo')).rejects.toMatchObject({code: 'BATON_NOT_FOUND'})
  })
})
