import {describe, expect, it} from 'vitest'
import {keyText} from '../../../../src/cli/watch/key-text.js'

const plain = (_style: unknown, text: string): string => text
const pair = (value: string | Buffer, more: object = {}) => ({
  Key: 'a/b',
  ModifyIndex: 7n,
  Flags: 0n,
  Session: '',
  Value: Buffer.from(value).toString('base64'),
  ...more,
})

describe('keyText', () => {
  it('shows the decoded value and the index', () => {
    expect(keyText('a/b', pair('one\ntwo\n'), plain)).toBe('a/b (index 7):\none\ntwo')
  })

  it('shows the flags and the session of a key that is locked', () => {
    expect(keyText('a/b', pair('x', {Flags: 3n, Session: 's-1'}), plain)).toBe(
      'a/b (index 7, flags 3, held by session s-1):\nx',
    )
  })

  it('escapes control characters', () => {
    expect(keyText('a/b', pair('\u001b]0;x\u0007'), plain)).toBe('a/b (index 7):\n\\x1b]0;x\\x07')
  })

  it('says that a value is not text or is empty, or that the key does not exist', () => {
    expect(keyText('a/b', pair(Buffer.from([0xff, 0xfe])), plain)).toContain('(2 bytes that are not text')
    expect(keyText('a/b', pair(''), plain)).toContain('(empty)')
    expect(keyText('a/b', null, plain)).toBe('a/b: no such key')
  })
})
