import {describe, expect, it} from 'vitest'
import {type HistoryEntry, judgeHistory} from '../../kit/history.js'

const entries = (text: string): HistoryEntry[] =>
  text.split(',').map((word, index) => {
    const [what, id] = word.trim().split(' ')
    return {what: what as HistoryEntry['what'], id: id!, ns: BigInt(index)}
  })

describe('judgeHistory', () => {
  it('accepts one after the other', () => {
    const verdict = judgeHistory(entries('start a, beat a, end a, start b, end b'))
    expect(verdict).toEqual({order: ['a', 'b'], finished: ['a', 'b'], unfinished: [], peak: 1})
  })

  it('sees two inside together', () => {
    expect(() => judgeHistory(entries('start a, start b, end a, end b'))).toThrow(/a, b were inside together/)
  })

  it('lets a killed holder end with its last beat', () => {
    const verdict = judgeHistory(entries('start a, beat a, start b, end b'))
    expect(verdict).toMatchObject({unfinished: ['a'], finished: ['b']})
  })

  it('sees a holder that should have been killed and still beats', () => {
    expect(() => judgeHistory(entries('start a, beat a, start b, beat a, end b'))).toThrow(/inside together/)
  })

  it('allows as many as a semaphore does, and no more', () => {
    expect(judgeHistory(entries('start a, start b, end a, start c, end b, end c'), 2).peak).toBe(2)
    expect(() => judgeHistory(entries('start a, start b, start c, end a, end b, end c'), 2)).toThrow(/2 allowed/)
  })

  it('reports a clash of exclusive files even where the lines look fine', () => {
    expect(() => judgeHistory(entries('start a, end a, start b, clash b, end b'))).toThrow(/b found the exclusive file/)
  })
})
