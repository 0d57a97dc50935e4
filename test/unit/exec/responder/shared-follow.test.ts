import {beforeEach, describe, expect, it} from 'vitest'
import {UsageError} from '../../../../src/core/errors.js'
import {noopLogger} from '../../../../src/core/log.js'
import {followShared} from '../../../../src/exec/responder/shared-follow.js'
import {FakeClock, settle} from '../../../kit/fake-clock.js'
import {ScriptedQuery} from '../../core/support/scripted-query.js'

interface Reader {
  readonly got: string[]
  readonly stop: AbortController
  readonly ended: Promise<unknown>
}

describe('responders of one client that follow the same query', () => {
  let script: ScriptedQuery<string>
  let context: {clock: FakeClock; random: () => number; logger: typeof noopLogger}

  beforeEach(() => {
    const clock = new FakeClock()
    context = {clock, random: () => 0.5, logger: noopLogger}
    script = new ScriptedQuery<string>(clock, {})
  })

  function read(): Reader {
    const got: string[] = []
    const stop = new AbortController()
    const run = async (): Promise<void> => {
      for await (const value of followShared(script.query, context, stop.signal)) got.push(value)
    }
    return {got, stop, ended: run().catch((error: unknown) => error)}
  }

  it('share one request, and each receives every newest answer', async () => {
    const [first, second] = [read(), read()]
    await settle()
    expect(script.requests).toHaveLength(1)
    script.last.answer(5n, 'a')
    await settle()
    const late = read()
    await settle()
    expect(script.requests).toHaveLength(2)
    script.last.answer(6n, 'b')
    await settle()
    expect([first.got, second.got, late.got]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(script.requests).toHaveLength(3)
    for (const {stop} of [first, second, late]) stop.abort('done')
    expect(await Promise.all([first, second, late].map(({ended}) => ended))).toEqual(['done', 'done', 'done'])
  })

  it('continue when one of them stops, and end the request when the last one stops', async () => {
    const [first, second] = [read(), read()]
    await settle()
    script.last.answer(5n, 'a')
    await settle()
    first.stop.abort('done')
    await first.ended
    expect(script.last.isOpen).toBe(true)
    script.last.answer(6n, 'b')
    await settle()
    expect([first.got, second.got]).toEqual([['a'], ['a', 'b']])
    second.stop.abort('done')
    await second.ended
    expect(script.last.isOpen).toBe(false)

    const next = read()
    await settle()
    script.last.answer(7n, 'c')
    await settle()
    expect(next.got).toEqual(['c'])
    next.stop.abort('done')
    await next.ended
  })

  it('all fail if the query cannot be read, and the next one reads it again', async () => {
    const [first, second] = [read(), read()]
    await settle()
    const error = new UsageError('no such key')
    script.last.fail(error)
    expect(await Promise.all([first.ended, second.ended])).toEqual([error, error])
    const next = read()
    await settle()
    script.last.answer(5n, 'a')
    await settle()
    expect(next.got).toEqual(['a'])
    next.stop.abort('done')
    await next.ended
  })
})
