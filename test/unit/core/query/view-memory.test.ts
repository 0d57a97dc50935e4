import {getHeapStatistics, setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import {afterEach, beforeEach, expect, it} from 'vitest'
import type {ViewRegistry} from '../../../../src/core/query/types.js'
import {FakeClock, settle} from '../../../kit/fake-clock.js'
import {listQuery, things} from '../support/list-query.js'
import {answering, openRegistry} from '../support/view-harness.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let clock: FakeClock
let registry: ViewRegistry

beforeEach(() => {
  clock = new FakeClock(1000)
  registry = openRegistry(clock)
})
afterEach(() => registry[Symbol.asyncDispose]())

/** Returns the number of bytes in use after garbage collection. */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 5; round += 1) {
    await settle()
    collectGarbage()
  }
  return getHeapStatistics().used_heap_size
}

it('a view serves 1,000 subscribers with 1 request, and uses less than 5 kB for each subscriber', async () => {
  const script = listQuery(clock)
  const answer = answering(clock)
  const view = registry.view(script.query)
  const waiting: unknown[] = []
  let deliveries = 0
  const join = (): void => {
    const subscription = view.subscribe({
      signal: new AbortController().signal,
      filter: thing => thing.text !== 'hidden',
    })
    const read = async (): Promise<void> => {
      for await (const frame of subscription.frames()) if (frame.type === 'upsert') deliveries += 1
    }
    waiting.push(subscription, read())
  }
  join()
  await settle()
  await answer(script, 5n, things('a=1@3'))
  const one = await heapBytes()
  for (let count = 1; count < 1000; count += 1) join()
  await settle()
  const thousand = await heapBytes()

  expect(script.requests.filter(request => request.isOpen)).toHaveLength(1)
  expect(script.requests).toHaveLength(2)
  expect((thousand - one) / 999).toBeLessThan(5000)
  expect(deliveries).toBe(1000)
  await answer(script, 6n, things('a=2@6'))
  expect(deliveries).toBe(2000)
  expect(waiting).toHaveLength(2000)
})

it('a view does not use more and more memory if a reader has stopped reading while items change', async () => {
  const script = listQuery(clock)
  const answer = answering(clock)
  const view = registry.view(script.query)
  const stopped = view.subscribe().frames()
  await settle()
  const big = (index: number): string => `a=${'x'.repeat(8000)}${index}@${index}`
  await answer(script, 1n, things(big(1), 'b=1@1'))
  await stopped.next()
  await stopped.next()
  // Fills the log of changes, whose size is limited.
  for (let index = 2; index < 300; index += 1) await answer(script, BigInt(index), things(big(index)))
  script.requests.splice(0, script.requests.length - 1)
  const before = await heapBytes()
  for (let index = 300; index < 600; index += 1) await answer(script, BigInt(index), things(big(index)))
  script.requests.splice(0, script.requests.length - 1)
  const after = await heapBytes()
  // Without the limit, the log would contain 300 answers of 8 kB each.
  expect(after - before).toBeLessThan(500_000)
})
