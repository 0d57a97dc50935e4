import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {type ConsulServer, consulIsInstalled} from '../../kit/consul-server.js'
import {checkNoOverlap, criticalSection, readHistory} from '../../kit/history.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

/** Time for which the command would run: longer than the restarts of all agents take. */
const rollingSeconds = 300
const hasConsul = consulIsInstalled() || process.env.BATON_REQUIRE_CONSUL === '1'

describe.runIf(hasConsul)('baton lock through a client agent', () => {
  let cluster: ConsulCluster
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
    cluster = await startCluster({
      servers: 3,
      clients: 3,
      config: ({role}) => (role === 'client' ? {leave_on_terminate: true} : {}),
    })
  }, 120_000)
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
    rmSync(folder, {recursive: true})
  })

  const begin = async (id: string, words: readonly string[], seconds: number, client: number) => {
    const agent = cluster.clients[client]!
    // The previous test may have restarted a server, which the clients find again only after a
    // while.
    await waitUntil(() => raw(agent.address).kvKeys('k/'), {
      what: `an answer through client ${client}`,
      timeoutMs: 60_000,
    })
    const history = join(folder, id)
    const holder = startCli(['lock', ...words, `k/${id}`, '--', criticalSection, history, id, String(seconds)], {agent})
    await waitUntil(() => readHistory(history).length > 0, {what: `${id} to begin`, timeoutMs: 60_000})
    return holder
  }

  it('lets the command continue if the agent is killed and soon restarted', async () => {
    await using holder = await begin('restart', [], 12, 0)
    await cluster.clients[0]!.restart('kill')
    await raw(cluster.clients[0]!.address).ok('PUT', `/v1/agent/join/${cluster.servers[0]!.lanAddress}`)
    const result = await holder.exited
    expect(result).toMatchObject({exitCode: 0, stderr: ''})
    expect(checkNoOverlap(join(folder, 'restart')).finished).toEqual(['restart'])
    await waitUntil(async () => (await raw(cluster.address).kvKeys('k/restart')).length === 0, {what: 'the key to go'})
  })

  it('lets the command continue while the agent leaves and returns, if the session is on a node without an agent', async () => {
    await raw(cluster.address).put('/v1/catalog/register', {Node: 'locks', Address: '127.0.0.1'})
    await using holder = await begin('node', ['--session-node', 'locks'], 15, 2)
    const [{Session: session}] = (await raw(cluster.address).get('/v1/kv/k/node/.lock')) as [{Session: string}]
    const sessions = await raw(cluster.address).sessions()
    expect(sessions.find(one => one.ID === session)).toMatchObject({Node: 'locks'})
    const client = cluster.clients[2]!
    await client.restart('stop')
    await raw(client.address).ok('PUT', `/v1/agent/join/${cluster.servers[0]!.lanAddress}`)
    expect(await holder.exited).toMatchObject({exitCode: 0, stderr: ''})
    expect(checkNoOverlap(join(folder, 'node')).finished).toEqual(['node'])
    await raw(cluster.address).put('/v1/catalog/deregister', {Node: 'locks'})
  })

  it('lets the command continue during a rolling restart of all agents, if a node named baton-locks is registered', async () => {
    await raw(cluster.address).put('/v1/catalog/register', {Node: 'baton-locks', Address: '127.0.0.1'})
    await using holder = await begin('rolling', [], rollingSeconds, 1)
    const key = await raw(cluster.address).kvGet('k/rolling/.lock')
    const sessions = await raw(cluster.address).sessions()
    expect(sessions.find(one => one.ID === key?.session)).toMatchObject({Node: 'baton-locks'})
    for (const agent of [...cluster.clients, ...cluster.servers]) {
      const peer = cluster.servers.find(one => one !== agent)!
      await agent.restart('stop')
      await waitUntil(() => raw(agent.address).ok('PUT', `/v1/agent/join/${peer.lanAddress}`), {
        what: 'the agent joins',
      })
      await cluster.untilReady()
    }
    expect(readHistory(join(folder, 'rolling')).some(({what}) => what === 'end')).toBe(false)
    holder.kill('SIGTERM')
    expect(await holder.exited).toMatchObject({exitCode: 143, stderr: ''})
    await raw(cluster.address).put('/v1/catalog/deregister', {Node: 'baton-locks'})
  }, 400_000)

  it('stops the command before another contender starts if its agent reaches no server (exit code 76)', async () => {
    const history = join(folder, 'cut')
    await using holder = await begin('cut', ['--ttl', '10s', '--lock-delay', '5s', '--grace', '1s'], 120, 0)
    for (const server of cluster.servers) await server.pause()
    const {exitCode, stderr} = await holder.exited
    expect({exitCode, stderr}).toMatchObject({exitCode: 76, stderr: expect.stringContaining('not proven for')})
    for (const server of cluster.servers) server.resume()
    await cluster.untilReady()
    const words = ['lock', 'k/cut', '--', criticalSection, history, 'rival', '0.1']
    expect((await runCli(words, {agent: cluster})).exitCode).toBe(0)
    expect(checkNoOverlap(history)).toMatchObject({order: ['cut', 'rival'], unfinished: ['cut']})
  })

  it('lets the command continue if the leader is lost while other servers are alive', async () => {
    const leader = await cluster.leader()
    await using holder = await begin('leader', [], 20, 0)
    await leader.kill()
    await waitUntil(async () => (await cluster.leader()) !== leader, {what: 'another leader', timeoutMs: 60_000})
    expect(await holder.exited).toMatchObject({exitCode: 0})
    expect(checkNoOverlap(join(folder, 'leader')).finished).toEqual(['leader'])
    await leader.restart()
    await cluster.untilReady()
  })

  it.each([
    {id: 'destroyed-2s', settings: ['--lock-delay', '2s', '--grace', '1s']},
    {id: 'destroyed-4s', settings: ['--lock-delay', '4s', '--grace', '3s']},
    {id: 'destroyed-7s', settings: ['--lock-delay', '7s', '--grace', '5s', '--ttl', '60s']},
  ])(
    'after its session was destroyed, stops even a command that ignores TERM before another contender starts (exit code 76, case: $id)',
    async one => {
      const {id, settings} = one
      const history = join(folder, id)
      const [client, agent] = [cluster.clients[0]!, cluster]
      const stubborn = ['sh', '-c', 'trap "" TERM; exec "$@"', 'sh', criticalSection, history, id, '60']
      await using holder = startCli(['lock', ...settings, `k/${id}`, '--', ...stubborn], {agent: client})
      await waitUntil(() => readHistory(history).length > 0, {what: `${id} to begin`, timeoutMs: 60_000})
      await using rival = startCli(['lock', `k/${id}`, '--', criticalSection, history, 'rival', '0.1'], {agent})
      await raw(cluster.address).sessionDestroy((await raw(cluster.address).kvGet(`k/${id}/.lock`))!.session!)
      expect((await rival.exited).exitCode).toBe(0)
      expect((await holder.exited).exitCode).toBe(76)
      expect(checkNoOverlap(history)).toMatchObject({order: [id, 'rival'], unfinished: [id]})
    },
  )

  it.each(['5s', '48h'])('exits with 64 for a TTL that Consul refuses (%s)', async ttl => {
    const result = await runCli(['lock', '--ttl', ttl, 'k/ttl', '--', 'true'], {agent: cluster.clients[0]!})
    expect(result).toMatchObject({exitCode: 64, stderr: expect.stringContaining(`a session's TTL of ${ttl}`)})
  })

  it.each([
    ['0s', '5s'],
    ['1s', '5s'],
    ['3s', '5s'],
    ['5900ms', '5s'],
  ])(
    'exits with 64 and creates no session if the lock-delay is %s and the grace period of --grace is %s',
    async (lockDelay, grace) => {
      const before = (await raw(cluster.address).sessions()).length
      const words = ['lock', '--lock-delay', lockDelay, '--grace', grace, 'k/refused', '--', 'true']
      const {exitCode, stderr} = await runCli(words, {agent: cluster.clients[0]!})
      expect({exitCode, stderr}).toMatchObject({exitCode: 64, stderr: expect.stringContaining('need 6s')})
      expect(await raw(cluster.address).sessions()).toHaveLength(before)
    },
  )

  it.each([
    {
      how: 'leave-requested',
      client: 1,
      leave: (agent: ConsulServer) => raw(agent.address).ok('PUT', '/v1/agent/leave'),
    },
    {how: 'ended-in-order', client: 2, leave: (agent: ConsulServer) => agent.stop()},
  ])(
    'after the node of the agent has left the cluster, stops the command before another contender starts (exit code 76, case: $how)',
    async one => {
      const {how, client, leave} = one
      // Another contender may acquire the lock 4 s after the node is gone, however recently Consul has confirmed the
      // lock.
      const tight = ['--ttl', '10s', '--lock-delay', '4s', '--grace', '500ms']
      await using holder = await begin(how, tight, 60, client)
      const history = join(folder, how)
      await using rival = startCli(['lock', `k/${how}`, '--', criticalSection, history, 'rival', '0.1'], {
        agent: cluster,
      })
      await leave(cluster.clients[client]!)
      expect((await rival.exited).exitCode).toBe(0)
      const {exitCode, stderr} = await holder.exited
      expect({exitCode, stderr}).toMatchObject({exitCode: 76, stderr: expect.stringContaining('lost after')})
      expect(checkNoOverlap(history)).toMatchObject({order: [how, 'rival'], unfinished: [how]})
    },
  )
})

describe.runIf(hasConsul)('baton lock with a single server', () => {
  it('stops the command before another contender starts if the restarted server does not know the client (exit code 76)', async () => {
    await using cluster = await startCluster({servers: 1, clients: 1})
    const folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
    using _folder = {[Symbol.dispose]: () => rmSync(folder, {recursive: true})}
    const history = join(folder, 'history')
    const [server, client] = [cluster.servers[0]!, cluster.clients[0]!]
    await using holder = startCli(['lock', 'k/lone', '--', criticalSection, history, 'holder', '120'], {agent: client})
    await waitUntil(() => readHistory(history).length > 0, {what: 'the holder to begin', timeoutMs: 60_000})
    const session = (await raw(server.address).kvGet('k/lone/.lock'))?.session
    // The client is suspended, so that the restarted server becomes leader again before it learns of the client.
    await client.pause()
    await server.restart('kill')
    await waitUntil(async () => (await raw(server.address).get(`/v1/session/info/${session ?? ''}`)).length === 0, {
      what: 'the server to reap the client and its session',
      timeoutMs: 60_000,
    })
    client.resume()
    await using rival = startCli(['lock', 'k/lone', '--', criticalSection, history, 'rival', '0.1'], {agent: server})
    const {exitCode, stderr} = await holder.exited
    expect({exitCode, stderr}).toMatchObject({exitCode: 76, stderr: expect.stringContaining('lost after')})
    expect((await rival.exited).exitCode).toBe(0)
    expect(checkNoOverlap(history)).toMatchObject({order: ['holder', 'rival'], unfinished: ['holder']})
  })
})
