import {rmSync} from 'node:fs'
import {join} from 'node:path'
import {createClient} from '../core/client.js'
import {makeTemporaryFolder} from '../core/temporary-folder.js'
import type {Clock} from '../core/types.js'
import {startEmbeddedAgent} from '../embedded/index.js'
import {TourProcesses, type TourProcessesOptions} from './processes.js'

export interface TourOptions extends Pick<TourProcessesOptions, 'stdout' | 'baton' | 'env' | 'signal'> {
  readonly clock: Clock
}

const nodes = ['web-1', 'web-2', 'db-1']

/**
 * Shows lock, exec, replicate and discover on the embedded agent, with each command in a separate process. Leaves
 * nothing behind.
 */
export async function runTour(options: TourOptions): Promise<void> {
  const home = makeTemporaryFolder('baton-tour-')
  try {
    await using agent = await startEmbeddedAgent({datacenters: ['dc1', 'dc2']})
    const second = agent.addresses.get('dc2') ?? agent.address
    const env = {...options.env, CONSUL_HTTP_ADDR: agent.address, XDG_CONFIG_HOME: home, XDG_STATE_HOME: home}
    await using processes = new TourProcesses({...options, env})
    processes.say(
      `A Consul agent in memory with two datacenters (baton dev): dc1 at ${agent.address}, dc2 at ${second}`,
    )
    await showLock(processes)
    await showExec(processes, home)
    await showReplicate(processes, second)
    await showDiscover(processes)
    processes.say('\nThat is the core of baton. Every command above ran in its own process; all have stopped.')
    processes.say(
      'Next: baton dev, and in another terminal baton help; with Consul running, the same commands work there.',
    )
  } finally {
    rmSync(home, {recursive: true, force: true})
  }
}

/** Shows two commands that contend for one lock, so that their jobs run one after the other. */
async function showLock(processes: TourProcesses): Promise<void> {
  processes.title('lock: a job that runs once at a time, on any number of machines')
  const job = (name: string): string[] => [
    ...['lock', '-v', 'jobs/nightly', '--', 'sh', '-c'],
    `echo "backup by ${name}, fencing token $BATON_FENCING_TOKEN"; sleep 1; echo "${name} done"`,
  ]
  const jobs = ['A', 'B'].map(label => processes.start(job(label), {label}))
  for (const one of jobs) {
    if ((await one.done) !== 0) throw new Error('a job failed')
  }
}

/** Shows three responders, and a signed job for two of them. */
async function showExec(processes: TourProcesses, home: string): Promise<void> {
  processes.title('exec: a command on every matching node')
  const trust = join(home, 'trust.d')
  await processes.run(['keys', 'init'])
  await processes.run(['keys', 'add', join(home, 'baton', 'keys', 'default.pub.json'), '--trust-dir', trust])
  const responders = nodes.map(name =>
    processes.start(['responder', '-v', '--name', name, '--trust-dir', trust, '--state-dir', join(home, name)], {
      label: name,
    }),
  )
  await Promise.all(responders.map(responder => responder.line(/ready|serving|listening|registered/i)))
  await processes.run(['exec', '--node', '^web', '--', 'sh', '-c', 'echo "hello from $BATON_EXEC_NODE, shell $$"'])
  await Promise.all(responders.map(responder => responder.stop()))
}

/** Shows how a prefix is replicated to the other datacenter, and how a later change of one key is replicated. */
async function showReplicate(processes: TourProcesses, second: string): Promise<void> {
  processes.title('replicate: keys of one datacenter, copied to another')
  await processes.run(['kv', 'put', 'config/name', 'shop'])
  await processes.run(['kv', 'put', 'config/max-conns', '100'])
  const there = {CONSUL_HTTP_ADDR: second}
  const replicator = processes.start(['replicate', '-v', 'config/@dc1:config/'], {label: 'dc2', env: there})
  await using client = createClient({address: second})
  const arrives = (key: string, value: string): Promise<void> =>
    until(processes, async () => (await client.kv.get(key)).value?.value.toString() === value)
  await arrives('config/max-conns', '100')
  await processes.run(['kv', 'get', 'config/max-conns'], {label: 'dc2', env: there})
  await processes.run(['kv', 'put', 'config/max-conns', '250'])
  await arrives('config/max-conns', '250')
  await processes.run(['kv', 'get', 'config/max-conns'], {label: 'dc2', env: there})
  await replicator.stop()
}

/**
 * Shows the list of services that `baton discover` serves over HTTP, before and after a change of the document that
 * defines the list.
 */
async function showDiscover(processes: TourProcesses): Promise<void> {
  processes.title('discover: a list of services that follows Consul')
  const document = (count: number): string =>
    JSON.stringify({
      services: Array.from({length: count}, (_, n) => ({
        uri: `http://pool0${n + 1}.example/api`,
        capabilities: [{name: 'resize', capacity: 10 * (n + 1)}],
      })),
    })
  await processes.run(['kv', 'put', 'services', document(1)])
  const server = processes.start(['discover', 'services', '--listen', '127.0.0.1:0'], {label: 'discover'})
  const [, url = ''] = await server.line(/(http:\/\/127\.0\.0\.1:\d+)/)
  const shows = async (): Promise<string> => (await fetch(`${url}/services`, {signal: processes.signal})).text()
  await until(processes, async () => (await shows()).includes('pool01'))
  processes.say(`GET ${url}/services\n  ${(await shows()).trim()}`)
  await processes.run(['kv', 'put', 'services', document(2)])
  await until(processes, async () => (await shows()).includes('pool02'))
  processes.say(`GET ${url}/services\n  ${(await shows()).trim()}`)
  await server.stop()
}

/** Resolves when the condition is true. Rejects after ten seconds. */
export async function until(processes: TourProcesses, isTrue: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await isTrue()) return
    await processes.pause(50)
  }
  throw new Error('the tour waited for 10 s in vain')
}
