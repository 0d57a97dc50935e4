import {describe, expect, it} from 'vitest'
import {createJobId} from '../../../../src/exec/native/delivery.js'
import {jobLimit, selectJobs} from '../../../../src/exec/responder/job-list.js'

const now = Date.parse('2026-01-01')

describe('the jobs that a responder looks at', () => {
  it('are those whose names are job IDs, the newest first', () => {
    const [old, newer] = [createJobId(now - 2000), createJobId(now - 1000)]
    expect(selectJobs([old, '.standing', 'junk', newer], now)).toEqual({ids: [newer, old], ignoredCount: 0})
  })

  it('are looked at last if their IDs are from the future', () => {
    const [future, past] = [createJobId(now + 60_000), createJobId(now)]
    expect(selectJobs([future, past], now).ids).toEqual([past, future])
  })

  it('are limited in number, so that junk of the past and of the future displaces no new job', () => {
    const junk = Array.from({length: jobLimit}, (_, at) => [createJobId(now - 1000 - at), createJobId(now + 1000 + at)])
    const job = createJobId(now)
    const {ids, ignoredCount} = selectJobs([...junk.flat(), job], now)
    expect(ids[0]).toBe(job)
    expect([ids.length, ignoredCount]).toEqual([jobLimit, jobLimit + 1])
  })
})
