import {describe, expect, it} from 'vitest'
import {type Places, QueryPlaces} from '../../../src/replicate/shard/query-places.js'

/** Takes shares of the limit on blocking queries for as many mappings as possible. */
function take(places: QueryPlaces): readonly Places[] {
  const taken = places.take()
  return taken ? [taken, ...take(places)] : []
}

function placesOf(mappingCount: number, ownCount: number): QueryPlaces {
  const places = new QueryPlaces(ownCount)
  places.share(mappingCount)
  return places
}

describe('the limit on the blocking queries that a replicator keeps waiting at an agent', () => {
  it.each([1, 2, 4, 8, 9, 12, 18])(
    'permits at most 40 queries for %i mappings, including mappings that have no share and query a whole prefix',
    count => {
      const taken = take(placesOf(count, 2))
      const inParts = taken.reduce((sum, places) => sum + places.count, 0)
      expect(inParts + (count - taken.length) * 2).toBeLessThanOrEqual(40)
      for (const places of taken) expect(places.count).toBeGreaterThanOrEqual(6)
      expect(taken.length).toBeGreaterThan(0)
    },
  )

  it('is divided among all mappings if there are few mappings, and among only some of them if there are many', () => {
    const countOf = (mappings: number, own: number): number => take(placesOf(mappings, own)).length
    expect([1, 6, 8, 12, 30].map(mappings => countOf(mappings, 2))).toEqual([1, 6, 6, 4, 0])
    expect([1, 6, 8, 12, 60].map(mappings => countOf(mappings, 1))).toEqual([1, 6, 6, 5, 0])
  })

  it('permits another mapping to take the share that a mapping has released, but only once for each release', () => {
    const places = placesOf(18, 2)
    const [taken] = take(places)
    taken?.[Symbol.dispose]()
    taken?.[Symbol.dispose]()
    expect(take(places)).toHaveLength(1)
  })

  it('leaves a share for a mapping that is added after another mapping has taken its own', () => {
    const places = placesOf(1, 2)
    expect(take(places).map(({count}) => count)).toEqual([40])
    places.share(2)
    expect(take(places).map(({count}) => count)).toEqual([20])
  })
})
