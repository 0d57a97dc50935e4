import {describe, expect, it} from 'vitest'
import {type Touched, Watches} from '../../../../src/embedded/store/watches.js'

const touched = (what: {keys?: string[]; run?: string[]; topics?: string[]}): Touched => ({
  touchedKeys: new Set(what.keys),
  touchedRuns: what.run ? [what.run] : [],
  touched: new Set(what.topics),
})

describe('watches of the embedded store', () => {
  it('wake only the watchers whose key or prefix was written', () => {
    const watches = new Watches()
    const woken: string[] = []
    watches.watch({keys: ['a/b']}, () => woken.push('key a/b'))
    watches.watch({keys: ['a/c']}, () => woken.push('key a/c'))
    watches.watch({prefixes: ['a/']}, () => woken.push('prefix a/'))
    watches.watch({prefixes: ['b/']}, () => woken.push('prefix b/'))
    watches.watch({prefixes: ['']}, () => woken.push('root'))
    watches.wake(touched({keys: ['a/b']}))
    expect(woken.sort()).toEqual(['key a/b', 'prefix a/', 'root'])
    expect(watches.wakeUps).toBe(3)
    expect(watches.parked).toBe(2)
  })

  it("wake a watcher once, even if one write changes several of the watcher's topics", () => {
    const watches = new Watches()
    let calls = 0
    watches.watch({keys: ['k'], topics: ['t'], prefixes: ['']}, () => (calls += 1))
    watches.wake(touched({keys: ['k'], topics: ['t']}))
    watches.wake(touched({keys: ['k'], topics: ['t']}))
    expect(calls).toBe(1)
  })

  it('wake only the watchers of keys in a deleted range', () => {
    const watches = new Watches()
    const woken: string[] = []
    for (const key of ['a/1', 'a/2', 'b']) watches.watch({keys: [key]}, () => woken.push(key))
    for (const prefix of ['', 'a/', 'a/1x', 'b']) watches.watch({prefixes: [prefix]}, () => woken.push(`${prefix}*`))
    watches.wake(touched({run: ['a/1', 'a/3']}))
    expect(woken.sort()).toEqual(['*', 'a/*', 'a/1'])
  })

  it('neither call nor count a cancelled watcher', () => {
    const watches = new Watches()
    const release = watches.watch({prefixes: ['p']}, () => expect.unreachable())
    release()
    release()
    watches.wake(touched({keys: ['p1']}))
    watches.wakeAll()
    expect(watches.parked).toBe(0)
  })
})
