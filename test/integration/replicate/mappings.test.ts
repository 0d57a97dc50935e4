import {describe, expect, it} from 'vitest'
import {parseMapping} from '../../../src/replicate/mapping.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'
import {bytes, contentOf, countingClient, seed} from './support.js'

describe.each(backends)('mappings with their own settings, on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})
  const address = (dc: string) => agent.addresses.get(dc)!
  const pairs = (prefix: string, ...names: string[]) => names.map(name => ({key: prefix + name, value: bytes('1')}))

  it('use their own filters in addition to the filters of all mappings', async () => {
    await using client = countingClient(address('dc2'))
    await seed(client, 'dc1', pairs('own/', 'a/keep', 'a/drop.tmp', 'b/keep', 'b/drop.tmp', 'b/other'))
    await seed(client, 'dc2', pairs('to-a/', 'drop.tmp', 'gone'))
    const mappings = [
      {...parseMapping('own/a/@dc1:to-a/'), excludes: [/\.tmp$/]},
      {...parseMapping('own/b/@dc1:to-b/'), includes: ['own/b/keep', {test: (key: string) => key.endsWith('.tmp')}]},
    ]
    await createReplicator(client, {mappings, excludes: ['own/b/drop']}).runOnce()
    expect([...(await contentOf(client, 'dc2', 'to-a/')).keys()]).toEqual(['drop.tmp', 'keep'])
    expect([...(await contentOf(client, 'dc2', 'to-b/')).keys()]).toEqual(['keep'])
  })

  it('use their own clients for source and destination, and write their status keys with the client of the destination', async () => {
    await using dc1 = countingClient(address('dc1'))
    await using dc2 = countingClient(address('dc2'))
    await seed(dc1, 'dc1', pairs('there/', 'a'))
    await seed(dc2, 'dc2', pairs('back/', 'b'))
    const mappings = [
      {...parseMapping('there/:same/', {datacenterRequired: false}), sourceClient: dc1},
      {
        ...parseMapping('back/:same/', {datacenterRequired: false}),
        sourceClient: dc2,
        destinationClient: dc1,
      },
    ]
    const passes = await createReplicator(dc2, {mappings, statusDir: 'own-st'}).runOnce()
    expect(passes.map(({written}) => written)).toEqual([1, 1])
    expect([...(await contentOf(dc2, 'dc2', 'same/')).keys()]).toEqual(['a'])
    expect([...(await contentOf(dc1, 'dc1', 'same/')).keys()]).toEqual(['b'])
    for (const [client, dc] of [
      [dc1, 'dc1'],
      [dc2, 'dc2'],
    ] as const) {
      expect([...(await contentOf(client, dc, 'own-st/')).keys()].filter(key => !key.includes('/'))).toHaveLength(1)
    }
  })

  it('must not overlap at one agent, even if different clients reach that agent', async () => {
    await using one = countingClient(address('dc2'))
    await using other = countingClient(address('dc2'))
    const mappings = [parseMapping('x/@dc1:over/'), {...parseMapping('y/@dc1:over/lap/'), destinationClient: other}]
    expect(() => createReplicator(one, {mappings})).toThrow(/overlap/)
  })

  it('can be replaced while others continue', async () => {
    await using client = countingClient(address('dc2'))
    await seed(client, 'dc1', [...pairs('up1/', 'a'), ...pairs('up2/', 'a'), ...pairs('up3/', 'a')])
    const [one, two, three] = ['up1', 'up2', 'up3'].map(name => parseMapping(`${name}/@dc1:${name}-copy/`))
    const replicator = createReplicator(client, {mappings: [one!, two!]})
    const controller = new AbortController()
    const ended = (async () => {
      for await (const _ of replicator.run({signal: controller.signal}));
    })()
    const has = (key: string) =>
      waitUntil(async () => (await client.kv.get(key)).value !== undefined, {what: `${key} to be there`})
    await has('up1-copy/a')
    await has('up2-copy/a')
    await expect(replicator.update([one!, {...three!, destination: 'up1-copy/x/'}])).rejects.toThrow(/overlap/)
    const before = client.requests.length
    await replicator.update([parseMapping('up1/@dc1:up1-copy/'), three!])
    await has('up3-copy/a')
    const sent = client.requests.slice(before).map(({path}) => path)
    // A mapping that is started again lists its source and its destination.
    const lists = (prefix: string) =>
      sent.filter(path => path.startsWith(`/v1/kv/${prefix}?`) && path.includes('recurse'))
    expect([lists('up1/').filter(path => !path.includes('index=')), lists('up1-copy/')]).toEqual([[], []])
    expect(lists('up3-copy/')).not.toEqual([])
    expect(replicator.status().map(({mapping}) => mapping.source)).toEqual(['up1/', 'up3/'])
    await seed(client, 'dc1', [...pairs('up1/', 'b'), ...pairs('up2/', 'b')])
    await has('up1-copy/b')
    expect((await client.kv.get('up2-copy/b')).value).toBeUndefined()
    controller.abort()
    await ended
  })
})
