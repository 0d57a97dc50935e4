import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createClient} from '../core/client.js'
import type {Clock} from '../core/types.js'
import {startEmbeddedAgent} from '../embedded/index.js'
import {Stage, type StageOptions} from './stage.js'

export interface TourOptions extends Pick<StageOptions, 'stdout' | 'baton' | 'env' | 'signal'> {
  readonly clock: Clock
}

const nodes = ['web-1', 'web-2', 'db-1']

/** Shows the main job on the embedded agent with real commands in real processes. Leaves nothing behind. */
export async function runTour(options: TourOptions): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'baton-tour-'))
  try {
    await using agent = await startEmbeddedAgent({datacenters: ['dc1', 'dc2']})
    const second = agent.addresses.get('dc2') ?? agent.address
    const env = {...options.env, CONSUL_HTTP_ADDR: agent.address, XDG_CONFIG_HOME: home, XDG_STATE_HOME: home}
    await using stage = new Stage({...options, env})
    stage.say(`A Consul agent in memory with two datacenters (baton dev): dc1 at ${agent.address}, dc2 at ${second}`)
    await lockRace(stage)
    await remoteExec(stage, home)
    await replication(stage, second)
    await discovery(stage)
    stage.say('\nThat was the main job. Everything above ran in its own process and is gone now.')
    stage.say('Next: baton dev, and in another terminal baton help; with Consul running, the same commands work there.')
  } finally {
    rmSync(home, {recursive: true, force: true})
  }
}

/** Two processes, one lock: one runs, one waits, then gets it. */
async function lockRace(stage: Stage): Promise<void> {
  stage.title('lock: a job that runs once at a time, on however many machines')
  const job = (who: string): string[] => [
    ...['lock', '-v', 'jobs/nightly', '--', 'sh', '-c'],
    `echo "backup by ${who}, fencing token $BATON_FENCING_TOKEN"; sleep 1; echo "${who} done"`,
  ]
  const racers = ['A', 'B'].map(label => stage.start(job(label), {label}))
  for (const racer of racers) {
    if ((await racer.done) !== 0) throw new Error('a racer failed')
  }
}

/** Three responders, a signed job for two of them. */
async function remoteExec(stage: Stage, home: string): Promise<void> {
  stage.title('exec: a command on every matching node')
  const trust = join(home, 'trust.d')
  await stage.run(['keys', 'init'])
  await stage.run(['keys', 'add', join(home, 'baton', 'keys', 'default.pub.json'), '--trust-dir', trust])
  const responders = nodes.map(name =>
    stage.start(['responder', '-v', '--name', name, '--trust-dir', trust, '--state-dir', join(home, name)], {
      label: name,
    }),
  )
  await Promise.all(responders.map(responder => responder.line(/ready|serving|listening|registered/i)))
  await stage.run(['exec', '--node', '^web', '--', 'sh', '-c', 'echo "hello from $BATON_EXEC_NODE, shell $$"'])
  await Promise.all(responders.map(responder => responder.stop()))
}

/** A prefix copied to the other datacenter, then one changed key. */
async function replication(stage: Stage, second: string): Promise<void> {
  stage.title('replicate: keys of one datacenter, kept copied in another')
  await stage.run(['kv', 'put', 'config/name', 'shop'])
  await stage.run(['kv', 'put', 'config/max-conns', '100'])
  const there = {CONSUL_HTTP_ADDR: second}
  const replicator = stage.start(['replicate', '-v', 'config/@dc1:config/'], {label: 'dc2', env: there})
  await using client = createClient({address: second})
  const arrives = (key: string, value: string): Promise<void> =>
    until(stage, async () => (await client.kv.get(key)).value?.value.toString() === value)
  await arrives('config/max-conns', '100')
  await stage.run(['kv', 'get', 'config/max-conns'], {label: 'dc2', env: there})
  await stage.run(['kv', 'put', 'config/max-conns', '250'])
  await arrives('config/max-conns', '250')
  await stage.run(['kv', 'get', 'config/max-conns'], {label: 'dc2', env: there})
  await replicator.stop()
}

/** A list of services that follows a document. */
async function discovery(stage: Stage): Promise<void> {
  stage.title('discover: a list of services that follows Consul')
  const document = (count: number): string =>
    JSON.stringify({
      services: Array.from({length: count}, (_, n) => ({
        uri: `http://pool0${n + 1}.example/api`,
        capabilities: [{name: 'resize', capacity: 10 * (n + 1)}],
      })),
    })
  await stage.run(['kv', 'put', 'services', document(1)])
  const server = stage.start(['discover', 'services', '--listen', '127.0.0.1:0'], {label: 'discover'})
  const [, url = ''] = await server.line(/(http:\/\/127\.0\.0\.1:\d+)/)
  const shows = async (): Promise<string> => (await fetch(`${url}/services`, {signal: stage.signal})).text()
  await until(stage, async () => (await shows()).includes('pool01'))
  stage.say(`GET ${url}/services\n  ${(await shows()).trim()}`)
  await stage.run(['kv', 'put', 'services', document(2)])
  await until(stage, async () => (await shows()).includes('pool02'))
  stage.say(`GET ${url}/services\n  ${(await shows()).trim()}`)
  await server.stop()
}

async function until(stage: Stage, isTrue: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await isTrue()) return
    await stage.pause(50)
  }
  throw new Error('the copy did not arrive within 10 s')
}
