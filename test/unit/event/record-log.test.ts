import {readFileSync, writeFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {RecordLog} from '../../../src/event/intake/record-log.js'
import {temporaryDirectory} from './support.js'

const path = temporaryDirectory()

describe('the log file of records', () => {
  it('keeps records in the order in which they were appended', async () => {
    const {log} = await RecordLog.open(path('order'))
    await Promise.all(Array.from({length: 50}, (_, n) => log.append([{n}])))
    await log[Symbol.asyncDispose]()
    const again = await RecordLog.open(path('order'))
    expect(again.records).toEqual(Array.from({length: 50}, (_, n) => ({n})))
    await again.log[Symbol.asyncDispose]()
  })

  it('removes an incomplete last line, and appends new records after the last complete line', async () => {
    writeFileSync(path('torn'), '{"n":1}\n{"n":2}\n{"n":"hal')
    const {log, records} = await RecordLog.open(path('torn'))
    expect(records).toEqual([{n: 1}, {n: 2}])
    await log.append([{n: 3}])
    await log[Symbol.asyncDispose]()
    expect(readFileSync(path('torn'), 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n')
  })

  it('can be opened after a crash has cut it off at any byte, and keeps every complete line', async () => {
    const whole = '{"n":1}\n{"n":"zwei é"}\n{"n":3}\n'
    const bytes = Buffer.from(whole)
    for (let length = 0; length <= bytes.length; length += 1) {
      writeFileSync(path('cut'), bytes.subarray(0, length))
      const {log, records} = await RecordLog.open(path('cut'))
      await log[Symbol.asyncDispose]()
      expect(records).toHaveLength(bytes.subarray(0, length).toString().split('\n').length - 1)
    }
  })

  it('cannot be opened if a line in the middle is invalid, which the error names', async () => {
    writeFileSync(path('broken'), '{"n":1}\nnonsense\n{"n":3}\n')
    await expect(RecordLog.open(path('broken'))).rejects.toThrow(/line 2 is not readable/)
  })

  it('is rewritten after pending appends, and later records are appended', async () => {
    const {log} = await RecordLog.open(path('rewrite'))
    const appends = [log.append([{n: 1}]), log.append([{n: 2}])]
    const rewrite = log.rewrite(() => [{n: 'all'}])
    const later = log.append([{n: 3}])
    await Promise.all([...appends, rewrite, later])
    await log[Symbol.asyncDispose]()
    const text = readFileSync(path('rewrite'), 'utf8')
    expect(text.startsWith('{"n":"all"}\n')).toBe(true)
    expect(log.lines).toBe(text.split('\n').length - 1)
  })

  it('rejects every append after one that could not be written', async () => {
    const {log} = await RecordLog.open(path('gone'))
    await log[Symbol.asyncDispose]()
    await expect(log.append([{n: 1}])).rejects.toThrow(/gone: cannot be written/)
    await expect(log.append([{n: 2}])).rejects.toThrow(/gone: cannot be written/)
  })
})
