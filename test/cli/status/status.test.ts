import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {freePort} from '../../kit/ports.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-status-'))
afterAll(() => rmSync(folder, {recursive: true}))

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

describe.each(backends)('baton status on $name', backend => {
  const agent = sharedAgent(backend)
  const leaks = useLeakCheck({agent})
  const status = (...words: readonly string[]) => runInProcess(['status', ...words], {agent})

  it('reports for each section that there is nothing to show', async () => {
    const {stdout, exitCode} = await status('none/')
    expect(stdout.split('\n').slice(1, -2)).toEqual([
      'locks: none',
      'sessions: 0',
      'responders: none',
      'jobs: none',
      'replication: none',
    ])
    expect(stdout).toMatch(/^datacenter dc1, Consul [\d.]+, agent on \S+\n/)
    expect(exitCode).toBe(0)
  })

  it('shows holders, queues, sessions that are never renewed, responders, mappings and event watchers', async () => {
    await using client = createClient({address: agent.address})
    const {prefix} = leaks
    await using _mutex = await createMutex(client, {prefix: `${prefix}m`, command: 'indexer'}).acquire()
    await using waiting = startCli(['lock', '-v', `${prefix}m`, '--', 'true'], {agent})
    await waiting.waitForOutput(/waiting for/)
    await using _slot = await createSemaphore(client, {prefix: `${prefix}s`, limit: 3}).acquire()
    const {id} = await client.session.create({name: 'forgotten'})
    await client.kv.acquire(`${prefix}old/.lock`, '', {session: id, flags: 3304740253564472344n})
    await client.agent.registerService({id: 'r', name: 'baton-responder', meta: {responder: 'web-1'}})
    await client.kv.put(`${prefix}from/a`, '1')
    const mappings = [{source: `${prefix}from/`, datacenter: 'dc1', destination: `${prefix}to/`}]
    await createReplicator(client, {mappings, statusDir: `${prefix}statuses`}).runOnce()
    const state = join(folder, backend.name)
    await using _watcher = startCli(['event', 'watch', '--name', 'deploy', '--state', state, '--', 'true'], {agent})
    const words = [prefix, '--status-dir', `${prefix}statuses`]
    await waitUntil(async () => (await status(...words)).stdout.includes(state), {what: 'the watcher is listed'})

    const {stdout, exitCode} = await status(...words)
    const text = stdout
      .replaceAll(prefix, 'P/')
      .replaceAll(uuid, 'ID')
      .replaceAll(/pid \d+/g, 'pid N')
    for (const line of [
      /^locks: 3$/m,
      /^ {2}P\/m {4}mutex, held by .+, pid N, for \d+s, 1 waiting$/m,
      /^ {2}P\/old {2}mutex, held by session ID$/m,
      /^ {2}P\/s {4}semaphore, 1 of 3 held by .+, pid N, for \d+s$/m,
      /^sessions: 4, 1 without a TTL, which nothing renews$/m,
      /^ {2}ID {2}"forgotten" on \S+, ends with serfHealth, holds P\/old$/m,
      /^responders: 1$/m,
      /^ {2}web-1 on \S+$/m,
      /^replication: 1$/m,
      /^ {2}healthy {3}P\/from\/@dc1 -> P\/to\/: copied, 1 key, /m,
      new RegExp(`^ {2}pid N {2}deploy, state ${state}, for \\d+s$`, 'm'),
    ])
      expect(text).toMatch(line)
    expect(exitCode).toBe(0)
    for (const part of ['from/', 'to/', 'statuses/', 'old/']) await client.kv.deleteTree(prefix + part)
    await client.agent.deregisterService('r')
    await client.session.destroy(id)
  })

  it('shows the other sections if one of them cannot be read, and exits with 1', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on({path: /^\/v1\/session\/list/}, {status: 500, body: 'rpc error'})
    const {stdout, exitCode} = await runInProcess(['status', '--http-addr', proxy.address])
    expect(stdout).toContain('\nresponders: none\n')
    expect(stdout).toMatch(/\nlocks: not read: .*rpc error/)
    expect(exitCode).toBe(1)
  })

  it('exits with 69 if there is no agent', async () => {
    const {stdout, exitCode} = await runInProcess(['status', '--http-addr', `127.0.0.1:${await freePort()}`])
    expect({stdout, exitCode}).toEqual({stdout: '', exitCode: 69})
  })
})

describe.each(backends)('baton status on $name with ACLs', backend => {
  const managementToken = '11111111-2222-4333-8444-555555555555'
  const agent = sharedAgent(backend, {managementToken})

  it('names the permissions without which the status may be incomplete, and exits with 1', async () => {
    const policy = {Name: 'app', Rules: 'key_prefix "app/" { policy = "read" } agent_prefix "" { policy = "read" }'}
    const consul = raw(agent.address, {token: managementToken})
    await consul.ok('PUT', '/v1/acl/policy', {body: JSON.stringify(policy)})
    const token = await consul.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: 'app'}]})})
    const {SecretID} = token.json() as {readonly SecretID: string}
    const {stdout, exitCode} = await runInProcess(['status', 'app/', '--token', SecretID], {agent})
    expect(stdout).toContain('\nthe token lacks permissions, so this may be incomplete:\n')
    expect(stdout).toContain('\n  session_prefix "" { policy = "read" }\n')
    expect(stdout).not.toContain('key_prefix "app/"')
    expect(exitCode).toBe(1)
  })
})
