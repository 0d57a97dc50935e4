import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {isBatonError} from '../../../src/core/errors.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import {openSession} from '../../../src/session/session.js'

const noNumbers = ['15s', '', null, true, {}, [1], 5n, () => 1]
const badDurations = [Number.NaN, Number.NEGATIVE_INFINITY, -1, 1e20, ...noNumbers]
const badNumbers = [Number.POSITIVE_INFINITY, ...badDurations]

/** Returns a client that makes the test fail if it is used. */
function unusedClient() {
  const requests: string[] = []
  const client = createClient({
    transport: {
      async send(request) {
        requests.push(request.path)
        throw new Error('a request was sent')
      },
      async [Symbol.asyncDispose]() {},
    },
  })
  return {client, requests}
}

async function refusal(call: (client: ReturnType<typeof createClient>) => unknown): Promise<Error> {
  const {client, requests} = unusedClient()
  const error: unknown = await (async () => call(client))().catch((reason: unknown) => reason)
  expect(isBatonError(error, 'BATON_USAGE'), String(error)).toBe(true)
  expect(requests).toEqual([])
  return error as Error
}

const each = (names: readonly string[], values: readonly unknown[]) =>
  names.flatMap(name => values.map(value => ({name, value})))

describe('options of locks and sessions', () => {
  it.each(each(['ttlMs', 'lockDelayMs', 'graceMs'], badNumbers))(
    'are refused before any request (case: createMutex with $name $value)',
    async ({name, value}) => {
      const options = {prefix: 'a/b', [name]: value} as never
      expect((await refusal(client => createMutex(client, options))).message).toContain(name)
      expect(
        (await refusal(client => createSemaphore(client, {limit: 2, ...(options as object)} as never))).message,
      ).toContain(name)
    },
  )

  it.each([...badNumbers, 0, 1.5, undefined])(
    'are refused before any request (case: createSemaphore with limit %s)',
    async limit => {
      const {message} = await refusal(client => createSemaphore(client, {prefix: 'a/b', limit} as never))
      expect(message).toContain('createSemaphore: expected the option `limit` to be a whole number of at least 1, got ')
    },
  )

  it.each(badDurations)('are refused before any request (case: acquiring with timeoutMs %s)', async timeoutMs => {
    const options = {timeoutMs} as never
    for (const create of [
      (client: ReturnType<typeof createClient>) => createMutex(client, {prefix: 'a/b'}),
      (client: ReturnType<typeof createClient>) => createSemaphore(client, {prefix: 'a/b', limit: 2}),
    ]) {
      expect((await refusal(client => create(client).acquire(options))).message).toContain('timeoutMs')
      expect((await refusal(client => create(client).withLock(async () => {}, options))).message).toContain('timeoutMs')
    }
  })

  it.each(
    each(['ttlMs', 'renewEveryMs'], [...badNumbers, 0]).concat(
      each(['lockDelayMs'], badNumbers),
      each(['unprovenLimitMs'], badDurations),
    ),
  )('are refused before any request (case: openSession with $name $value)', async ({name, value}) => {
    expect((await refusal(client => openSession(client, {[name]: value}))).message).toContain(name)
  })

  it.each([5, null, {}])('are refused before any request (case: a prefix and a name that are %s)', async value => {
    expect((await refusal(client => createMutex(client, {prefix: value} as never))).message).toContain('prefix')
    expect((await refusal(client => createSemaphore(client, {prefix: value, limit: 2} as never))).message).toContain(
      'prefix',
    )
    expect((await refusal(client => openSession(client, {name: value} as never))).message).toContain('name')
  })

  it.each(['//two', '..', '../x', 'a\nb', 'a\tb', 'a\u0001', 'a\u007f', 'a\u00a0b', 'a\u2028', '\ud800'])(
    'are refused before any request (case: the prefix %j, whose key Consul cannot serve)',
    async prefix => {
      await refusal(client => createMutex(client, {prefix}))
      await refusal(client => createSemaphore(client, {prefix, limit: 2}))
    },
  )

  it.each(['a b', 'ü/ñ', '🔒', '?&#%*', `"'\\`, 'a/', 'a//b', '.', '/a', 'é'.normalize('NFD')])(
    'are accepted with the prefix %j',
    prefix => {
      createMutex(unusedClient().client, {prefix})
      createSemaphore(unusedClient().client, {prefix, limit: 2})
    },
  )

  it.each([undefined, null, 'a/b'])('are refused if they are not an object (case: %s)', async value => {
    expect((await refusal(client => createMutex(client, value as never))).message).toContain('object')
    expect((await refusal(client => createSemaphore(client, value as never))).message).toContain('object')
  })

  it('are refused with a message that shows the expected and the actual value', async () => {
    expect((await refusal(client => createMutex(client, {prefix: 'a/b', ttlMs: '15s'} as never))).message).toBe(
      'createMutex: expected the option `ttlMs` to be a number of milliseconds from 0 to 2147483647, got "15s" (a string)',
    )
  })

  it('are refused if the TTL is 0, because such a session would never expire', async () => {
    await refusal(client => createMutex(client, {prefix: 'a/b', ttlMs: 0}).acquire())
    await refusal(client => createMutex(client, {prefix: 'a/b', ttlMs: 0}).tryAcquire())
  })
})
