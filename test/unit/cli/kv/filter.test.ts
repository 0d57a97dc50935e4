import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {runFilter} from '../../../../src/cli/kv/filter.js'
import {systemClock} from '../../../../src/core/time/clock.js'
import {waitUntil} from '../../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-test-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

const run = (script: string, signal = new AbortController().signal): ReturnType<typeof runFilter> =>
  runFilter({
    argv: ['sh', '-c', script],
    env: {PATH: process.env['PATH'] ?? ''},
    input: Buffer.from('input'),
    stderr: process.stderr,
    clock: systemClock,
    signal,
  })

describe('a program that filters a value (`kv update`)', () => {
  it('receives the input, and its output and exit code are returned', async () => {
    const {exitCode, output, isEndless} = await run('cat; printf " more"; exit 3')
    expect([exitCode, output.toString(), isEndless]).toEqual([3, 'input more', false])
  })

  it('is stopped if its output does not end', async () => {
    expect(await run('exec yes')).toMatchObject({isEndless: true})
  })

  it('is stopped with all its descendants before an aborted call rejects', async () => {
    const [started, ended] = ['started', 'ended'].map(name => join(directory, name)) as [string, string]
    const helper = `trap 'sleep 0.2; : >${ended}; exit' TERM; : >${started}; while :; do sleep 0.05; done`
    const stop = new AbortController()
    const result = run(`(${helper}) >/dev/null 2>&1 & cat; sleep 100`, stop.signal)
    await waitUntil(() => existsSync(started), {what: 'the helper to start'})
    stop.abort(new Error('stopped'))
    await expect(result).rejects.toThrow('stopped')
    expect(existsSync(ended)).toBe(true)
  })
})
