import {describe, expect, it} from 'vitest'
import {MappingMonitor} from '../../../src/replicate/status/monitor.js'
import type {ReplicationPass} from '../../../src/replicate/types.js'
import {FakeClock} from '../../kit/fake-clock.js'

const mapping = {source: 'a/', datacenter: 'dc1', destination: 'b/'}
const pass = (more: Partial<ReplicationPass> = {}): ReplicationPass => ({
  mapping,
  index: 7n,
  written: 0,
  deleted: 0,
  unchanged: 0,
  skipped: 0,
  unreadable: [],
  drifted: [],
  hidden: 0,
  held: [],
  refused: [],
  error: undefined,
  durationMs: 3,
  ...more,
})

async function open() {
  const clock = new FakeClock()
  const monitor = new MappingMonitor(mapping, clock)
  const finish = (given: ReplicationPass, isWhole = given.error === undefined) => {
    monitor.passed(given, 3)
    monitor.ended(isWhole)
  }
  monitor.moved()
  monitor.began()
  finish(pass())
  const afterMs = (ms: number) => clock.advance(ms)
  return {monitor, clock, finish, afterMs}
}

describe('the status of a mapping', () => {
  it('is `starting` until the first complete replication pass', () => {
    const monitor = new MappingMonitor(mapping, new FakeClock())
    expect(monitor.status()).toMatchObject({state: 'starting', currentAtMs: undefined, equalAtMs: undefined})
    monitor.began()
    monitor.ended(false)
    expect(monitor.status().state).toBe('starting')
  })

  it('shows a lag since the first change that no complete replication pass has copied', async () => {
    const {monitor, finish, afterMs} = await open()
    expect(monitor.status()).toMatchObject({state: 'current', lagMs: 0})
    monitor.moved()
    await afterMs(100)
    monitor.moved()
    monitor.began()
    await afterMs(50)
    expect(monitor.status()).toMatchObject({state: 'behind', lagMs: 150})
    monitor.moved()
    await afterMs(10)
    finish(pass())
    expect(monitor.status(), 'a change during the pass waits for the next one').toMatchObject({lagMs: 10})
    monitor.began()
    finish(pass({error: new Error('cut')}))
    expect(monitor.status()).toMatchObject({state: 'behind', lagMs: 10, failedPasses: 1})
    monitor.began()
    finish(pass())
    expect(monitor.status()).toMatchObject({state: 'current', lagMs: 0})
  })

  it('if Consul does not answer, shows a lag since the time at which everything was last known to be copied', async () => {
    const {monitor, clock, afterMs} = await open()
    const copiedAtMs = clock.wallMs()
    await afterMs(20_000)
    monitor.failed('source', new Error('refused\n  twice'))
    expect(monitor.status(), 'a short failure is not shown').toMatchObject({state: 'current', lagMs: 0})
    await afterMs(5000)
    expect(monitor.status()).toMatchObject({
      state: 'retrying',
      lagMs: 25_000,
      currentAtMs: copiedAtMs,
      retrying: {part: 'source', sinceMs: copiedAtMs + 20_000, reason: 'refused twice'},
    })
    monitor.answered('source')
    expect(monitor.status()).toMatchObject({
      state: 'current',
      lagMs: 0,
      retrying: undefined,
      currentAtMs: clock.wallMs(),
    })
  })

  it('stays `retrying` while the source does not answer, even if a replication pass succeeds', async () => {
    const {monitor, clock, finish, afterMs} = await open()
    monitor.answered('source')
    const answeredAtMs = clock.wallMs()
    monitor.failed('source', new Error('refused'))
    await afterMs(5000)
    monitor.began()
    finish(pass())
    expect(monitor.status()).toMatchObject({state: 'retrying', lagMs: 5000, currentAtMs: answeredAtMs})
  })

  it('keeps the time at which source and destination were last equal while deletes are held back, or keys are refused or hidden', async () => {
    const {monitor, clock, finish, afterMs} = await open()
    const equalAtMs = clock.wallMs()
    const held = [{id: '1', reason: 'limit', isKept: true, count: 4, sample: [], message: ''}] as const
    for (const left of [{held}, {refused: [{key: 'b/x', reason: ''}]}, {hidden: 1}]) {
      await afterMs(1000)
      monitor.began()
      finish(pass(left))
      expect(monitor.status()).toMatchObject({state: 'current', equalAtMs, currentAtMs: clock.wallMs()})
    }
    expect(monitor.status()).toMatchObject({hidden: 1, held: 0, keys: 3, index: 7n})
    monitor.began()
    finish(pass())
    expect(monitor.status().equalAtMs).toBe(clock.wallMs())
  })

  it('is reported on each change of its state, but not after each replication pass', async () => {
    const {monitor, finish, afterMs} = await open()
    let turns = 0
    monitor.onTurn = () => {
      turns += 1
    }
    for (const left of [{}, {}, {hidden: 1}, {hidden: 2}, {}]) {
      monitor.began()
      finish(pass(left))
    }
    expect(turns).toBe(2)
    monitor.failed('source', new Error('x'))
    expect(turns, 'it may be over soon').toBe(2)
    await afterMs(2000)
    monitor.failed('source', new Error('x'))
    monitor.failed('source', new Error('x'))
    expect(turns).toBe(3)
    monitor.answered('source')
    expect(turns).toBe(4)
  })
})
