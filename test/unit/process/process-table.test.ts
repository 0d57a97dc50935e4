import {describe, expect, it} from 'vitest'
import {parseStat, readProcesses} from '../../../src/process/process-table.js'

describe('parseStat', () => {
  it("reads a line of /proc/PID/stat, whatever the command's name is", () => {
    expect(parseStat('42 (a) b (c)) S 7 42 40 0 -1 4194560 1 0 0 0 2 1 0 0 20 0 1 0 8807 24576')).toEqual({
      pid: 42,
      parent: 7,
      group: 42,
      session: 40,
      state: 'S',
      startedAt: 8807,
    })
  })

  it('returns undefined for text in any other format', () => {
    expect(parseStat('')).toBeUndefined()
  })
})

it('readProcesses finds the process that calls it', () => {
  expect(readProcesses().find(entry => entry.pid === process.pid)?.parent).toBe(process.ppid)
})
