import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {
  createClient,
  type EventNotice,
  fireDurable,
  fireEvent,
  followDurable,
  followEvents,
  type UserEvent,
} from '../../../src/index.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy, type RealAnswer, type ScriptedAnswer} from '../../kit/http-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-follow-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

const payloadOf = ({payload}: UserEvent): string => payload?.toString() ?? ''

describe.each(backends)('followEvents on $name', backend => {
  const agent = sharedAgent(backend)

  it('yields the events of one name that are fired after `ready`, in order, and none that were fired before', async () => {
    await using client = createClient({address: agent.address})
    await fireEvent(client, 'f-order', {payload: Buffer.from('before')})
    await waitUntil(async () => (await client.event.list({name: 'f-order'})).value.length === 1, {what: 'the event'})
    await using events = followEvents(client, {name: 'f-order'})
    await events.ready
    await fireEvent(client, 'f-other')
    for (const n of [1, 2, 3]) await fireEvent(client, 'f-order', {payload: Buffer.from(`${n}`)})
    const seen: string[] = []
    for await (const event of events) {
      seen.push(payloadOf(event))
      if (seen.length === 3) break
    }
    expect(seen.toSorted()).toEqual(['1', '2', '3'])
    expect(await events.next()).toEqual({done: true, value: undefined})
  })

  it('continues where it ended if it has a state file, and repeats an event that the loop did not finish', async () => {
    await using client = createClient({address: agent.address})
    const stateFile = join(directory, `${backend.name}.state`)
    const read = async (leaveAt: string, signal?: AbortSignal): Promise<string[]> => {
      const seen: string[] = []
      const stop = new AbortController()
      await using events = followEvents(client, {name: 'f-state', stateFile, signal: signal ?? stop.signal})
      await events.ready
      if (leaveAt === 'b')
        for (const text of ['a', 'b']) await fireEvent(client, 'f-state', {payload: Buffer.from(text)})
      for await (const event of events) {
        seen.push(payloadOf(event))
        if (seen.length < 2) continue
        // The first stream leaves its second event unfinished; the second stream finishes that event.
        if (leaveAt === 'b') break
        stop.abort()
      }
      return seen
    }
    const first = await read('b')
    await fireEvent(client, 'f-state', {payload: Buffer.from('c')})
    const second = await read('c')
    expect([first.toSorted(), second]).toEqual([
      ['a', 'b'],
      [first[1], 'c'],
    ])
    const over = new AbortController()
    await using third = followEvents(client, {name: 'f-state', stateFile, signal: over.signal})
    await third.ready
    over.abort()
    expect(await third.next()).toEqual({done: true, value: undefined})
  })

  it('requests no further events while too many are unread, and afterwards reports that events may have been missed', async () => {
    await using client = createClient({address: agent.address})
    await using proxy = await HttpProxy.start(agent.address)
    await using reader = createClient({address: proxy.address})
    let most = 0
    const countSlow = (answer: RealAnswer): ScriptedAnswer => {
      most = Math.max(most, answer.body.toString().split('"f-slow"').length - 1)
      const {'x-consul-index': index = ''} = answer.headers
      return {status: answer.status, headers: {'x-consul-index': String(index)}, body: answer.body}
    }
    proxy.on({path: '/v1/event/list'}, {rewrite: countSlow})
    const notices: EventNotice[] = []
    await using events = followEvents(reader, {
      name: 'f-slow',
      maxWaiting: 2,
      observer: notice => notices.push(notice),
    })
    await events.ready
    for (let n = 0; n < 8; n += 1) await fireEvent(client, 'f-slow', {payload: Buffer.from('early')})
    await events.next()
    // The reader has received one of three events. The other two are unread, so no more events are requested from the
    // agent.
    await waitUntil(() => most >= 3, {what: 'too many events to wait'})
    for (let n = 0; n < 300; n += 1) await client.event.fire('f-noise', Buffer.from(''))
    await fireEvent(client, 'f-slow', {payload: Buffer.from('last')})
    await waitUntil(async () => (await client.event.list()).value.filter(({name}) => name !== 'f-noise').length === 1, {
      what: 'the noise to push all others out',
    })
    let count = 1
    for await (const event of events) {
      count += 1
      if (payloadOf(event) === 'last') break
    }
    expect(notices.filter(({type}) => type === 'events.missed')).toMatchObject([{reason: 'overflow'}])
    expect(count).toBeLessThanOrEqual(9)
  })

  it('rejects `ready` and the loop with the error if the state file cannot be used', async () => {
    await using client = createClient({address: agent.address})
    const events = followEvents(client, {stateFile: join(directory, 'absent', 'state')})
    await expect(events.ready).rejects.toThrow(/cannot be created/)
    await expect(events.next()).rejects.toThrow(/cannot be created/)
    expect(await events.next()).toEqual({done: true, value: undefined})
  })

  it('yields the events of a durable log from its beginning, even those that were fired while no stream was open', async () => {
    await using client = createClient({address: agent.address})
    const stateFile = join(directory, `${backend.name}.log`)
    const fire = (text: string): Promise<unknown> => fireDurable(client, 'f-log', {payload: Buffer.from(text)})
    const readTo = async (last: string): Promise<string[]> => {
      const seen: string[] = []
      const stop = new AbortController()
      for await (const event of followDurable(client, 'f-log', {from: 'earliest', stateFile, signal: stop.signal})) {
        seen.push(payloadOf(event))
        if (payloadOf(event) === last) stop.abort()
      }
      return seen
    }
    await fire('1')
    await fire('2')
    expect(await readTo('2')).toEqual(['1', '2'])
    await fire('3')
    expect(await readTo('3')).toEqual(['3'])
  })
})
