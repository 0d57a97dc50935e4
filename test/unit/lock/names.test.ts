import {describe, expect, it} from 'vitest'
import {joinKey, lockKey} from '../../../src/lock/wire/names.js'

describe('lockKey', () => {
  // The keys that `consul lock` uses for these prefixes. It drops one leading slash and cleans the rest like a path.
  it.each([
    ['app/db', 'app/db/.lock'],
    ['/app/db', 'app/db/.lock'],
    ['app/db/', 'app/db/.lock'],
    ['app//db', 'app/db/.lock'],
    ['app/./db/../x', 'app/x/.lock'],
    ['', '.lock'],
    ['/', '.lock'],
    ['//x', '/x/.lock'],
    ['../x', '../x/.lock'],
  ])('turns the prefix %j into the key %j', (prefix, key) => {
    expect(lockKey(prefix)).toBe(key)
  })
})

it('joinKey joins prefix and name without escaping them', () => {
  expect(joinKey('a b', 'ü')).toBe('a b/ü')
})
