import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {TransportError} from '../../../src/core/errors.js'
import {EventState} from '../../../src/event/intake/event-state.js'
import type {EventNotice} from '../../../src/event/notices.js'
import {watchEvents} from '../../../src/event/ring/watcher.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {FakeTransport} from '../../kit/fake-transport.js'
import {waitUntil} from '../../kit/wait-until.js'

function start() {
  const clock = new FakeClock()
  const stop = new AbortController()
  const sentAtMs: number[] = []
  const notices: string[] = []
  let isDown = false
  let port = 40_000
  const transport = new FakeTransport(
    ({path}) => {
      sentAtMs.push(clock.monotonicMs())
      if (isDown) return new TransportError('BATON_CONNECT', `dial tcp 127.0.0.1:${(port += 1)}: connection refused`)
      return !path.includes('index=') ? {headers: {'X-Consul-Index': '7'}, body: []} : 'hang'
    },
    {clock},
  )
  const observer = (notice: EventNotice): void => void notices.push(notice.type)
  const watching = watchEvents(createClient({transport, clock, random: () => 1}), {
    state: EventState.inMemory({datacenter: 'dc1', node: 'n1'}),
    signal: stop.signal,
    handle: async () => {},
    handleDead: async () => {},
    observer,
  })
  return {clock, stop, notices, sentAtMs, watching, setDown: (down: boolean) => void (isDown = down)}
}

describe('a watch of events during an outage', () => {
  it('retries at least every 5 seconds, and reports the beginning and the end of the outage once each', async () => {
    const {clock, stop, notices, sentAtMs, watching, setDown} = start()
    await waitUntil(() => notices.length > 0, {what: 'the first list'})
    expect(notices).toEqual(['watch.started'])
    setDown(true)
    await clock.advance(180_000)
    const asked = sentAtMs.filter(at => at > 70_000)
    const gaps = asked.slice(1).map((at, n) => at - (asked[n] ?? at))
    expect(gaps.length).toBeGreaterThan(15)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5000)
    expect(notices).toEqual(['watch.started', 'outage.began'])
    setDown(false)
    await clock.advance(5000)
    expect(notices).toEqual(['watch.started', 'outage.began', 'outage.ended'])
    stop.abort(new Error('enough'))
    await watching
  })
})
