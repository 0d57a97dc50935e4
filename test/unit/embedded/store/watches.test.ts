import {describe, expect, it} from 'vitest'
import {Watches} from '../../../../src/embedded/store/watches.js'

describe('watches', () => {
  it('wake exactly those whose key or prefix was written', () => {
    const watches = new Watches()
    const woken: string[] = []
    watches.watch({keys: ['a/b']}, () => woken.push('key a/b'))
    watches.watch({keys: ['a/c']}, () => woken.push('key a/c'))
    watches.watch({prefixes: ['a/']}, () => woken.push('prefix a/'))
    watches.watch({prefixes: ['b/']}, () => woken.push('prefix b/'))
    watches.watch({prefixes: ['']}, () => woken.push('root'))
    watches.wake(new Set(['a/b']), new Set())
    expect(woken.sort()).toEqual(['key a/b', 'prefix a/', 'root'])
    expect(watches.wakeUps).toBe(3)
    expect(watches.parked).toBe(2)
  })

  it('wake once, however many of the watched things change at once', () => {
    const watches = new Watches()
    let calls = 0
    watches.watch({keys: ['k'], topics: ['t'], prefixes: ['']}, () => (calls += 1))
    watches.wake(new Set(['k']), new Set(['t']))
    watches.wake(new Set(['k']), new Set(['t']))
    expect(calls).toBe(1)
  })

  it('leave nothing behind when a watcher gives up', () => {
    const watches = new Watches()
    const release = watches.watch({prefixes: ['p']}, () => expect.unreachable())
    release()
    release()
    watches.wake(new Set(['p1']), new Set())
    watches.wakeAll()
    expect(watches.parked).toBe(0)
  })
})
