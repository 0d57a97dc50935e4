/**
 * A job of which one instance runs at a time, on any number of machines, and whose result is fenced.
 *
 *   node --import tsx examples/locked-job.ts jobs/report
 *
 * `hold.signal` aborts early enough to stop the work before another holder can start; pass the signal to every call
 * that the job awaits. A process that is suspended cannot notice the signal. Therefore the result is written by
 * `hold.commit`, which Consul refuses once the hold is over.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {createClient, createMutex, isBatonError} from 'consul-baton'

/** Placeholder for the real work. */
async function makeReport(signal: AbortSignal): Promise<string> {
  await sleep(200, undefined, {signal})
  return `report of process ${process.pid}`
}

const [prefix = 'jobs/report'] = process.argv.slice(2)
await using client = createClient({address: process.env.CONSUL_HTTP_ADDR ?? '127.0.0.1:8500'})
const mutex = createMutex(client, {prefix, sessionName: 'report'})
try {
  await mutex.withLock(
    async hold => {
      console.log(`start ${hold.token}`)
      const value = Buffer.from(`${hold.token} ${await makeReport(hold.signal)}`)
      const {committed} = await hold.commit([{verb: 'set', key: `${prefix}/result`, value}])
      console.log(committed ? `end ${hold.token}` : 'refused')
    },
    {timeoutMs: 60_000},
  )
} catch (error) {
  if (!isBatonError(error)) throw error
  // BATON_LOCK_TIMEOUT: another process held the lock until the time limit passed. BATON_LOCK_LOST: the job was
  // stopped.
  console.error(error.code, error.message)
  process.exitCode = 1
}
