import {readFileSync, writeFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {EventState} from '../../../src/event/intake/event-state.js'
import {temporaryDirectory, userEvent} from './support.js'

const path = temporaryDirectory()
const self = {datacenter: 'dc1', node: 'n1'}

/** Uses a state, closes its file, and opens the file again as the next process would. */
async function afterCrash(name: string, use: (state: EventState) => Promise<void>): Promise<EventState> {
  const state = await EventState.open(path(name), self)
  await use(state)
  await state[Symbol.asyncDispose]()
  return EventState.open(path(name), self)
}

describe('the state of an event handler', () => {
  it('records which events were received, started and finished', async () => {
    const full = userEvent('b', 2, {
      payload: Buffer.from([0, 255]),
      nodeFilter: 'n',
      serviceFilter: 's',
      tagFilter: 't',
    })
    await using state = await afterCrash('phases', async first => {
      expect(first.isNew).toBe(true)
      await first.take([userEvent('a', 1), full, userEvent('c', 3)])
      await first.start(['a', 'b'])
      await first.finish(['a'], 'done')
      await first.finish(['old'], 'seen')
      await first.begin()
    })
    expect(state.isNew).toBe(false)
    expect(['a', 'b', 'c', 'old', 'new'].map(id => state.has(id))).toEqual([true, true, true, true, false])
    expect(state.pending()).toEqual([
      {event: full, isRestarted: true},
      {event: userEvent('c', 3), isRestarted: false},
    ])
  })

  it('counts as new until the first list of events has been recorded', async () => {
    await using ended = await afterCrash('unbegun', first => first.finish(['a'], 'seen'))
    expect(ended.isNew).toBe(true)
    writeFileSync(path('older'), '{"kind":"baton-event-state","v":1,"dc":"dc1","node":"n1"}\n')
    await using older = await EventState.open(path('older'), self)
    expect(older.isNew).toBe(false)
  })

  it('if it belongs to a durable log, can be used with any agent of the datacenter, but not with another log', async () => {
    const log = (name: string) => EventState.open(path('log'), {datacenter: 'dc1', node: '', log: name})
    await (await log('deploy'))[Symbol.asyncDispose]()
    await (await log('deploy'))[Symbol.asyncDispose]()
    await expect(log('other')).rejects.toThrow(/belongs to the log of deploy in dc1, not to the log of other in dc1/)
    await expect(EventState.open(path('log'), self)).rejects.toThrow(/not to agent n1 in dc1/)
  })

  it('accepts any string as the ID of an event', async () => {
    const odd = '"}\n{"i":"x'
    await using state = await afterCrash('odd', first => first.take([userEvent(odd, 1)]))
    expect(state.pending().map(item => item.event.id)).toEqual([odd])
  })

  it('cannot be opened by two watches at the same time', async () => {
    await using _state = await EventState.open(path('lock'), self)
    await expect(EventState.open(path('lock'), self)).rejects.toThrow(`in use by process ${process.pid}`)
  })

  it('cannot be opened from the file of another agent or a later version, or from any other file', async () => {
    await using _state = await afterCrash('mine', async () => {})
    await _state[Symbol.asyncDispose]()
    await expect(EventState.open(path('mine'), {datacenter: 'dc1', node: 'n2'})).rejects.toThrow(
      /belongs to agent n1 in dc1, not to agent n2 in dc1/,
    )
    writeFileSync(path('later'), '{"kind":"baton-event-state","v":2,"dc":"dc1","node":"n1"}\n')
    await expect(EventState.open(path('later'), self)).rejects.toThrow(/has version 2/)
    writeFileSync(path('other'), '{"name":"package"}\n')
    await expect(EventState.open(path('other'), self)).rejects.toThrow(/is not an event state file/)
    await expect(EventState.open(path('no/such/place'), self)).rejects.toThrow(/cannot be created: ENOENT/)
  })

  it('ignores unknown fields and records', async () => {
    const lines = [
      '{"kind":"baton-event-state","v":1,"dc":"dc1","node":"n1","later":true}',
      '{"i":"a","s":"take","e":{"n":"x","lt":"7","v":1,"more":1},"t":5}',
      '{"note":"hello"}',
    ]
    writeFileSync(path('fields'), `${lines.join('\n')}\n`)
    await using state = await EventState.open(path('fields'), self)
    expect(state.pending().map(({event}) => [event.id, event.lTime])).toEqual([['a', 7n]])
  })

  it('drops the oldest of more than 1024 IDs, except those that are still listed or unfinished', async () => {
    const state = EventState.inMemory(self)
    await state.take([userEvent('open', 1)])
    await state.finish(
      Array.from({length: 1500}, (_, n) => `e${n}`),
      'done',
    )
    await state.prune(new Set(['e0', 'e7']))
    expect(state.size).toBe(1027)
    expect(['open', 'e0', 'e7', 'e1', 'e475', 'e476', 'e1499'].map(id => state.has(id))).toEqual([
      true,
      true,
      true,
      false,
      false,
      true,
      true,
    ])
  })

  it('keeps recent IDs even if an older answer arrives late and its list lacks these IDs', async () => {
    await using state = EventState.inMemory(self)
    const ids = Array.from({length: 3000}, (_, n) => `e${n}`)
    await state.finish(ids, 'done')
    await state.prune(new Set(ids))
    await state.prune(new Set(ids.slice(0, -500)))
    await state.prune(new Set(ids))
    expect(ids.filter(id => !state.has(id))).toEqual([])
  })

  it('rewrites its file without losing unhandled events', async () => {
    await using state = await afterCrash('compact', async first => {
      for (let round = 0; round < 40; round += 1) {
        const ids = Array.from({length: 100}, (_, n) => `r${round}-${n}`)
        await first.take(ids.map((id, n) => userEvent(id, n)))
        await first.start(ids)
        await first.finish(ids, 'done')
        await first.prune(new Set())
      }
      await first.take([userEvent('open', 1), userEvent('begun', 2)])
      await first.start(['begun'])
    })
    expect(state.pending().map(({event, isRestarted}) => [event.id, isRestarted])).toEqual([
      ['open', false],
      ['begun', true],
    ])
    expect(state.has('r39-99')).toBe(true)
    expect(readFileSync(path('compact'), 'utf8').split('\n').length).toBeLessThan(6000)
  })
})
