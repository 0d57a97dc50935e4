import {appendFile, mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, expect, it} from 'vitest'
import {openReplayStore} from '../../../../src/exec/native/replay-store.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'replay-'))
})
afterEach(() => rm(directory, {recursive: true}))

it('the record of jobs still contains started jobs after a restart', async () => {
  {
    await using store = await openReplayStore(directory, 0)
    expect(store.has('a')).toBe(false)
    await store.begin('a', 1000)
    expect(store.has('a')).toBe(true)
    expect(await readFile(join(directory, 'replay.jsonl'), 'utf8')).toBe('{"id":"a","until":1000}\n')
  }
  await using again = await openReplayStore(directory, 500)
  expect(again.has('a')).toBe(true)
})

it('the record of jobs lists jobs that were started but not finished', async () => {
  {
    await using store = await openReplayStore(directory, 0)
    await store.begin('a', 1000)
    await store.begin('b', 1000)
    await store.finish('a')
  }
  await using again = await openReplayStore(directory, 0)
  expect([...again.unfinished]).toEqual(['b'])
})

it('the record of jobs drops expired jobs, except unfinished ones', async () => {
  {
    await using store = await openReplayStore(directory, 0)
    await store.begin('old', 1000)
    await store.finish('old')
    await store.begin('open', 1000)
    await store.begin('new', 3000)
    await store.finish('new')
  }
  await using again = await openReplayStore(directory, 2000)
  expect(['old', 'open', 'new'].map(id => again.has(id))).toEqual([false, true, true])
})

it('the record of jobs ignores an incomplete last line, which a crash may leave', async () => {
  {
    await using store = await openReplayStore(directory, 0)
    await store.begin('a', 1000)
  }
  await appendFile(join(directory, 'replay.jsonl'), '{"id":"b","un')
  await using again = await openReplayStore(directory, 0)
  expect([again.has('a'), again.has('b')]).toEqual([true, false])
  await again.begin('c', 1000)
  const text = await readFile(join(directory, 'replay.jsonl'), 'utf8')
  expect(text.split('\n')).toContain('{"id":"c","until":1000}')
})

it('the record of jobs rejects the start of a job if the record cannot be written', async () => {
  const store = await openReplayStore(directory, 0)
  await store[Symbol.asyncDispose]()
  await expect(store.begin('a', 1000)).rejects.toThrow()
})
