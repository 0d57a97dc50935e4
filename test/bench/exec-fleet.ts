/**
 * Runs as many responders as the first argument says, in one process, until stdin ends. Prints `ready` when all of them
 * are registered. The last argument is their kind. `processes`: they run the commands of jobs, and share a client.
 * `apart`: each has a client of its own. `simulated`: jobs start no processes; each ends at once with exit code 0, after
 * 10,000 bytes of output if its command contains this number. A single process that starts thousands of others spends
 * most of its time on copies of its memory map, which responders on their own machines do not.
 */
import {Readable} from 'node:stream'
import {createClient} from '../../src/core/client.js'
import {trustKeys} from '../../src/exec/native/trust.js'
import {type StartJobChild, startJobChild} from '../../src/exec/responder/job-child.js'
import {serveJobs} from '../../src/exec/responder/responder.js'

const [count = '1', address = '', stateDirectory = '', publicFile = '', kind = ''] = process.argv.slice(2)
const stop = new AbortController()
const trust = trustKeys([publicFile])
// Responders that share a client also share their blocking queries.
const shared = createClient({address})
let ready = 0

const simulate: StartJobChild = async ({command}) => {
  const isLoud = command.kind === 'shell' && command.line.includes('10000')
  const child = {
    pid: 0,
    family: {
      rootPid: 0,
      shape: 'group' as const,
      marker: '',
      isMarkSearched: false,
      isRootOurs: () => false,
      known: new Map(),
    },
    exited: Promise.resolve({code: 0, signal: undefined}),
    stdin: undefined,
    stdout: Readable.from(isLoud ? [Buffer.alloc(10_000, 'x')] : []),
    stderr: undefined,
    signal: () => {},
    stop: async () => {},
    isGone: () => true,
  }
  return {child, [Symbol.asyncDispose]: async () => {}}
}

const serveOne = async (at: number): Promise<void> => {
  const client = kind === 'apart' ? createClient({address}) : shared
  const options = {
    trust,
    stateDirectory,
    node: `sim-${String(at).padStart(4, '0')}`,
    env: process.env,
    ttlMs: 120_000,
    observer: (event: {readonly type: string}) => {
      if (event.type === 'responder.registered' && ++ready === Number(count)) process.stdout.write('ready\n')
    },
  }
  await serveJobs(client, options, stop.signal, kind === 'simulated' ? simulate : startJobChild).catch(
    (error: unknown) => {
      if (!stop.signal.aborted) throw error
    },
  )
}
const served = Array.from({length: Number(count)}, (_, at) => serveOne(at))
process.stdin.resume()
process.stdin.on('end', () => stop.abort())
await Promise.all(served)
await shared[Symbol.asyncDispose]()
