import {describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createElection} from '../../../src/lock/election.js'
import type {Leader, Term} from '../../../src/lock/election-types.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.each(backends)('an election on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const connect = () => createClient({address: agent.address})
  const candidate = (client: ConsulClient, value: string) =>
    createElection(client, {prefix: `${leaks.prefix}leader`, value, ttlMs: 10_000, lockDelayMs: 1500, graceMs: 0})

  /** Collects what an observer sees until the signal aborts. */
  function watchLeaders(client: ConsulClient, signal: AbortSignal) {
    const seen: (string | undefined)[] = []
    const run = async (): Promise<void> => {
      for await (const leader of candidate(client, '').observe({signal})) seen.push(leader && String(leader.value))
    }
    const ended = run().catch((error: unknown) => error)
    return {seen, ended}
  }

  it('shows observers each leader and its value, one leader after the other', async () => {
    await using client = connect()
    const stop = new AbortController()
    const {seen, ended} = watchLeaders(client, stop.signal)
    await waitUntil(() => seen.length === 1, {what: 'the observer has read the lock'})
    const first = await candidate(client, 'a').campaign()
    const next = candidate(client, 'b').campaign()
    await first.publish('a2')
    await waitUntil(() => seen.at(-1) === 'a2', {what: 'the second value of the first leader'})
    await first.resign()
    const second = await next
    await waitUntil(() => seen.at(-1) === 'b', {what: 'the value of the second leader'})
    expect(second.hold.token).toBeGreaterThan(first.hold.token)
    expect(await candidate(client, '').leader()).toEqual({
      session: second.hold.session,
      value: 'b',
      token: second.hold.token,
    } satisfies Leader)
    await second.resign()
    await waitUntil(() => seen.at(-1) === undefined, {what: 'no leader'})
    stop.abort(new Error('enough'))
    expect(await ended).toEqual(new Error('enough'))
    expect(seen.filter(value => value !== 'undefined')).toEqual([undefined, 'a', 'a2', 'b', undefined])
  })

  it('does not show the value of a leader whose session has ended', async () => {
    await using client = connect()
    const consul = raw(agent.address)
    await using term = await candidate(client, 'old').campaign()
    await consul.sessionDestroy(term.hold.session)
    expect(await candidate(client, '').leader()).toBeUndefined()
    await using lock = await createMutex(client, {prefix: `${leaks.prefix}leader`}).acquire()
    expect(await candidate(client, '').leader()).toEqual({session: lock.session, value: undefined, token: undefined})
    await expect(term.publish('late')).rejects.toMatchObject({code: 'BATON_LOCK_LOST'})
    await consul.kvDelete(`${leaks.prefix}leader/.leader`)
  })

  it('lets `lead` campaign again after it lost the leadership, and resign when the work ends', async () => {
    await using client = connect()
    const consul = raw(agent.address)
    const tokens: bigint[] = []
    const result = await candidate(client, 'x').lead(async (term: Term) => {
      tokens.push(term.hold.token)
      if (tokens.length === 2) return 'done'
      await consul.sessionDestroy(term.hold.session)
      await waitUntil(() => term.signal.aborted, {what: 'the term is lost'})
      throw new Error('stopped')
    })
    expect(result).toBe('done')
    expect(tokens[1]).toBeGreaterThan(tokens[0]!)
    expect(await candidate(client, '').leader()).toBeUndefined()
  })

  it('makes `lead` reject with the error of the work or, after an abort, with the reason of the abort as soon as the work has stopped', async () => {
    await using client = connect()
    const failing = candidate(client, 'x').lead(async () => {
      throw new Error('broken')
    })
    await expect(failing).rejects.toThrow('broken')
    const stop = new AbortController()
    let stopped = false
    const run = candidate(client, 'x').lead(
      async ({signal}) => {
        stop.abort(new Error('enough'))
        await waitUntil(() => signal.aborted, {what: 'the signal of the term'})
        stopped = true
      },
      {signal: stop.signal},
    )
    await expect(run).rejects.toThrow('enough')
    expect(stopped).toBe(true)
    expect(await candidate(client, '').leader()).toBeUndefined()
  })
})
