import {describe, expect, it} from 'vitest'
import {type HistoryEntry, judgeHistory} from '../../kit/history.js'

const entries = (text: string): HistoryEntry[] =>
  text.split(',').map((word, index) => {
    const [what, id] = word.trim().split(' ')
    return {what: what as HistoryEntry['what'], id: id!, ns: BigInt(index)}
  })

describe('judgeHistory', () => {
  it('accepts holders that hold the lock one after another', () => {
    const verdict = judgeHistory(entries('start a, beat a, end a, start b, end b'))
    expect(verdict).toEqual({order: ['a', 'b'], finished: ['a', 'b'], unfinished: [], peak: 1})
  })

  it('reports two holders at the same time', () => {
    expect(() => judgeHistory(entries('start a, start b, end a, end b'))).toThrow(/a, b were inside together/)
  })

  it('counts a killed holder as ended at its last line', () => {
    const verdict = judgeHistory(entries('start a, beat a, start b, end b'))
    expect(verdict).toMatchObject({unfinished: ['a'], finished: ['b']})
  })

  it('reports a holder that still writes lines after the next holder has started', () => {
    expect(() => judgeHistory(entries('start a, beat a, start b, beat a, end b'))).toThrow(/inside together/)
  })

  it('allows as many holders of a semaphore as its limit', () => {
    expect(judgeHistory(entries('start a, start b, end a, start c, end b, end c'), 2).peak).toBe(2)
    expect(() => judgeHistory(entries('start a, start b, start c, end a, end b, end c'), 2)).toThrow(/2 allowed/)
  })

  it('reports a holder that found the exclusive file of another holder, even if the times of the two do not overlap', () => {
    expect(() => judgeHistory(entries('start a, end a, start b, clash b, end b'))).toThrow(/b found the exclusive file/)
  })
})
