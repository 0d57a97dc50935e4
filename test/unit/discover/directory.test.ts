import {afterEach, describe, expect, it} from 'vitest'
import {TransportError, UsageError} from '../../../src/core/errors.js'
import {noopLogger} from '../../../src/core/log.js'
import {systemClock} from '../../../src/core/time/clock.js'
import type {Clock, Logger} from '../../../src/core/types.js'
import {ServiceDirectory} from '../../../src/discover/directory.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {waitUntil} from '../../kit/wait-until.js'
import {ManualSource} from './manual-source.js'

const open: ServiceDirectory[] = []
afterEach(async () => {
  for (const directory of open.splice(0)) await directory[Symbol.asyncDispose]()
})

function start(
  source: ManualSource,
  {isRequired = false, clock = systemClock}: {readonly isRequired?: boolean; readonly clock?: Clock} = {},
): ServiceDirectory {
  const sources = [source.source('key a', isRequired)]
  const directory = new ServiceDirectory({sources, clock, random: () => 0, logger: noopLogger})
  open.push(directory)
  directory.run().catch(() => {})
  return directory
}
const until = (what: string, condition: () => boolean): Promise<true> => waitUntil(condition, {what}) as Promise<true>
const uris = (directory: ServiceDirectory): string[] => directory.services().map(service => service.uri)

const resize = (capacity: number): object => ({name: 'resize', capacity})
const pool = {
  services: [
    {uri: 'http://small', capabilities: [resize(1)]},
    {uri: 'http://large', capabilities: [{name: 'crop', capacity: 9}, resize(23)]},
    {uri: 'http://none', capabilities: [{name: 'crop', capacity: 2}]},
    {uri: 'http://idle', capabilities: [resize(0)]},
  ],
}

describe('a directory of services', () => {
  it('finds services by capability, those with the largest capacity first, and returns copies', async () => {
    const source = new ManualSource()
    await source.set({a: pool})
    const directory = start(source)
    await until('the first list', () => directory.current !== undefined)
    expect(directory.withCapability('resize').map(({uri}) => uri)).toEqual([
      'http://large',
      'http://small',
      'http://idle',
    ])
    expect(directory.withCapability('resize', {minCapacity: 2}).map(({uri}) => uri)).toEqual(['http://large'])
    expect(directory.withCapability('paint')).toEqual([])
    const copy = directory.services()
    copy.pop()
    Object.assign(copy[0]!, {uri: 'changed'})
    expect(uris(directory)).toEqual(pool.services.map(({uri}) => uri))
    expect(directory.current?.body.toString()).toBe(JSON.stringify(pool))
  })

  it('does not decode content that has not changed', async () => {
    const source = new ManualSource()
    await source.set({a: pool})
    const directory = start(source)
    await until('the first list', () => directory.current !== undefined)
    source.touch()
    await until('the unchanged answer', () => directory.status.stats.unchanged === 1)
    expect(source.decodes).toBe(1)
    expect(directory.status.stats).toMatchObject({answers: 2, updates: 1})
  })

  it('keeps the last valid list while its source cannot be read, and logs that', async () => {
    const source = new ManualSource()
    await source.set({a: pool})
    const directory = start(source)
    await until('the first list', () => directory.status.state === 'live')
    source.fail(new TransportError('BATON_CONNECT', 'Consul at x: connection refused'))
    await until('the outage', () => directory.status.state === 'stale')
    expect(directory.services()).toHaveLength(4)
    expect(directory.status.problems).toMatchObject([{about: 'key a', message: 'Consul at x: connection refused'}])
    expect(directory.status.staleForMs).toBeGreaterThan(0)
    source.failure = undefined
    await until('the recovery', () => directory.status.state === 'live')
    expect(directory.status).toMatchObject({staleForMs: 0, problems: []})
  })

  it('logs one outage once, even if the addresses in its error messages differ', async () => {
    const source = new ManualSource()
    await source.set({a: pool})
    const logged: unknown[] = []
    const logger: Logger = {...noopLogger, warn: fields => logged.push(fields['problem']), child: () => logger}
    const clock = new FakeClock()
    const directory = new ServiceDirectory({sources: [source.source('key a')], clock, random: () => 0, logger})
    open.push(directory)
    directory.run().catch(() => {})
    await until('the first list', () => directory.status.state === 'live')
    const dial = (port: number) => new TransportError('BATON_CONNECT', `dial tcp 127.0.0.1:${port}: connection refused`)
    source.fail(dial(1))
    for (let port = 2; port < 20; port += 1) {
      source.failure = dial(port)
      await clock.advance(10_000)
    }
    expect(directory.status.stats.failures).toBeGreaterThan(5)
    expect(logged).toHaveLength(1)
    source.failure = new TransportError('BATON_TLS', 'certificate expired')
    await clock.advance(60_000)
    expect(logged).toHaveLength(2)
  })

  it('keeps trying if its source cannot be read from the start', async () => {
    const source = new ManualSource()
    await source.set({a: pool})
    source.failure = new TransportError('BATON_CONNECT', 'Consul at x: connection refused')
    const directory = start(source)
    await until('a failure', () => directory.status.stats.failures > 0)
    expect(directory.status.state).toBe('starting')
    source.failure = undefined
    await until('the first list', () => directory.status.state === 'live')
  })

  it('keeps the last valid list if a required document disappears', async () => {
    const source = new ManualSource()
    await source.set({a: pool})
    const directory = start(source, {isRequired: true})
    await until('the first list', () => directory.status.state === 'live')
    await source.set({})
    await until('the problem', () => directory.status.state === 'degraded')
    expect(directory.status.problems[0]?.message).toBe('key a: does not exist')
    expect(directory.services()).toHaveLength(4)
  })

  it('accepts an empty answer only after the leader has confirmed it', async () => {
    const clock = new FakeClock()
    const source = new ManualSource()
    await source.set({a: pool})
    const directory = start(source, {clock})
    await until('the first list', () => directory.status.state === 'live')
    source.facts = {knownLeader: false}
    await source.set({})
    await until('the doubt', () => directory.status.state === 'degraded')
    expect(directory.status.problems[0]?.message).toBe('key a: appears empty, ignored: there is no leader')
    source.facts = {filteredByAcls: true}
    const {requests} = directory.status.stats
    await clock.advance(5000)
    expect(directory.status.stats.requests).toBeGreaterThan(requests)
    expect(directory.status.problems[0]?.message).toContain('the token may not read everything')
    expect(directory.services()).toHaveLength(4)
    source.facts = {}
    await clock.advance(60_000)
    await until('the empty list', () => directory.current?.services.length === 0)
    expect(directory.status.state).toBe('live')
  })

  it('shows the total delay caused by the rate limiter', async () => {
    const source = new ManualSource()
    const directory = start(source)
    for (let version = 0; directory.status.stats.limitDelayMs === 0; version += 1) {
      await source.set({a: {uri: `http://a:${(version % 60_000) + 1}`}})
      await systemClock.sleep(1)
    }
    expect(directory.status.stats.limitDelayMs).toBeGreaterThan(0)
  })

  it('follows more sources than the number of permitted blocking queries, without a warning', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const sources = await Promise.all(
      Array.from({length: 70}, async (_, at) => {
        const source = new ManualSource()
        await source.set({[`a${at}`]: {uri: `http://a${at}:1`}})
        return source
      }),
    )
    const clock = new FakeClock()
    const directory = new ServiceDirectory({
      sources: sources.map((source, at) => source.source(`service ${at}`)),
      clock,
      random: () => 0,
      logger: noopLogger,
    })
    open.push(directory)
    directory.run().catch(() => {})
    await until('all of them', () => directory.services().length === 70)
    await sources[0]?.set({a0: {uri: 'http://parked:1'}})
    await until('the change where a query is parked', () => uris(directory)[0] === 'http://parked:1')
    await sources[69]?.set({a69: {uri: 'http://polled:1'}})
    await clock.advance(30_000)
    await until('the change where none is', () => uris(directory).at(-1) === 'http://polled:1')
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  it('ends with the error if a source can never be read', async () => {
    const source = new ManualSource()
    source.failure = new UsageError('key a: no such thing')
    await expect(start(source).run()).rejects.toThrow('key a: no such thing')
  })

  it('stops waiting when the signal aborts', async () => {
    const directory = start(new ManualSource())
    await until('the first list', () => directory.current !== undefined)
    const stop = new AbortController()
    const waiting = directory.untilNewer(directory.current?.index ?? 0n, stop.signal)
    stop.abort()
    await waiting
    await directory.untilNewer((directory.current?.index ?? 0n) + 1n, new AbortController().signal)
  })

  it('can be disposed before it runs, and can be disposed twice', async () => {
    const sources = [new ManualSource().source('a')]
    const directory = new ServiceDirectory({sources, clock: systemClock, random: () => 0, logger: noopLogger})
    await directory[Symbol.asyncDispose]()
    await directory[Symbol.asyncDispose]()
    await directory.run()
    expect(directory.status.stats.requests).toBe(0)
  })
})
