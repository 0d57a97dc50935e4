import {describe, expect, it} from 'vitest'
import {createJobId} from '../../../../src/exec/native/job-id.js'
import {jobLimit, selectJobs} from '../../../../src/exec/responder/job-list.js'

const now = Date.parse('2026-01-01')

describe('the jobs that a responder examines', () => {
  it('are those whose keys have job IDs as names, newest first', () => {
    const [old, newer] = [createJobId(now - 2000), createJobId(now - 1000)]
    expect(selectJobs([old, '.standing', 'junk', newer], now)).toEqual({ids: [newer, old], ignoredCount: 0})
  })

  it('are examined last if the time in their ID is in the future', () => {
    const [future, past] = [createJobId(now + 60_000), createJobId(now)]
    expect(selectJobs([future, past], now).ids).toEqual([past, future])
  })

  it('are limited in number, and include a current job among many old and future jobs', () => {
    const junk = Array.from({length: jobLimit}, (_, at) => [createJobId(now - 1000 - at), createJobId(now + 1000 + at)])
    const job = createJobId(now)
    const {ids, ignoredCount} = selectJobs([...junk.flat(), job], now)
    expect(ids[0]).toBe(job)
    expect([ids.length, ignoredCount]).toEqual([jobLimit, jobLimit + 1])
  })
})
