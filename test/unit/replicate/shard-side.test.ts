import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {coldestIn} from '../../../src/replicate/shard/key-tree.js'
import {ShardReads} from '../../../src/replicate/shard/shard-reads.js'
import {ShardSide} from '../../../src/replicate/shard/shard-side.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {FakeTransport} from '../../kit/fake-transport.js'

describe('a source or destination of which only ModifyIndexes are kept in memory', () => {
  async function sideOf(names: readonly string[]): Promise<ShardSide> {
    const clock = new FakeClock()
    const client = createClient({
      address: 'http://127.0.0.1:1',
      transport: () => new FakeTransport(() => 'hang'),
      clock,
    })
    const {signal} = new AbortController()
    const reads = new ShardReads({
      client,
      call: {},
      consistency: 'consistent',
      compress: false,
      compressNames: false,
      signal,
    })
    const side = new ShardSide({
      prefix: 'p/',
      reads,
      clock,
      signal,
      readsValues: true,
      places: 8,
      mostChanges: 100,
      isInScope: () => true,
      isLeftOut: () => false,
    })
    await side.divide(
      names.map(name => [name, {modifyIndex: 5n, isForeign: false, bytes: 1}] as const),
      9n,
    )
    return side
  }

  it('counts an empty prefix as changed if one of its keys was found after the last read', async () => {
    const names = Array.from({length: 300}, (_, at) => `p/${at % 3}/${at}`)
    const side = await sideOf(names)
    const {vertex} = side.nodeOf('p/1/1')!
    for (const name of names) if (name.startsWith('p/1/')) side.record(name, undefined)
    // A delete of a shorter prefix leaves the index of this prefix unchanged.
    expect(side.isNews(vertex, 3n, true)).toBe(false)
    side.record('p/1/1', {modifyIndex: 12n, isForeign: false, bytes: 1})
    expect(side.isNews(vertex, 3n, true)).toBe(true)
  })

  it('reports the number of keys, and a key with a low index', async () => {
    const side = await sideOf(Array.from({length: 300}, (_, at) => `p/${at % 3}/${at}`))
    expect(side.size).toBe(300)
    side.record('p/0/0', {modifyIndex: 3n, isForeign: false, bytes: 1})
    side.record('p/0/new', {modifyIndex: 20n, isForeign: false, bytes: 1})
    side.record('p/2/2', undefined)
    expect(side.size).toBe(300)
    expect(coldestIn(side.nodes.map(({vertex}) => vertex))).toBe('p/0/0')
  })
})
