/**
 * A cache in many processes, which all of them flush when a user event arrives.
 *
 *   node --import tsx examples/cache-flush.ts
 *   baton event fire cache-flush price/apples # one entry
 *   baton event fire cache-flush # everything
 *
 * The cache is empty when the process starts, so past events do not matter: the state is kept in memory, and the watch
 * starts now. User events travel by gossip and can be missed by a node that is down. A cache can accept that: a node
 * that was down starts with an empty cache, and a watch that missed events empties its cache. For events that must not
 * be missed, see durable-consumer.ts.
 */
import {createClient, EventState, watchEvents} from 'consul-baton'

const cache = new Map([
  ['price/apples', 3],
  ['price/pears', 5],
])

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())

await using client = createClient({address: process.env.CONSUL_HTTP_ADDR ?? '127.0.0.1:8500'})
await watchEvents(client, {
  state: EventState.inMemory(await client.agent.self()),
  signal: stop.signal,
  accepts: event => event.name === 'cache-flush',
  observer: notice => {
    if (notice.type === 'watch.started') console.log(`watching, ${cache.size} cached`)
    if (notice.type === 'events.missed') cache.clear()
  },
  handle: async events => {
    for (const {payload} of events) {
      if (payload) cache.delete(payload.toString())
      else cache.clear()
      console.log(`flushed ${payload?.toString() ?? 'everything'}, ${cache.size} cached`)
    }
  },
  handleDead: async (_events, error) => console.error('a flush failed:', error),
})
