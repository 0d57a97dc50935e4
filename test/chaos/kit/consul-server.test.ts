import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {backends} from '../../kit/backend.js'
import {startCluster, startFederation} from '../../kit/consul-cluster.js'
import {startDevAgent} from '../../kit/consul-server.js'
import {isAlive, processInfo} from '../../kit/processes.js'
import {raw} from '../../kit/raw-consul.js'
import {runCommand} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

describe.runIf(backends.some(({name}) => name === 'real'))('a real agent started by the test kit', () => {
  it('accepts writes as soon as it has started, and leaves no process behind', async () => {
    let pid: number
    {
      await using agent = await startDevAgent({node: 'kit-dev', config: {disable_remote_exec: false}})
      pid = agent.pid
      expect(await raw(agent.address).kvPut('kit/a', 'x')).toBe(true)
      expect(await raw(agent.address).kvGet('kit/a')).toMatchObject({value: 'x', lockIndex: 0})
      await raw(agent.address).sessionCreate({Name: 'kit', TTL: '10s'})
      expect(await raw(agent.address).sessions()).toHaveLength(1)
      expect(agent.log).toContain('kit-dev')
    }
    expect(isAlive(pid)).toBe(false)
  })

  it('shows the last lines of its log if it does not start', async () => {
    await expect(startDevAgent({config: {bind_addr: '203.0.113.1'}})).rejects.toThrow(
      /ended \(.*bind|ended \(exit code 1\)/s,
    )
    await expect(startDevAgent({config: {no_such_option: 1}})).rejects.toThrow(/no_such_option/)
  })

  it('denies a request without a token if ACLs are enabled', async () => {
    const managementToken = '8b2e6c1e-9a0c-4a64-8b7e-0d6f0f1d2c3b'
    await using agent = await startDevAgent({managementToken})
    expect((await raw(agent.address).request('PUT', '/v1/kv/kit/key', {body: 'x'})).status).toBe(403)
    expect(await raw(agent.address, {token: managementToken}).kvPut('kit/key', 'x')).toBe(true)
  })

  it('exits if the test process is killed', async () => {
    const script = fileURLToPath(new URL('../../kit/children/abandon-agent.ts', import.meta.url))
    const env = {TMPDIR: mkdtempSync(join(tmpdir(), 'baton-abandoned-'))}
    const result = await runCommand(process.execPath, ['--import', 'tsx', script], {env})
    rmSync(env.TMPDIR, {recursive: true})
    expect(result.signalName, result.stderr).toBe('SIGKILL')
    await waitUntil(() => !isAlive(Number(result.stdout)), {what: 'the agent to be gone'})
  })

  it('can be suspended, resumed, and restarted on the same address', async () => {
    await using agent = await startDevAgent()
    await agent.pause()
    expect(processInfo(agent.pid)?.state).toBe('T')
    agent.resume()
    await agent.untilReady()
    const {pid, address} = agent
    await agent.restart('kill')
    await agent.untilReady()
    expect(agent.address).toBe(address)
    expect(agent.pid).not.toBe(pid)
  })

  it('can join others in a cluster of three servers and a client, in which a new leader is elected', async () => {
    await using cluster = await startCluster({servers: 3, clients: 1, config: {performance: {raft_multiplier: 1}}})
    const [client] = cluster.clients
    expect(await raw(client!.address).kvPut('kit/cluster', '1')).toBe(true)
    const leader = await cluster.leader()
    await leader.kill()
    const answer = await waitUntil(() => raw(client!.address).kvGet('kit/cluster', {consistent: true}), {
      what: 'another leader',
      timeoutMs: 30_000,
    })
    expect(answer.value).toBe('1')
    expect((await cluster.leader()).node).not.toBe(leader.node)
    await leader.restart()
    await cluster.untilReady()
  })

  it('can be joined to another datacenter', async () => {
    await using federation = await startFederation(['dc1', 'dc2'], {clientsPerDc: 1})
    const [one, two] = [federation.dc('dc1'), federation.dc('dc2')]
    await raw(one.clients[0]!.address, {datacenter: 'dc2'}).kvPut('kit/dc', 'from one')
    expect(await raw(two.address).kvGet('kit/dc')).toMatchObject({value: 'from one'})
    expect(await raw(one.address).kvGet('kit/dc')).toBeUndefined()
  })
})
