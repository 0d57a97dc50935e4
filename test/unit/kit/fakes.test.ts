import {describe, expect, it} from 'vitest'
import {FakeClock} from '../../kit/fake-clock.js'
import {FakeTransport} from '../../kit/fake-transport.js'
import {waitUntil} from '../../kit/wait-until.js'

describe('FakeClock', () => {
  it('runs timers in the order of their times, including timers that other timers have set', async () => {
    const clock = new FakeClock()
    const log: string[] = []
    const note = (what: string): void => void log.push(`${what}@${clock.monotonicMs()}`)
    clock.timer(30, () => note('late'))
    clock.timer(10, () => clock.timer(5, () => note('nested')))
    const sleeper = async (): Promise<void> => {
      await clock.sleep(20)
      note('slept')
      await clock.sleep(20)
      note('slept again')
    }
    void sleeper()
    await clock.advance(40)
    expect(log).toEqual(['nested@15', 'slept@20', 'late@30', 'slept again@40'])
    expect(clock.pendingCount).toBe(0)
  })

  it('runs neither disposed timers nor aborted sleeps', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const sleeping = clock.sleep(10, stop.signal)
    clock.timer(10, () => expect.unreachable())[Symbol.dispose]()
    stop.abort(new Error('enough'))
    await expect(sleeping).rejects.toThrow('enough')
    expect(clock.pendingCount).toBe(0)
  })

  it('distinguishes a stopped process from a suspended machine', async () => {
    const clock = new FakeClock(0, 0)
    let ran = false
    clock.timer(10, () => (ran = true))
    clock.jump(1000)
    expect([clock.monotonicMs(), clock.wallMs()]).toEqual([0, 1000])
    clock.stop(500)
    expect([clock.monotonicMs(), clock.wallMs(), ran]).toEqual([500, 1500, false])
    await clock.advance(0)
    expect(ran).toBe(true)
  })
})

describe('FakeTransport', () => {
  const request = {method: 'GET', path: '/v1/x', timeoutMs: 1000, plane: 'control'} as const

  it('answers with the result of its function, and records the requests', async () => {
    const transport = new FakeTransport((_, index) => ({status: 200 + index, headers: {'X-A': '1'}, body: {n: 1}}))
    const answer = await transport.send(request)
    expect([answer.status, answer.headers.get('x-a'), answer.body.toString()]).toEqual([200, '1', '{"n":1}'])
    expect(transport.requests).toHaveLength(1)
    await expect(new FakeTransport(() => new Error('down')).send(request)).rejects.toThrow('down')
  })

  it("keeps a request open until the request's signal aborts or its deadline passes", async () => {
    const clock = new FakeClock()
    const transport = new FakeTransport(() => 'hang', {clock})
    const stop = new AbortController()
    const aborted = transport.send({...request, signal: stop.signal})
    const expired = transport.send(request)
    expect(transport.parked).toBe(2)
    stop.abort(new Error('stop'))
    await expect(aborted).rejects.toThrow('stop')
    const failure = expect(expired).rejects.toMatchObject({code: 'BATON_TIMEOUT'})
    await clock.advance(1000)
    await failure
    expect([transport.parked, clock.pendingCount]).toEqual([0, 0])
  })
})

describe('waitUntil', () => {
  it('reports the condition, the last error and the given facts after a timeout', async () => {
    const failing = (): never => {
      throw new Error('no answer')
    }
    await expect(
      waitUntil(failing, {what: 'godot', timeoutMs: 20, intervalMs: 5, detail: () => 'a tree'}),
    ).rejects.toThrow('timed out after 20 ms waiting for godot\nlast error: no answer\na tree')
  })
})
