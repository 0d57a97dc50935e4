/**
 * Handles every durable event of one name, including those that were fired while this process was down.
 *
 *   node --import tsx examples/durable-consumer.ts reindex ./reindex.state
 *   baton event fire --durable reindex shop
 *
 * The state file remembers what was handled. Keep the file for as long as the machine exists, and use a separate file
 * for each consumer. By default (policy `rerun`), a handler that a crash interrupted runs again: make handlers
 * idempotent, for example by the event's ID.
 */
import {createClient, EventState, watchDurable} from 'consul-baton'

const [name = 'reindex', file = `${name}.state`] = process.argv.slice(2)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

await using client = createClient({address: process.env.CONSUL_HTTP_ADDR ?? '127.0.0.1:8500'})
const {datacenter} = await client.agent.self()
// The node is empty: a log belongs to the datacenter, not to one agent.
await using state = await EventState.open(file, {datacenter, node: '', log: name})

await watchDurable(client, name, {
  state,
  signal: stop.signal,
  // Without a state file from an earlier run, handle everything that is still in the log.
  from: 'earliest',
  retryCount: 3,
  observer: notice => {
    if (notice.type === 'watch.started') console.log(`following, ${notice.listedCount} in the log`)
    if (notice.type === 'events.missed' && notice.reason === 'pruned') {
      console.error(`events up to ${notice.through} were pruned unseen`)
    }
  },
  handle: async events => {
    for (const {id, payload} of events) console.log(`handled ${id} ${payload?.toString() ?? ''}`)
  },
  handleDead: async (events, error) => console.error(`abandoned ${events.map(({id}) => id).join()}:`, error),
})
