import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('reads with ?cached on $name', backend => {
  const agent = sharedAgent(backend)

  async function cacheOf(path: string, headers: Record<string, string> = {}): Promise<readonly (string | null)[]> {
    const answer = await fetch(`${agent.address}/v1/${path}`, {headers})
    await answer.text()
    return [answer.headers.get('x-cache'), answer.headers.get('age')]
  }

  it.each(['health/service/web', 'catalog/service/web', 'catalog/services'])(
    'report a cache miss for the first answer to %s, and cache hits for the next ones',
    async path => {
      expect(await cacheOf(`${path}?cached`)).toEqual(['MISS', null])
      for (const more of ['', '&stale', '&near=_agent', '&index=1&wait=10ms']) {
        expect(await cacheOf(`${path}?cached${more}`), more).toEqual(['HIT', '0'])
      }
      expect(await cacheOf(`${path}?cached&node-meta=a:b`)).toEqual(['MISS', null])
      expect(await cacheOf(path)).toEqual([null, null])
    },
  )

  it('report the age of a cached list of datacenters, unless the list is older than the max-age in the request', async () => {
    expect(await cacheOf('catalog/datacenters?cached')).toEqual(['MISS', null])
    await waitUntil(async () => Number((await cacheOf('catalog/datacenters?cached'))[1]) >= 2, {what: 'an age of 2 s'})
    expect(await cacheOf('catalog/datacenters?cached', {'cache-control': 'max-age=1'})).toEqual(['MISS', null])
  })

  it('ignore the parameter on endpoints without a cache, and are refused in combination with ?consistent', async () => {
    expect(await cacheOf('catalog/nodes?cached')).toEqual([null, null])
    const refused = await raw(agent.address).request('GET', '/v1/health/service/web?cached&consistent')
    expect(refused).toMatchObject({status: 400})
  })
})
