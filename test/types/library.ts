/** Compiled by `npm run types`, never run. Each line shows a type that callers of the library may rely on. */
import {expectTypeOf} from 'vitest'
import {
  type Answer,
  type ConsulClient,
  type ConsulIndex,
  createClient,
  createViewRegistry,
  type KvEntry,
  type KvUpdateResult,
  kvPrefix,
  type PreparedQueryResult,
  preparedQuery,
  type Snapshot,
  type UserEvent,
  undiciTransport,
} from '../../src/library/client.js'
import {type DiscoveredService, openDirectory, readList, type ServiceDirectory} from '../../src/library/discover.js'
import {
  EventState,
  type EventStream,
  fireEvent,
  followDurable,
  followEvents,
  watchEvents,
} from '../../src/library/event.js'
import {createInitiator, createResponder} from '../../src/library/exec.js'
import {createMutex, createSemaphore, type FencingToken, type Hold, type SessionId} from '../../src/library/lock.js'
import {createReplicator} from '../../src/library/replicate.js'

export async function kv(client: ConsulClient): Promise<void> {
  expectTypeOf(await client.kv.get('a')).toEqualTypeOf<Snapshot<KvEntry | undefined>>()
  expectTypeOf(await client.kv.cas('a', Buffer.from(''), {index: 1n})).toEqualTypeOf<boolean>()
  const {index, value} = await client.kv.list('a/')
  expectTypeOf(index).toEqualTypeOf<ConsulIndex | undefined>()
  expectTypeOf(value[0]).toEqualTypeOf<KvEntry | undefined>()
  await client.kv.put('a', 'a string')
  expectTypeOf(await client.kv.update('a', entry => entry?.value)).toEqualTypeOf<KvUpdateResult>()
  await client.kv.update('a', async entry => String(entry?.flags), {attempts: 3})
  await client.txn.commit([{verb: 'set', key: 'a', value: 'a string'}])
  // @ts-expect-error a number is not a value
  await client.kv.update('a', () => 5)
  // @ts-expect-error an index is a bigint
  await client.kv.cas('a', Buffer.from(''), {index: 1})
  // @ts-expect-error an index is needed
  await client.kv.cas('a', Buffer.from(''), {})
  // @ts-expect-error entries are read only
  if (value[0]) value[0].key = 'b'
}

export async function clients(): Promise<void> {
  await using client = createClient({address: '127.0.0.1:8500', token: () => undefined, transport: undiciTransport})
  expectTypeOf(client).toEqualTypeOf<ConsulClient>()
  expectTypeOf(await client.caller.call({method: 'GET', path: '/v1/status/leader'})).toEqualTypeOf<Answer>()
  // @ts-expect-error an unknown option
  createClient({host: 'localhost'})
  // @ts-expect-error an option that is set must have a value
  createClient({address: undefined})
}

export async function views(client: ConsulClient): Promise<void> {
  await using registry = createViewRegistry(client)
  const subscription = registry.view(kvPrefix(client, 'a/')).subscribe({filter: entry => entry.flags === 0n})
  expectTypeOf(await subscription.ready).toEqualTypeOf<Snapshot<readonly KvEntry[]>>()
  for await (const frame of subscription.frames()) {
    if (frame.type === 'upsert') expectTypeOf(frame.item).toEqualTypeOf<KvEntry>()
    if (frame.type === 'delete') expectTypeOf(frame).not.toHaveProperty('item')
  }
}

export async function locks(client: ConsulClient): Promise<void> {
  expectTypeOf(await createMutex(client, {prefix: 'a'}).tryAcquire()).toEqualTypeOf<Hold | undefined>()
  await using hold = await createSemaphore(client, {prefix: 'a', limit: 2}).acquire({timeoutMs: 1000})
  expectTypeOf(hold.token).toEqualTypeOf<FencingToken>()
  expectTypeOf(hold.session).toEqualTypeOf<SessionId>()
  expectTypeOf(await createMutex(client, {prefix: 'a'}).withLock(async () => 5)).toEqualTypeOf<number>()
  // @ts-expect-error a semaphore needs a limit
  createSemaphore(client, {prefix: 'a'})
  // @ts-expect-error a fencing token is not an index of a read
  await client.kv.list('a', {index: hold.token})
}

export async function streams(client: ConsulClient): Promise<void> {
  await using events = followEvents(client)
  expectTypeOf(events).toEqualTypeOf<EventStream>()
  await events.ready
  for await (const event of events) expectTypeOf(event).toEqualTypeOf<UserEvent>()
  for await (const {payload} of followDurable(client, 'a', {from: 'earliest', stateFile: '/state'})) {
    expectTypeOf(payload).toEqualTypeOf<Buffer | undefined>()
  }
  // @ts-expect-error a durable log needs a name
  followDurable(client)
  // @ts-expect-error a stream is iterated over, so it takes no handler
  followEvents(client, {handle: async () => {}})
}

export async function queries(client: ConsulClient): Promise<void> {
  await using registry = createViewRegistry(client)
  const view = registry.view(preparedQuery(client, 'geo', {near: '_agent', limit: 3, everyMs: 5000}))
  expectTypeOf(view.current?.value).toEqualTypeOf<PreparedQueryResult | undefined>()
  await using directory = await openDirectory(client, {query: 'geo', near: '_agent'})
  expectTypeOf(directory).toEqualTypeOf<ServiceDirectory>()
  // @ts-expect-error the name of a prepared query is a text
  await openDirectory(client, {query: 5})
}

export async function others(client: ConsulClient, directory: ServiceDirectory): Promise<void> {
  const {list} = await readList(client, {services: ['web']})
  expectTypeOf(list.services).toEqualTypeOf<readonly DiscoveredService[]>()
  expectTypeOf(directory.status.staleForMs).toEqualTypeOf<number>()
  expectTypeOf((await fireEvent(client, 'a')).isSpilled).toEqualTypeOf<boolean>()
  // @ts-expect-error a watch needs a handler
  await watchEvents(client, {state: EventState.inMemory(await client.agent.self()), signal: AbortSignal.abort()})
  expectTypeOf(createReplicator).parameter(0).toExtend<ConsulClient>()
  expectTypeOf(createInitiator).parameter(0).toExtend<ConsulClient>()
  expectTypeOf(createResponder).parameter(0).toExtend<ConsulClient>()
}
