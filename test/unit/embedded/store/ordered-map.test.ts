import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {OrderedMap} from '../../../../src/embedded/store/ordered-map.js'

describe('the ordered map', () => {
  it('has the same entries as a sorted Map after random writes and deletes', () => {
    const key = fc.string({unit: fc.constantFrom('a', 'b', '/', '\xff'), maxLength: 6})
    const step = fc.record({key, remove: fc.boolean()})
    fc.assert(
      fc.property(fc.array(step, {maxLength: 300}), key, (steps, prefix) => {
        const [map, model] = [new OrderedMap<number>(), new Map<string, number>()]
        for (const [at, {key, remove}] of steps.entries()) {
          if (remove) expect(map.delete(key)).toBe(model.delete(key))
          else {
            map.set(key, at)
            model.set(key, at)
          }
        }
        const sorted = [...model].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1))
        expect(map.withPrefix(prefix)).toEqual(sorted.map(([, value]) => value))
        expect(map.keysWithPrefix(prefix)).toEqual(sorted.map(([key]) => key))
        expect(map.size).toBe(model.size)
        map.deletePrefix(prefix)
        expect(map.size).toBe(model.size - sorted.length)
        expect(map.keysWithPrefix('')).toEqual([...model.keys()].filter(key => !key.startsWith(prefix)).sort())
        for (const [key, value] of model) expect(map.get(key)).toBe(key.startsWith(prefix) ? undefined : value)
      }),
    )
  })

  it('keeps its order when internal buckets are split and removed', () => {
    const map = new OrderedMap<number>()
    const keys = Array.from({length: 3000}, (_, at) => String((at * 7919) % 3000).padStart(4, '0'))
    for (const key of keys) map.set(key, Number(key))
    expect(map.withPrefix('')).toEqual(Array.from({length: 3000}, (_, at) => at))
    map.deletePrefix('0')
    for (const key of keys) if (!key.startsWith('1')) map.delete(key)
    expect(map.withPrefix('')).toEqual(Array.from({length: 1000}, (_, at) => 1000 + at))
  })
})
