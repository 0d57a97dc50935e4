import {createMutex} from '../lock/mutex.js'
import {createSemaphore} from '../lock/semaphore.js'
import type {Hold, LockOptions} from '../lock/types.js'
import type {Bench, Proof} from './types.js'

const contenders = 6
const roundsEach = 2
const slots = 2

/**
 * Options of all locks in these tests. The TTL is short, so that Consul soon frees a lock that a failed test leaves
 * behind.
 */
const optionsOf = ({prefix, sessionName}: Bench, name: string): LockOptions => ({
  prefix: `${prefix}/${name}`,
  ttlMs: 10_000,
  lockDelayMs: 6000,
  graceMs: 1000,
  sessionName,
})

/**
 * Tests a mutex: contenders increment a number, each under the lock. If two of them held the lock at the same time, an
 * increment would be lost or their times would overlap. The fencing tokens must grow from holder to holder.
 */
export async function proveMutex(bench: Bench): Promise<readonly Proof[]> {
  const {client, prefix, signal} = bench
  const counter = `${prefix}/counter`
  const tokens: bigint[] = []
  const pauses: number[] = []
  let inside = 0
  let most = 0
  let leftAt: number | undefined

  async function count(hold: Hold): Promise<void> {
    const enteredAt = client.clock.monotonicMs()
    if (leftAt !== undefined) pauses.push(enteredAt - leftAt)
    most = Math.max(most, ++inside)
    tokens.push(BigInt(hold.token))
    const {value} = await client.kv.get(counter, {consistency: 'consistent', signal})
    await client.kv.put(counter, String(Number(value?.value.toString() ?? 0) + 1), {signal})
    inside -= 1
    leftAt = client.clock.monotonicMs()
  }

  const contend = async (): Promise<void> => {
    const mutex = createMutex(client, optionsOf(bench, 'mutex'))
    for (let round = 0; round < roundsEach; round += 1) await mutex.withLock(count, {signal})
  }
  await Promise.all(Array.from({length: contenders}, contend))

  const expected = contenders * roundsEach
  const total = Number((await client.kv.get(counter, {consistency: 'consistent', signal})).value?.value.toString())
  const isExclusive = most === 1 && total === expected
  const isRising = tokens.every((token, at) => at === 0 || token > (tokens[at - 1] ?? 0n))
  const median = pauses.sort((a, b) => a - b)[pauses.length >> 1] ?? 0
  return [
    {
      check: 'exclusion',
      verdict: isExclusive ? 'ok' : 'fail',
      text: isExclusive
        ? `${expected} holds of ${contenders} contenders, one at a time`
        : `${most} holders at once, and ${total} of ${expected} counts arrived`,
    },
    {
      check: 'fencing',
      verdict: isRising ? 'ok' : 'fail',
      text: isRising ? `each token is greater than the one before` : `tokens do not rise: ${tokens.join(', ')}`,
    },
    {check: 'hand-over', verdict: 'ok', text: `median ${Math.round(median)}ms from one holder to the next`},
  ]
}

/**
 * Tests a semaphore with more contenders than slots. The number of holders must reach the number of slots, and must
 * never exceed it.
 */
export async function proveSemaphore(bench: Bench): Promise<readonly Proof[]> {
  const {client, signal} = bench
  let inside = 0
  let most = 0
  const contend = async (): Promise<void> => {
    const semaphore = createSemaphore(client, {...optionsOf(bench, 'semaphore'), limit: slots})
    await semaphore.withLock(
      async () => {
        most = Math.max(most, ++inside)
        await client.clock.sleep(20, signal)
        inside -= 1
      },
      {signal},
    )
  }
  await Promise.all(Array.from({length: slots * 2}, contend))
  const isKept = most <= slots
  return [
    {
      check: 'semaphore',
      verdict: isKept ? 'ok' : 'fail',
      text: isKept ? `never more than ${slots} of ${slots * 2} contenders` : `${most} holders where ${slots} may be`,
    },
  ]
}

/** Tests that Consul ends a session that is not renewed, as after a kill, and frees its key within twice the TTL. */
export async function proveExpiry({client, prefix, sessionName, signal}: Bench): Promise<readonly Proof[]> {
  const key = `${prefix}/expiry`
  const ttlMs = 10_000
  const {id} = await client.session.create({name: sessionName, ttlMs, lockDelayMs: 1, nodeChecks: []}, {signal})
  if (!(await client.kv.acquire(key, 'held', {session: id, signal}))) {
    return [{check: 'expiry', verdict: 'fail', text: 'a new session could not take a new key'}]
  }
  const startedAt = client.clock.monotonicMs()
  const limitMs = 2 * ttlMs + 5000
  for (;;) {
    const {value} = await client.kv.get(key, {consistency: 'consistent', signal})
    const seconds = Math.round((client.clock.monotonicMs() - startedAt) / 1000)
    if (value?.session === undefined) {
      return [{check: 'expiry', verdict: 'ok', text: `a dead holder's key was free after ${seconds}s (TTL 10s)`}]
    }
    if (seconds * 1000 > limitMs) {
      return [{check: 'expiry', verdict: 'fail', text: `a dead holder still has its key after ${seconds}s (TTL 10s)`}]
    }
    await client.clock.sleep(500, signal)
  }
}
