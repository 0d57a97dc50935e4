/**
 * Runs as many responders as the first argument says, in one process, until stdin ends. Prints `ready` when all of them
 * are registered.
 */
import {createClient} from '../../src/core/client.js'
import {trustKeys} from '../../src/exec/native/trust.js'
import {createResponder} from '../../src/exec/responder/responder.js'

const [count = '1', address = '', stateDirectory = '', publicFile = ''] = process.argv.slice(2)
const stop = new AbortController()
const trust = trustKeys([publicFile])
// All responders share one client, which has a connection for each of their blocking queries.
const client = createClient({address})
let ready = 0
const served = Array.from({length: Number(count)}, (_, at) =>
  createResponder(client, {
    trust,
    stateDirectory,
    node: `sim-${String(at).padStart(4, '0')}`,
    env: process.env,
    ttlMs: 120_000,
    observer: event => {
      if (event.type === 'responder.registered' && ++ready === Number(count)) process.stdout.write('ready\n')
    },
  }).serve({signal: stop.signal}),
)
process.stdin.resume()
process.stdin.on('end', () => stop.abort())
await Promise.all(served)
await client[Symbol.asyncDispose]()
