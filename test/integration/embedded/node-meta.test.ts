import {beforeAll, describe, expect, it} from 'vitest'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('requests with ?node-meta= on $name', backend => {
  const agent = sharedAgent(backend)

  beforeAll(async () => {
    for (const [at, rack] of ['1', '2'].entries()) {
      await raw(agent.address).ok('PUT', '/v1/catalog/register', {
        body: JSON.stringify({
          Node: `n${rack}`,
          Address: `10.0.0.${at}`,
          NodeMeta: {rack},
          Service: {Service: 'web'},
          Check: {CheckID: 'c', Name: 'c', Status: 'critical', ServiceID: 'web'},
        }),
      })
    }
  })

  const nodesIn = async (path: string): Promise<readonly string[]> => {
    const answer = await raw(agent.address).ok('GET', `/v1/${path}?node-meta=rack:2`)
    return [...new Set([...answer.text.matchAll(/"Node": ?"(n\d)"/g)].map(([, node = '']) => node))].toSorted()
  }

  it.each(['catalog/nodes', 'catalog/service/web', 'health/service/web', 'health/checks/web', 'health/state/critical'])(
    'select nodes by metadata in %s',
    async path => {
      expect(await nodesIn(path)).toEqual(['n2'])
    },
  )

  it.each(['catalog/node/n1', 'catalog/node-services/n1', 'health/node/n1'])(
    'ignore the parameter on the path of a single node (case: %s)',
    async path => {
      expect(await nodesIn(path)).toEqual(['n1'])
    },
  )
})

// Only the embedded agent shows how many queries are blocked. A random comparison of both agents covers the real one.
it('a blocking query with ?node-meta= returns only when a node with a check in its answer changes', async () => {
  await using agent = await startEmbeddedAgent()
  const consul = raw(agent.address)
  const register = (body: object): Promise<unknown> =>
    consul.ok('PUT', '/v1/catalog/register', {body: JSON.stringify({Node: 'n3', Address: '10.0.0.9', ...body})})
  const path = '/v1/health/checks/late?node-meta=rack:3'
  const index = (await consul.ok('GET', path)).headers['x-consul-index']
  const answer = consul.get(`${path}&index=${index}&wait=60s`)
  await waitUntil(() => agent.faults.statistics().parked === 1, {what: 'the query to wait'})
  await register({NodeMeta: {rack: '3'}})
  await register({
    SkipNodeUpdate: true,
    Service: {Service: 'late'},
    Check: {CheckID: 'c', Name: 'c', ServiceID: 'late'},
  })
  expect(await answer).toMatchObject([{Node: 'n3', ServiceName: 'late'}])
})
