import {describe, expect, it} from 'vitest'
import {noopLogger} from '../../../src/core/log.js'
import {systemClock} from '../../../src/core/time/clock.js'
import type {LogFields, Logger} from '../../../src/core/types.js'
import {runWorkers, type Worker} from '../../../src/serve/lifecycle.js'

function setUp() {
  const lines: string[] = []
  const note = (_fields: LogFields, message: string): void => {
    lines.push(message)
  }
  const logger: Logger = {...noopLogger, info: note, warn: (_fields, message) => lines.push(`! ${message}`)}
  const stop = new AbortController()
  const worker = (name: string, parts: Partial<Worker> = {}): Worker => ({
    texts: {starting: `start ${name}`, started: `${name} runs`, stopping: `stop ${name}`, stopped: `${name} stopped`},
    start: async () => undefined,
    stop: async () => {},
    ...parts,
  })
  const run = (workers: readonly Worker[], graceMs = 1000): Promise<void> =>
    runWorkers(workers, {signal: stop.signal, logger, clock: systemClock, graceMs})
  return {lines, stop, worker, run}
}

describe('runWorkers', () => {
  it('stops workers one after another, in the reverse order of their start', async () => {
    const {lines, stop, worker, run} = setUp()
    const slow = worker('b', {
      start: async () => {
        stop.abort()
        return undefined
      },
      stop: async () => {
        await systemClock.sleep(5)
        lines.push('b is really gone')
      },
    })
    await run([worker('a'), slow])
    expect(lines).toEqual([
      'starting up',
      ...['start a', 'a runs', 'start b', 'b runs'],
      'shutting down',
      ...['stop b', 'b is really gone', 'b stopped', 'stop a', 'a stopped'],
      'stopped',
    ])
  })

  it("stops the running workers if a later one cannot start, and rejects with that worker's error", async () => {
    const {lines, worker, run} = setUp()
    const broken = worker('b', {start: () => Promise.reject(new Error('port in use'))})
    await expect(run([worker('a'), broken, worker('c')])).rejects.toThrow('port in use')
    expect(lines).toEqual([
      'starting up',
      ...['start a', 'a runs', 'start b'],
      'shutting down',
      ...['stop a', 'a stopped'],
      'stopped',
    ])
  })

  it('stops all workers if one of them fails', async () => {
    const {lines, worker, run} = setUp()
    const failing = worker('a', {ended: () => Promise.reject(new Error('broken'))})
    await expect(run([failing, worker('b')])).rejects.toThrow('broken')
    expect(lines.slice(-6)).toEqual(['shutting down', 'stop b', 'b stopped', 'stop a', 'a stopped', 'stopped'])
  })

  it('stops the other workers even if one hangs or fails to stop', async () => {
    const {lines, stop, worker, run} = setUp()
    const hanging = worker('b', {stop: () => new Promise(() => {})})
    const failing = worker('c', {
      start: async () => {
        stop.abort()
        return undefined
      },
      stop: () => Promise.reject(new Error('no')),
    })
    await run([worker('a'), hanging, failing], 20)
    expect(lines.slice(-7)).toEqual([
      'stop c',
      '! c stopped',
      'stop b',
      '! b stopped',
      'stop a',
      'a stopped',
      'stopped',
    ])
  })

  it('starts no worker if the signal is already aborted', async () => {
    const {lines, stop, worker, run} = setUp()
    stop.abort()
    await run([worker('a')])
    expect(lines).toEqual(['starting up', 'shutting down', 'stopped'])
  })
})
