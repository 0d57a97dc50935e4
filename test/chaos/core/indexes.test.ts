import {describe, expect, it} from 'vitest'
import {followThroughProxy, reads, withHeaders} from '../../integration/core/proxied-view.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('views that receive answers with unusual indexes, on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent, ignoreHandles: true})

  it.each([
    ['lower than before', '1'],
    ['zero', '0'],
    ['absent', undefined],
    ['above 2^53', '18446744073709551000'],
    ['not a number', 'soon'],
  ])('show every change and send few requests if the index of an answer is %s', async (_what, index) => {
    await using setup = await followThroughProxy(agent.address, leaks.prefix, {waitMs: 1000})
    const {proxy, reader, key, consul} = setup
    const shows = (value: string): Promise<unknown> =>
      waitUntil(() => reader.view.current?.value[0]?.value.toString() === value, {
        what: `the value ${value}`,
        timeoutMs: 20_000,
      })
    proxy.on(reads, {rewrite: withHeaders({'x-consul-index': index})}, 1)
    await consul.kvPut(key, '2')
    await shows('2')
    const before = proxy.requests.length
    await consul.kvPut(key, '3')
    await shows('3')
    expect(proxy.requests.length - before).toBeLessThanOrEqual(6)
    expect(reader.words.filter(word => word === `+${key}`)).toHaveLength(3)
  })
})
