import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {openDirectory, readList} from '../../../src/discover/open.js'
import {fireDurable} from '../../../src/event/durable/durable-fire.js'
import {pruneEvents} from '../../../src/event/durable/durable-prune.js'
import {watchDurable} from '../../../src/event/durable/durable-watch.js'
import {EventState} from '../../../src/event/intake/event-state.js'
import {fireEvent} from '../../../src/event/ring/fire.js'
import {watchEvents} from '../../../src/event/ring/watcher.js'
import {FakeTransport} from '../../kit/fake-transport.js'

const transport = new FakeTransport(() => new Error('a request was sent'))
const client = createClient({transport})
const watch = {
  state: EventState.inMemory({datacenter: 'dc1', node: 'n1'}),
  signal: new AbortController().signal,
  handle: async () => {},
  handleDead: async () => {},
}
const doors: Readonly<Record<string, (option: string, value: unknown) => Promise<unknown>>> = {
  watchEvents: (option, value) => watchEvents(client, {...watch, [option]: value}),
  watchDurable: (option, value) => watchDurable(client, 'a', {...watch, [option]: value}),
  fireEvent: (option, value) => fireEvent(client, 'a', {[option]: value}),
  fireDurable: (option, value) => fireDurable(client, 'a', {[option]: value}),
  pruneEvents: (option, value) => pruneEvents(client, 'a', {[option]: value} as unknown as {count: number}),
  openDirectory: (option, value) => openDirectory(client, {key: 'a'}, {[option]: value}),
  readList: (option, value) => readList(client, {[option]: value} as unknown as {key: string}),
}

describe('options of events and of service directories', () => {
  it.each<[string, string, unknown]>([
    ['watchEvents', 'concurrency', 0],
    ['watchEvents', 'concurrency', Number.NaN],
    ['watchEvents', 'retryCount', -1],
    ['watchEvents', 'retryDelayMs', '1s'],
    ['watchEvents', 'orderWindowMs', 1e20],
    ['watchEvents', 'afterCrash', 'again'],
    ['watchEvents', 'from', 'then'],
    ['watchEvents', 'coalesce', {periodMs: Number.NaN, quietMs: 1}],
    ['watchEvents', 'handle', undefined],
    ['watchEvents', 'signal', null],
    ['watchEvents', 'state', {}],
    ['watchDurable', 'retryDelayMs', Number.NaN],
    ['watchDurable', 'handleDead', 'no'],
    ['fireEvent', 'spillTtlMs', Number.NaN],
    ['fireEvent', 'spillTtlMs', 10],
    ['fireEvent', 'payload', 'text'],
    ['fireEvent', 'node', 7],
    ['fireDurable', 'payload', null],
    ['pruneEvents', 'count', 0],
    ['pruneEvents', 'count', 1.5],
    ['pruneEvents', 'ageMs', Number.NaN],
    ['pruneEvents', 'ageMs', Number.POSITIVE_INFINITY],
    ['openDirectory', 'waitMs', Number.NaN],
    ['openDirectory', 'freshConsistency', 'soon'],
    ['readList', 'key', ''],
    ['readList', 'services', 'web'],
  ])('are refused before any request if invalid (case: %s %s %j)', async (door, option, value) => {
    const error: unknown = await doors[door]!(option, value).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({code: 'BATON_USAGE', details: {option}})
    expect((error as Error).message).toContain(`${door}: expected the option \`${option}\` to be `)
    expect(transport.requests).toEqual([])
  })

  it('are refused if a directory has no source, or has two kinds of sources', async () => {
    await expect(openDirectory(client, {} as {key: string})).rejects.toMatchObject({code: 'BATON_USAGE'})
    await expect(openDirectory(client, {key: 'a', prefix: 'b'})).rejects.toMatchObject({code: 'BATON_USAGE'})
  })
})
