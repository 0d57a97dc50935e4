import {describe, expect, it} from 'vitest'
import {joinKey, lockKey} from '../../../src/lock/wire/names.js'

describe('lockKey', () => {
  // What the Go tool makes of these prefixes: one leading slash is dropped, the rest is cleaned like a path.
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
  ])('%j is %j', (prefix, key) => {
    expect(lockKey(prefix)).toBe(key)
  })
})

it('joinKey keeps names as they are', () => {
  expect(joinKey('a b', 'ü')).toBe('a b/ü')
})
