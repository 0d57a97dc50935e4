import type {ConsulClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import {waitUntil} from '../../kit/wait-until.js'
import {type Capability, each, keep} from './capability.js'

type Acquire = (client: ConsulClient, prefix: string, signal: AbortSignal) => Promise<AsyncDisposable>

const acquireMutex: Acquire = (client, prefix, signal) => createMutex(client, {prefix}).acquire({signal})
const acquireSlot: Acquire = (client, prefix, signal) => createSemaphore(client, {prefix, limit: 2}).acquire({signal})

/** Each node holds a lock of its own. */
function holding(name: string, acquire: Acquire): Capability {
  return {
    name: `${name}, holding a key of its own`,
    unit: 'one acquisition and release on each node',
    async start({count, node, signal}) {
      const clients = Array.from({length: count}, node)
      const hold = (at: number, key: string): Promise<AsyncDisposable> =>
        acquire(clients[at]!, `jobs/${key}-${at}`, signal)
      await each(count, at => hold(at, 'held'))
      return {work: () => each(count, async at => (await hold(at, 'work'))[Symbol.asyncDispose]())}
    },
  }
}

/** All nodes wait for one lock, which has as many holders as it permits. */
function waiting(name: string, acquire: Acquire, {holders, folder}: {holders: number; folder: string}): Capability {
  return {
    name: `${name}, all waiting for one key`,
    unit: 'in all, one new contender and one hand-over',
    isWhole: true,
    async start({count, node, outside, signal}) {
      const queue: AsyncDisposable[] = []
      const join = async (): Promise<void> => {
        queue.push(await acquire(node(), 'jobs/shared', signal))
      }
      for (let at = 0; at < holders; at += 1) await join()
      const entries = async (): Promise<number> => (await outside.kv.keys(`jobs/shared/${folder}`)).value.length
      const before = await entries()
      const wait = (more: number): Promise<unknown> =>
        waitUntil(async () => (await entries()) >= before + count + more, {what: 'all to wait', timeoutMs: 300_000})
      for (let at = 0; at < count; at += 1) {
        keep(signal, join())
        // All at once would measure how busy this machine is.
        if (at % 50 === 49)
          await waitUntil(async () => (await entries()) > before + at - 25, {what: 'some to wait', timeoutMs: 300_000})
      }
      await wait(0)
      return {
        async work() {
          const holds = queue.length
          keep(signal, join())
          await wait(1)
          await queue[holds - 1]?.[Symbol.asyncDispose]()
          await waitUntil(() => queue.length > holds, {what: 'the hand-over', timeoutMs: 60_000})
        },
      }
    },
  }
}

export const lockFleets: readonly Capability[] = [
  holding('lock', acquireMutex),
  waiting('lock', acquireMutex, {holders: 1, folder: '.queue/'}),
  holding('semaphore', acquireSlot),
  waiting('semaphore', acquireSlot, {holders: 2, folder: ''}),
]
