import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {mutexFlags, semaphoreFlags} from '../../../src/core/consul-constants.js'
import type {SessionId} from '../../../src/core/types.js'
import {MutexKey} from '../../../src/lock/contend/mutex-key.js'
import {PreparedTake} from '../../../src/lock/contend/prepared-take.js'
import {encodeOffer, encodeReceiver} from '../../../src/lock/wire/holder-record.js'
import type {Session} from '../../../src/session/types.js'
import {FakeTransport} from '../../kit/fake-transport.js'

const own = 'aaaaaaaa-0000-4000-8000-000000000001' as SessionId
const other = 'aaaaaaaa-0000-4000-8000-000000000002' as SessionId
const record = {host: 'h', pid: 1, since: '2026-01-01T00:00:00.000Z'}
const index = '18446744073709551614'

const keyWith = (more: {Session?: SessionId; Value?: Buffer; flags?: bigint} = {}): string => {
  const {Session, Value, flags = mutexFlags} = more
  return (
    `[{"LockIndex":3,"Key":"jobs/a/.lock","Flags":${flags},"Value":${Value ? `"${Value.toString('base64')}"` : 'null'},` +
    `${Session === undefined ? '' : `"Session":"${Session}",`}"CreateIndex":2,"ModifyIndex":${index}}]`
  )
}

/** As Consul writes JSON in development mode. */
const pretty = (json: string): string => `${json.replaceAll(/([[{,}])/g, '$1\n  ').replaceAll(/":/g, '": ')}\n`

const answer = (body: string, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\nX-Consul-Index: 9\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** Shows these bytes to a prepared transaction, and returns the bodies of the transactions that were sent. */
async function sentAfter(...seen: readonly string[]): Promise<unknown[]> {
  const written = `{"Results":[{"KV":${keyWith({Session: own}).slice(1, -1)}}],"Errors":null}`
  const transport = new FakeTransport(() => ({body: written}))
  await using client = createClient({transport})
  const now = (): number => 5
  const mutex = new MutexKey(client, {prefix: 'jobs/a', key: 'jobs/a/.lock', now, release: async () => 'released'})
  using prepared = new PreparedTake({
    client,
    mutex,
    session: {id: own} as Session,
    record: Buffer.from('{}'),
    now,
    signal: new AbortController().signal,
    isOnce: false,
    waiting: () => {},
    entryKey: `jobs/a/.queue/${own}`,
  })
  for (const text of seen) prepared.see(Buffer.from(text))
  const outcome = await prepared.outcome(0)
  const bodies = transport.requests.map(({body}) => Buffer.from(body ?? []).toString())
  expect(outcome).toEqual(
    bodies.length === 0 ? undefined : expect.objectContaining({token: BigInt(index), sentAtMs: 5}),
  )
  return bodies
}

describe('a transaction that is prepared while another session holds the lock', () => {
  it.each([
    ['the lock is free', keyWith()],
    ['the lock is free, in development mode', pretty(keyWith())],
    ['the lock was handed to this session', keyWith({Session: own, Value: encodeReceiver(record)})],
  ])('is sent with the index of the key as soon as an answer shows that %s', async (_, body) => {
    const [sent, ...more] = await sentAfter(answer(body), answer(body))
    expect(more).toEqual([])
    const operations = JSON.parse(String(sent).replaceAll(/:\s*(\d+)/g, ':"$1"')) as {KV: object}[]
    expect(operations.map(({KV}) => KV)).toMatchObject([
      {Verb: 'check-index', Key: 'jobs/a/.lock', Index: index},
      {Verb: 'lock', Key: 'jobs/a/.lock', Session: own, Flags: `${mutexFlags}`},
      {Verb: 'delete', Key: `jobs/a/.queue/${own}`},
      {Verb: 'get-tree', Key: 'jobs/a/.queue/'},
    ])
  })

  it.each([
    ['another session holds the lock', answer(keyWith({Session: other}))],
    ['the lock is offered to others', answer(keyWith({Value: encodeOffer(record)}))],
    ['the key belongs to a semaphore', answer(keyWith({flags: semaphoreFlags}))],
    ['the key has other flags that begin alike', answer(keyWith({flags: mutexFlags * 10n}))],
    ['the key is missing', answer('', '404 Not Found')],
    ['the answer is incomplete', answer(keyWith()).slice(0, -2)],
    ['the index is cut off', answer(keyWith()).slice(0, -4)],
    ['the request failed', answer(keyWith(), '500 Internal Server Error')],
  ])('is not sent if %s', async (_, bytes) => {
    expect(await sentAfter(bytes)).toEqual([])
  })
})
