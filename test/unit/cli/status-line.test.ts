import {describe, expect, it} from 'vitest'
import {StatusLine} from '../../../src/cli/status-line.js'

function setUp(columns: number) {
  const written: string[] = []
  const stream = {isTTY: true, columns, write: (text: string) => written.push(text)}
  return {stream, written, line: new StatusLine(stream)}
}

describe('a status line', () => {
  it('is erased before it is redrawn, and removed at the end', () => {
    const {written, line} = setUp(80)
    line.draw('a', ' 1')
    line.draw('a', ' 2')
    line.clear()
    line.clear()
    expect(written).toEqual(['\r\u001b[Ja 1', '\r\u001b[Ja 2', '\r\u001b[J'])
  })

  it('loses the middle of its text, but none of its numbers, on a narrow terminal', () => {
    const {written, line} = setUp(20)
    line.draw('waiting for a/long/name', ' for 4m12s')
    expect(written).toEqual(['\r\u001b[Jwai...ame for 4m12s'])
  })

  it('counts a wide character as two columns', () => {
    const {written, line} = setUp(14)
    line.draw('\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e', ' for 1s')
    expect(written).toEqual(['\r\u001b[J\u65e5... for 1s'])
  })

  it('erases all of its rows if the terminal has become narrower', () => {
    const {stream, written, line} = setUp(80)
    line.draw('x'.repeat(70), '')
    stream.columns = 40
    line.draw('y', '')
    expect(written[1]).toBe('\u001b[1A\r\u001b[Jy')
  })

  it('escapes control characters', () => {
    const {written, line} = setUp(80)
    line.draw('held by \u001b[2Jx', '')
    expect(written).toEqual(['\r\u001b[Jheld by \\x1b[2Jx'])
  })
})
