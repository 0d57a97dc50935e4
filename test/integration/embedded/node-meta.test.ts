import {beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'

/** The same tests run on both agents. */
describe.each(backends)('?node-meta= on $name', backend => {
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
    'selects nodes in the answer to %s',
    async path => {
      expect(await nodesIn(path)).toEqual(['n2'])
    },
  )

  it.each(['catalog/node/n1', 'catalog/node-services/n1', 'health/node/n1'])(
    'has no effect on a path for one node: %s',
    async path => {
      expect(await nodesIn(path)).toEqual(['n1'])
    },
  )
})
