import {describe, expect, it} from 'vitest'
import {createClient, createViewRegistry, openDirectory, preparedQuery, registerService} from '../../../src/index.js'
import {hasReal, real, sharedAgent} from '../../kit/backend.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

// Real Consul only, because the embedded agent has no prepared queries.
describe.runIf(hasReal)('a prepared query', () => {
  const agent = sharedAgent(real)

  it('is executed by name or by ID, and causes a rejection if it does not exist', async () => {
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

  const make = async (query: object): Promise<void> => {
    await fetch(new URL('/v1/query', agent.address), {method: 'POST', body: JSON.stringify(query)})
  }

  it('is polled by a view, by `baton discover` and by `baton watch query`', async () => {
    await using client = createClient({address: agent.address})
    await client.agent.registerService({id: 'poll-1', name: 'polled', port: 1})
    await make({Name: 'polls', Service: {Service: 'polled'}})
    await using views = createViewRegistry(client, {lingerMs: 0})
    const view = views.view(preparedQuery(client, 'polls', {everyMs: 1000}))
    await using subscription = view.subscribe()
    await subscription.ready
    await using directory = await openDirectory(client, {query: 'polls', everyMs: 1000})
    await using watch = startCli(['watch', 'query', 'polls', '--interval', '1s', '--ndjson'], {agent})
    await watch.waitForOutput(/"key":"[^"]*\/poll-1"[^]*end-of-snapshot/)
    await client.agent.registerService({id: 'poll-2', name: 'polled', port: 2})
    const instances = () => view.current?.value.instances.map(({serviceId}) => serviceId).toSorted()
    await waitUntil(() => instances()?.length === 2, {what: 'the view to see the second instance'})
    await waitUntil(() => directory.services().length === 2, {what: 'discover to see the second instance'})
    await watch.waitForOutput(/"type":"upsert"[^\n]*poll-2/)
    await client.agent.deregisterService('poll-1')
    await waitUntil(() => instances()?.join() === 'poll-2', {what: 'the view to lose the first instance'})
    await waitUntil(() => directory.services()[0]?.uri.endsWith(':2'), {what: 'discover to lose the first instance'})
    await watch.waitForOutput(/"type":"delete"[^\n]*poll-1/)
    expect(view.stats.changes).toBe(3)
    await client.agent.deregisterService('poll-2')
  })

  it('makes no handler run if only the order of its instances changes, and obeys the options limit and near', async () => {
    await using client = createClient({address: agent.address})
    for (const n of [1, 2, 3, 4, 5]) await client.agent.registerService({id: `mix-${n}`, name: 'mixed', port: n})
    await make({Name: 'mixes', Service: {Service: 'mixed'}})
    const limited = await client.catalog.preparedQuery('mixes', {limit: 2, near: '_agent'})
    expect(limited.value.instances).toHaveLength(2)
    const {stdout} = await runCli(['watch', 'query', 'mixes', '--limit', '3', '--near', '_agent', '--once'], {agent})
    expect(JSON.parse(stdout)).toHaveLength(3)
    const words = ['watch', 'query', 'mixes', '--interval', '1s', '--', 'sh', '-c', 'cat']
    await using watch = startCli(words, {agent})
    await watch.waitForOutput(/mix-1[^]*mix-2[^]*mix-5/)
    await client.agent.registerService({id: 'mix-6', name: 'mixed', port: 6})
    await watch.waitForOutput(/mix-6/)
    expect(watch.stdout.split('\n').filter(line => line !== '')).toHaveLength(2)
    for (const n of [1, 2, 3, 4, 5, 6]) await client.agent.deregisterService(`mix-${n}`)
  })

  it('makes the command exit with 1 and name the query if the query does not exist', async () => {
    for (const words of [
      ['watch', 'query', 'absent'],
      ['discover', '--query', 'absent', '--once'],
    ]) {
      const {exitCode, stderr} = await runCli(words, {agent})
      expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/query\/absent\/execute: Query not found/)])
    }
  })
})
