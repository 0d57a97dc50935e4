import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LineBuffer} from '../../../../src/cli/exec/line-buffer.js'

describe('line buffers', () => {
  it('keep a line until its newline arrives', () => {
    const buffer = new LineBuffer()
    expect(buffer.push(Buffer.from('ab')).toString()).toBe('')
    expect(buffer.push(Buffer.from('c\nd\ne')).toString()).toBe('abc\nd\n')
    expect(buffer.flush().toString()).toBe('e')
    expect(buffer.flush()).toHaveLength(0)
  })

  it('return all bytes in whole lines, however the input is divided into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({maxLength: 40})), pieces => {
        const buffer = new LineBuffer()
        const shown = pieces.map(piece => buffer.push(Buffer.from(piece)))
        for (const lines of shown) if (lines.length > 0) expect(lines.at(-1)).toBe(10)
        expect(Buffer.concat([...shown, buffer.flush()])).toEqual(Buffer.concat(pieces))
      }),
    )
  })

  it('cut a very long line at the boundary between two characters', () => {
    const buffer = new LineBuffer()
    const text = 'ä€😀'.repeat(20_000)
    const bytes = Buffer.from(text)
    const shown: string[] = []
    for (let at = 0; at < bytes.length; at += 4096) {
      const lines = buffer.push(bytes.subarray(at, at + 4096))
      if (lines.length > 0) shown.push(lines.toString())
    }
    expect(shown.length).toBeGreaterThan(1)
    expect(shown.join('') + buffer.flush().toString()).toBe(text)
    expect(shown.join('')).not.toContain('�')
  })
})
