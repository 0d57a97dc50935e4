import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {freePorts} from '../../kit/ports.js'
import {descendants, isAlive} from '../../kit/processes.js'
import {raw} from '../../kit/raw-consul.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const hasConsul = consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1'
const ttlMs = 3000
/**
 * Time limit that is long enough for a busy machine. Consul itself needs only a little more than
 * the TTL.
 */
const patience = {timeoutMs: Number(process.env['BATON_TEST_PATIENCE_MS'] ?? 30_000)}

describe.runIf(hasConsul)('a service that baton service run has registered, as a server of the cluster sees it', () => {
  let cluster: ConsulCluster
  beforeAll(async () => {
    cluster = await startCluster({servers: 1, clients: 1})
  }, 120_000)
  afterAll(() => cluster[Symbol.asyncDispose]())
  const agent = (): {readonly address: string} => cluster.clients[0]!

  const state = async (name: string): Promise<string> => {
    const list = (await raw(cluster.address).get(`/v1/health/service/${name}`)) as {Checks: {Status: string}[]}[]
    if (list.length === 0) return 'gone'
    return list[0]!.Checks.every(check => check.Status === 'passing') ? 'passing' : 'critical'
  }
  const becomes = (name: string, ...states: string[]): Promise<unknown> =>
    waitUntil(async () => states.includes(await state(name)), {
      what: `${name} to be ${states.join(' or ')}`,
      ...patience,
      detail: () => state(name),
    })
  const isGoneFromAgent = async (name: string): Promise<boolean> =>
    (await raw(agent().address).request('GET', `/v1/agent/service/${name}`)).status === 404

  /** Starts a server as a service with a TCP check. Resolves with the command and the server's process ID. */
  async function begin(name: string, ...flags: string[]): Promise<readonly [CommandHandle, () => number]> {
    const [port] = (await freePorts(1)) as [number]
    const server = `require('net').createServer().listen(${port},'127.0.0.1',()=>console.log('pid '+process.pid))`
    const words = [`--name=${name}`, `--id=${name}`, `--port=${port}`, `--ttl=${ttlMs}ms`]
    const check = ['--check=tcp', '--interval=500ms', ...flags, '--', process.execPath, '-e', server]
    const baton = startCli(['service', 'run', ...words, ...check], {agent: agent()})
    try {
      await baton.waitForOutput(/pid \d+\n/)
      await becomes(name, 'passing')
    } catch (error) {
      await baton[Symbol.asyncDispose]()
      throw error
    }
    return [baton, () => Number(/pid (\d+)\n$/.exec(baton.stdout)?.[1])]
  }

  it('is critical after its program was killed, and passing again after the program was restarted', async () => {
    const [baton, pid] = await begin('killed', '--restart=always')
    await using _baton = baton
    const first = pid()
    process.kill(first, 'SIGKILL')
    await becomes('killed', 'critical')
    await waitUntil(() => pid() !== first, {what: 'the restart', ...patience})
    await becomes('killed', 'passing')
  })

  it('is passing again after its agent was killed and restarted', async () => {
    const [baton] = await begin('restarted')
    await using _baton = baton
    await cluster.clients[0]!.restart('kill')
    await raw(agent().address).ok('PUT', `/v1/agent/join/${cluster.servers[0]!.lanAddress}`)
    await becomes('restarted', 'passing')
    // Only heartbeats to the restarted agent can keep the service passing for longer than its TTL.
    await sleep(ttlMs + 1000)
    expect(await state('restarted')).toBe('passing')
    baton.kill('SIGTERM')
    await baton.exited
    await becomes('restarted', 'gone')
  })

  it('is removed, and its program is stopped, after baton was killed', async () => {
    const [baton, pid] = await begin('orphaned')
    await using _baton = baton
    const program = pid()
    baton.kill('SIGKILL')
    await becomes('orphaned', 'critical', 'gone')
    await waitUntil(() => !isAlive(program), {what: 'the end of the program', ...patience})
    await becomes('orphaned', 'gone')
  })

  it('is critical after baton, its guardian process and its program were killed at the same time', async () => {
    const [baton] = await begin('lost')
    await using _baton = baton
    const all = [baton.pid, ...descendants(baton.pid).map(({pid}) => pid)]
    // These are at least the guardian process, the program, and baton itself.
    expect(all.length).toBeGreaterThanOrEqual(3)
    for (const each of all) process.kill(each, 'SIGKILL')
    await becomes('lost', 'critical')
    await raw(agent().address).ok('PUT', '/v1/agent/service/deregister/lost')
  })

  it('is critical or gone when its agent runs again, if baton was killed while the agent was down', async () => {
    const [baton] = await begin('both')
    await using _baton = baton
    await cluster.clients[0]!.kill()
    baton.kill('SIGKILL')
    await cluster.clients[0]!.restart()
    await raw(agent().address).ok('PUT', `/v1/agent/join/${cluster.servers[0]!.lanAddress}`)
    await becomes('both', 'critical', 'gone')
    await waitUntil(() => isGoneFromAgent('both'), {what: 'the removal by the guardian', ...patience})
  })

  it('is removed before its program receives TERM', async () => {
    const url = `${agent().address}/v1/agent/service/ordered`
    const program = `process.on('SIGTERM', () => fetch('${url}').then(({status}) => { console.log('at TERM: ' + status); process.exit() }));
      setInterval(() => {}, 1000); console.log('started')`
    const words = ['service', 'run', '--name=ordered', `--ttl=${ttlMs}ms`, '--', process.execPath, '-e', program]
    await using baton = startCli(words, {agent: agent()})
    await baton.waitForOutput(/started/)
    await becomes('ordered', 'passing')
    baton.kill('SIGTERM')
    expect([(await baton.exited).exitCode, baton.stdout]).toEqual([0, 'started\nat TERM: 404\n'])
  })
})
