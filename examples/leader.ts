/**
 * A service of which one instance leads, and whose other instances know its address.
 *
 *   node --import tsx examples/leader.ts app/leader 10.0.0.1:8080
 *
 * `lead` campaigns, runs the work for a term, and campaigns again if the term was lost. The work must stop when
 * `term.signal` aborts: that is early enough that no other instance leads yet.
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {createClient, createElection, type Term} from 'consul-baton'

const [prefix = 'app/leader', address = `process ${process.pid}`] = process.argv.slice(2)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
process.once('SIGINT', () => stop.abort())

/** Placeholder for the work of the leader. */
async function work({signal, hold}: Term): Promise<void> {
  console.log(`leading ${hold.token}`)
  while (!signal.aborted) await sleep(1000, undefined, {signal}).catch(() => {})
  console.log(`stopped ${hold.token}`)
}

async function follow(): Promise<void> {
  for await (const leader of election.observe({signal: stop.signal})) console.log(`leader ${leader?.value ?? 'none'}`)
}

await using client = createClient({address: process.env.CONSUL_HTTP_ADDR ?? '127.0.0.1:8500'})
const election = createElection(client, {prefix, value: address})
const endings = await Promise.allSettled([election.lead(work, {signal: stop.signal}), follow()])
for (const ending of endings) {
  if (ending.status === 'rejected' && ending.reason !== stop.signal.reason) throw ending.reason
}
