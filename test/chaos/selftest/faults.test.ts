import {connect, type Socket} from 'node:net'
import {describe, expect, it} from 'vitest'
import {startCluster, startFederation} from '../../kit/consul-cluster.js'
import {consulIsInstalled, startDevAgent} from '../../kit/consul-server.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {raw} from '../../kit/raw-consul.js'
import {runInProcess} from '../../kit/run-in-process.js'

interface Report {
  readonly ok: boolean
  readonly findings: readonly {readonly check: string; readonly verdict: string; readonly text: string}[]
}

/** Runs a selftest, and returns its exit code and the lines that are not `ok`. */
async function selftest(address: string, ...more: readonly string[]) {
  const {exitCode, stdout} = await runInProcess(['selftest', '--json', '--http-addr', address, ...more])
  const {findings} = JSON.parse(stdout) as Report
  const notOk = findings.filter(({verdict}) => verdict !== 'ok')
  return {exitCode, lines: notOk.map(({check, verdict, text}) => `${verdict} ${check} ${text}`).join('\n')}
}

const required = process.env['BATON_REQUIRE_CONSUL'] === '1'

describe.runIf(consulIsInstalled() || required)('baton selftest names the fault', () => {
  it('if the agent accepts no more connections', async () => {
    const limit = 4
    await using agent = await startDevAgent({config: {limits: {http_max_conns_per_client: limit}}})
    const {hostname, port} = new URL(agent.address)
    const sockets: Socket[] = []
    for (let at = 0; at < limit; at += 1) {
      const socket = connect(Number(port), hostname)
      await new Promise(resolve => socket.once('connect', resolve))
      socket.on('error', () => {})
      sockets.push(socket)
    }
    const {exitCode, lines} = await selftest(agent.address)
    for (const socket of sockets) socket.destroy()
    expect(lines).toMatch(/^fail agent .*reset/m)
    expect(lines).toMatch(/^warn connections .*connections above the limit are reset/m)
    expect(exitCode).toBe(69)
  })

  it('if the token lacks a permission', async () => {
    const managementToken = '11111111-2222-4333-8444-555555555555'
    await using agent = await startDevAgent({managementToken})
    const consul = raw(agent.address, {token: managementToken})
    const Rules =
      'key_prefix "" { policy = "write" } agent_prefix "" { policy = "read" } node_prefix "" { policy = "read" }'
    await consul.put('/v1/acl/policy', {Name: 'keys', Rules})
    const {SecretID} = (await consul.put('/v1/acl/token', {Policies: [{Name: 'keys'}]})) as {readonly SecretID: string}
    const {exitCode, lines} = await selftest(agent.address, '--token', SecretID)
    expect(lines).toMatch(/^warn rights do not suffice for lock/m)
    expect(lines).toMatch(/^fail exclusion .*403.*Permission denied/m)
    expect(exitCode).toBe(77)
  })

  it('if there is no quorum', async () => {
    await using cluster = await startCluster({servers: 3, clients: 1})
    const [client] = cluster.clients
    for (const server of cluster.servers.slice(1)) await server.kill()
    const until = async (): Promise<boolean> =>
      (await raw(client?.address ?? '').request('GET', '/v1/status/leader')).text === '""'
    await expect.poll(until, {timeout: 30_000}).toBe(true)
    const {exitCode, lines} = await selftest(client?.address ?? '')
    expect(lines).toMatch(/^fail leader none: the servers have no quorum$/m)
    expect(exitCode).toBe(69)
  })

  it('if the agent is a server', async () => {
    await using cluster = await startCluster({servers: 1})
    const {exitCode, lines} = await selftest(cluster.servers[0]?.address ?? '')
    expect(lines).toMatch(/^warn role server of dc1: /m)
    expect(exitCode).toBe(0)
  })

  it('if the clocks disagree', async () => {
    await using agent = await startDevAgent()
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on(
      {path: '/v1/status/leader'},
      {
        rewrite: ({status, body}) => ({
          status,
          body,
          headers: {date: new Date(Date.now() - 3_600_000).toUTCString()},
        }),
      },
    )
    const {exitCode, lines} = await selftest(proxy.address)
    expect(lines).toMatch(/^warn clock (?:59m\d+s|1h\S*) ahead of the agent's: /m)
    expect(exitCode).toBe(0)
  })

  it('if the second datacenter cannot be reached', async () => {
    await using federation = await startFederation(['dc1', 'dc2'])
    const [here, there] = [...federation.datacenters.values()]
    for (const agent of there?.agents ?? []) await agent.kill()
    const {exitCode, lines} = await selftest(here?.agents[0]?.address ?? '')
    expect(lines).toMatch(/^warn datacenters dc2 cannot be reached: /m)
    expect(lines).toMatch(/^fail replicate from dc2: /m)
    expect(exitCode).toBe(69)
  })
})
