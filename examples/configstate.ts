/**
 * A service whose configuration is a JSON document in Consul. It follows every change, without a restart and without
 * polling.
 *
 *   node --import tsx examples/configstate.ts app/config
 *   curl 127.0.0.1:PORT/config
 *
 * The view keeps one blocking query open. It retries after errors and keeps the last snapshot, so the service answers
 * even while Consul cannot be reached. A document that is not JSON, or was deleted, is reported and does not replace
 * the last good one.
 */
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {createClient, createViewRegistry, kvKey} from 'consul-baton'

const [key = 'app/config'] = process.argv.slice(2)
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())

await using client = createClient({address: process.env.CONSUL_HTTP_ADDR ?? '127.0.0.1:8500'})
await using views = createViewRegistry(client, {lingerMs: 0})
const view = views.view(kvKey(client, key))

let config: unknown
const server = createServer((request, response) => {
  const isKnown = request.url === '/config'
  const status = isKnown ? (config === undefined ? 503 : 200) : 404
  const body = status === 200 ? config : {error: isKnown ? 'no configuration yet' : 'try /config'}
  // `live`, or `stale` while Consul cannot be read. A monitor can read this header.
  response.writeHead(status, {'content-type': 'application/json', 'x-config-state': view.status.state})
  response.end(JSON.stringify(body))
})
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

for await (const {value: entry} of view.subscribe({signal: stop.signal}).snapshots()) {
  try {
    if (!entry) throw new Error('the key does not exist')
    config = JSON.parse(entry.value.toString())
    console.log(`configured by index ${entry.modifyIndex}`)
  } catch (error) {
    console.error(`${key}: ignored: ${String(error)}`)
  }
}
server.close()
server.closeAllConnections()
