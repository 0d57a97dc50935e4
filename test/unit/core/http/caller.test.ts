import {describe, expect, it} from 'vitest'
import {type CallerOptions, createCaller, toSnapshot} from '../../../../src/core/http/caller.js'
import type {ConsulIndex} from '../../../../src/core/types.js'
import {FakeClock} from '../../../kit/fake-clock.js'
import {type FakeReply, FakeTransport} from '../../../kit/fake-transport.js'

function open(
  reply: FakeReply = {},
  options: Partial<CallerOptions> = {},
): {
  readonly transport: FakeTransport
  readonly caller: ReturnType<typeof createCaller>
} {
  const transport = new FakeTransport(() => reply)
  return {transport, caller: createCaller({transport, clock: new FakeClock(500), ...options})}
}

const read = {method: 'GET', path: '/v1/x'} as const

describe('the caller, which sends requests for all endpoints', () => {
  it.each([
    ['/v1/x', {}],
    ['/v1/x?dc=dc%202&ns=n&partition=p', {datacenter: 'dc 2', namespace: 'n', partition: 'p'}],
    ['/v1/x', {datacenter: ''}],
    ['/v1/x?stale', {consistency: 'stale'}],
    ['/v1/x?consistent', {consistency: 'consistent'}],
    ['/v1/x', {consistency: 'default'}],
    ['/v1/x?index=18446744073709551615&wait=60000ms', {index: 18446744073709551615n as ConsulIndex, waitMs: 60_000}],
    ['/v1/x?index=5&wait=1ms', {index: 5n as ConsulIndex, waitMs: 0.2}],
  ] as const)('turns options into the request %s', async (path, options) => {
    const {transport, caller} = open()
    await caller.call(read, options)
    expect(transport.requests[0]?.path).toBe(path)
  })

  it('fills the gap of a prepared request, and encodes the request again if the token has changed', async () => {
    const tokens = ['old', 'old', 'new', 'new']
    const {transport, caller} = open({}, {token: () => tokens.shift()})
    const call = {method: 'PUT', path: '/v1/txn', body: Buffer.from('[000]'), gap: {at: 1, length: 3}} as const
    const [prepared, late] = [[], []] as [string[], string[]]
    const wrapped = createCaller({
      transport: {
        send: request => {
          late.push(`${request.headers?.['x-consul-token']} ${Buffer.from(request.body ?? []).toString()}`)
          return transport.send(request)
        },
        prepare: request => async text => {
          prepared.push(`${request.headers?.['x-consul-token']} ${text}`)
          return transport.send(request)
        },
        [Symbol.asyncDispose]: async () => {},
      },
      clock: new FakeClock(500),
      token: () => tokens.shift(),
    })
    await wrapped.prepare(call)('7')
    tokens.unshift('old')
    await wrapped.prepare(call)('8')
    expect({prepared, late}).toEqual({prepared: ['old 7'], late: ['new [  8]']})
    tokens.push('old', 'old')
    await caller.prepare(call)('9')
    expect(Buffer.from(transport.requests.at(-1)?.body ?? []).toString()).toBe('[  9]')
  })

  it('does not send read options with a write', async () => {
    const {transport, caller} = open({}, {defaults: {consistency: 'stale', datacenter: 'dc2'}})
    await caller.call({method: 'PUT', path: '/v1/kv/a', query: {cas: '0', flags: undefined, recurse: true}})
    expect(transport.requests[0]?.path).toBe('/v1/kv/a?cas=0&recurse&dc=dc2')
  })

  it('uses the right deadline and connections for a read, for a blocking query, and for a call that sets its own', async () => {
    const {transport, caller} = open()
    await caller.call(read)
    await caller.call(read, {index: 5n as ConsulIndex, waitMs: 60_000})
    await caller.call(read, {index: 5n as ConsulIndex})
    await caller.call(read, {timeoutMs: 5, plane: 'watch'})
    await caller.call(read, {timeoutMs: 5, idleTimeoutMs: 6})
    await caller.call({...read, method: 'PUT'})
    expect(transport.requests.map(({timeoutMs, idleTimeoutMs, plane}) => [timeoutMs, idleTimeoutMs, plane])).toEqual([
      [15_000, 15_000, 'control'],
      [73_750, 15_000, 'watch'],
      [328_750, 15_000, 'watch'],
      [5, undefined, 'watch'],
      [5, 6, 'control'],
      [15_000, undefined, 'control'],
    ])
  })

  it('gets the token before each request, and lets a call replace or omit the token', async () => {
    const tokens = ['one', 'two', 'three', 'four']
    const {transport, caller} = open({}, {token: () => tokens.shift(), auth: 'user:pass'})
    await caller.call(read)
    await caller.call(read)
    await caller.call(read, {token: 'mine'})
    await caller.call(read, {token: ''})
    expect(transport.requests.map(request => request.headers?.['x-consul-token'])).toEqual([
      'one',
      'two',
      'mine',
      undefined,
    ])
    expect(transport.requests[0]?.headers?.['authorization']).toBe(
      `Basic ${Buffer.from('user:pass').toString('base64')}`,
    )
  })

  it('never shows a token in an error', async () => {
    const {caller} = open({status: 403, body: 'Permission denied'}, {token: () => 's3cr3t', auth: 'user:pa55'})
    const error = await caller.call(read, {datacenter: 'dc1'}).catch((caught: unknown) => caught)
    const shown = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).stack)
    expect(shown).not.toMatch(/s3cr3t|pa55|dXNlcjpwYTU1/)
  })

  it('accepts only the statuses that the call names', async () => {
    const {caller} = open({status: 404, headers: {'X-Consul-Index': '7'}})
    await expect(caller.call(read)).rejects.toMatchObject({code: 'BATON_NOT_FOUND'})
    expect((await caller.call({...read, accept: [200, 404]})).status).toBe(404)
  })

  it('rejects if a 404 does not come from a Consul agent', async () => {
    const {caller} = open({status: 404, body: 'not found'})
    await expect(caller.call({...read, accept: [200, 404]})).rejects.toMatchObject({code: 'BATON_BAD_ANSWER'})
  })
})

describe('toSnapshot', () => {
  const snapshotOf = (headers: Record<string, string>): ReturnType<typeof toSnapshot> =>
    toSnapshot({status: 200, headers: new Map(Object.entries(headers)), body: Buffer.alloc(0), sentAtMs: 7}, 'value')

  it('reads index, leader, last contact and ACL filter from the headers', () => {
    const headers = {
      'x-consul-index': '18446744073709551615',
      'x-consul-knownleader': 'true',
      'x-consul-lastcontact': '12',
      'x-consul-results-filtered-by-acls': 'true',
    }
    expect(snapshotOf(headers)).toEqual({
      value: 'value',
      index: 18446744073709551615n,
      knownLeader: true,
      lastContactMs: 12,
      filteredByAcls: true,
      sentAtMs: 7,
    })
  })

  it('leaves fields undefined if the headers do not contain them', () => {
    expect(snapshotOf({})).toMatchObject({
      index: undefined,
      knownLeader: undefined,
      lastContactMs: undefined,
      filteredByAcls: false,
    })
    expect(snapshotOf({'x-consul-index': 'abc'}).index).toBeUndefined()
    expect(snapshotOf({'x-consul-knownleader': 'false'}).knownLeader).toBe(false)
  })
})
