/**
 * A job that runs once at a time, on however many machines it is started, and whose result is fenced.
 *
 *   node --import tsx examples/locked-job.ts jobs/report
 *
 * `hold.signal` aborts early enough to stop the work before another holder can start; pass it to everything that the job waits
 * for. A process that is suspended cannot notice the signal. Therefore the result carries the fencing token, and a result of an
 * older token never replaces one of a newer token.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {type ConsulClient, createClient, createMutex, type FencingToken, isBatonError} from 'consul-baton'

/** Placeholder for the real work. */
async function makeReport(signal: AbortSignal): Promise<string> {
  await sleep(200, undefined, {signal})
  return `report of process ${process.pid}`
}

/** False if a later holder has already stored its result. */
async function store(client: ConsulClient, key: string, report: string, token: FencingToken): Promise<boolean> {
  for (;;) {
    const {value: entry} = await client.kv.get(key, {consistency: 'consistent'})
    const [newest = '0'] = entry?.value.toString().split(' ') ?? []
    if (BigInt(newest) > token) return false
    const index = entry?.modifyIndex ?? 0n
    if (await client.kv.cas(key, Buffer.from(`${token} ${report}`), {index})) return true
  }
}

const [prefix = 'jobs/report'] = process.argv.slice(2)
await using client = createClient({address: process.env.CONSUL_HTTP_ADDR ?? '127.0.0.1:8500'})
const mutex = createMutex(client, {prefix, sessionName: 'report'})
try {
  await mutex.withLock(
    async ({token, signal}) => {
      console.log(`start ${token}`)
      const isStored = await store(client, `${prefix}/result`, await makeReport(signal), token)
      console.log(isStored ? `end ${token}` : `late ${token}`)
    },
    {timeoutMs: 60_000},
  )
} catch (error) {
  if (!isBatonError(error)) throw error
  // BATON_LOCK_TIMEOUT: another process held the lock all the time. BATON_LOCK_LOST: the job was stopped.
  console.error(error.code, error.message)
  process.exitCode = 1
}
