import {access, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../../src/embedded/index.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {type CommandHandle, type CommandResult, runCommand, startCommand} from '../../kit/run-cli.js'

const required = process.env['BATON_REQUIRE_CONSUL'] === '1'

describe.runIf(consulIsInstalled() || required)("Consul's own command on the embedded agent", () => {
  let agent: EmbeddedAgent
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'baton-embedded-'))
    agent = await startEmbeddedAgent({
      datacenters: ['dc1', 'dc2'],
      nodes: [{name: 'web-1', services: [{name: 'web', tags: ['blue']}]}],
    })
  })
  afterAll(async () => {
    await agent[Symbol.asyncDispose]()
    await rm(folder, {recursive: true})
  })

  const consul = (...args: string[]): Promise<CommandResult> => runCommand('consul', args, {agent})
  const start = (...args: string[]): CommandHandle => startCommand('consul', args, {agent})
  const output = async (...args: string[]): Promise<string> => {
    const {stdout, stderr, exitCode} = await consul(...args)
    expect(exitCode, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
    return stdout
  }

  it('kv: puts, gets, compares and sets, lists, exports, imports, deletes', async () => {
    expect(await output('kv', 'put', '-flags=42', 'app/a', 'one')).toContain('Data written to: app/a')
    expect(await output('kv', 'get', 'app/a')).toBe('one\n')
    expect(await output('kv', 'get', '-detailed', 'app/a')).toMatch(/Flags\s+42\n/)
    const {modifyIndex} = (await raw(agent.address).kvGet('app/a'))!
    expect((await consul('kv', 'put', '-cas', '-modify-index=1', 'app/a', 'two')).exitCode).toBe(1)
    await output('kv', 'put', '-cas', `-modify-index=${modifyIndex}`, 'app/a', 'two')
    await output('kv', 'put', 'app/b/c', 'three')
    expect(await output('kv', 'get', '-recurse', 'app/')).toBe('app/a:two\napp/b/c:three\n')
    expect(await output('kv', 'get', '-keys', 'app/')).toBe('app/a\napp/b/\n')
    const exported = await output('kv', 'export', 'app/')
    await output('kv', 'delete', '-recurse', 'app/')
    expect((await consul('kv', 'get', 'app/a')).stderr).toContain('No key exists at: app/a')
    await output('kv', 'import', exported)
    expect(await output('kv', 'get', 'app/b/c')).toBe('three\n')
  })

  it('kv: reads and writes in the other datacenter', async () => {
    await output('kv', 'put', '-datacenter=dc2', 'there', 'yes')
    expect(await output('kv', 'get', '-datacenter=dc2', 'there')).toBe('yes\n')
    expect((await consul('kv', 'get', 'there')).exitCode).toBe(1)
  })

  it('lock: allows one holder at a time, and leaves no key behind', async () => {
    const script = 'echo "start $$"; sleep 0.3; echo "end $$"'
    const both = await Promise.all([consul('lock', 'jobs/one', script), consul('lock', 'jobs/one', script)])
    for (const {exitCode, stdout} of both) {
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(/^start \d+\nend \d+\n$/)
    }
    expect(await raw(agent.address).kvList('jobs/')).toEqual([])
    expect(await raw(agent.address).sessions()).toEqual([])
  })

  it('lock: allows two holders at a time with a limit of two', async () => {
    const runs = await Promise.all(Array.from({length: 3}, () => consul('lock', '-n=2', 'jobs/two', 'sleep 0.2')))
    expect(runs.map(({exitCode}) => exitCode)).toEqual([0, 0, 0])
    expect(await raw(agent.address).kvList('jobs/two')).toEqual([])
  })

  it('exec: reports that no node ran the job', async () => {
    const {stdout, stderr} = await consul('exec', '-wait=200ms', '-wait-repl=10ms', 'uptime')
    expect(stdout + stderr).toMatch(/0 \/ 0 node\(s\) completed \/ acknowledged/)
    expect(await raw(agent.address).kvList('_rexec/')).toEqual([])
  })

  it('event and watch: delivers an event to a watcher', async () => {
    await using watch = start('watch', '-type=event', '-name=deploy', 'cat')
    await watch.waitForOutput(/\[\]/)
    expect(await output('event', '-name=deploy', 'v42')).toMatch(/^Event ID: [0-9a-f-]{36}\n$/)
    await watch.waitForOutput(new RegExp(`"Payload":"${Buffer.from('v42').toString('base64')}"`))
  })

  it('watch: reports a key that appears and then changes', async () => {
    await using watch = start('watch', '-type=key', '-key=watched', 'cat')
    await watch.waitForOutput(/null/)
    await output('kv', 'put', 'watched', 'first')
    await watch.waitForOutput(new RegExp(Buffer.from('first').toString('base64')))
    await output('kv', 'put', 'watched', 'second')
    await watch.waitForOutput(new RegExp(Buffer.from('second').toString('base64')))
  })

  it.each([
    [['members'], /baton-dev\s+127\.0\.0\.1:\d+\s+alive\s+server[\s\S]*web-1\s+\S+\s+alive\s+client/],
    [['members', '-wan'], /baton-dev-dc2\.dc2[\s\S]*baton-dev\.dc1/],
    [['catalog', 'datacenters'], /^dc1\ndc2\n$/],
    [['catalog', 'nodes'], /baton-dev[\s\S]*web-1/],
    [['catalog', 'nodes', '-service=web'], /web-1/],
    [['catalog', 'services', '-tags'], /consul[\s\S]*web\s+blue/],
    [['info'], /server = true[\s\S]*applied_index = \d+/],
    [['operator', 'raft', 'list-peers'], /baton-dev\s+\S+\s+127\.0\.0\.1:\d+\s+leader\s+true/],
    [['rtt', 'baton-dev', 'web-1'], /Estimated baton-dev <-> web-1 rtt/],
  ])('prints the expected output for the arguments %j', async (words, pattern) => {
    expect(await output(...words)).toMatch(pattern)
  })

  it('services and maint: registers a service, puts it into maintenance, and deregisters it', async () => {
    await output('services', 'register', '-name=cache', '-port=6379', '-tag=x')
    expect(await output('catalog', 'services')).toContain('cache')
    await output('maint', '-enable', '-service=cache', '-reason=upgrade')
    await output('maint', '-enable', '-service=cache', '-reason=another')
    const shown = await output('maint')
    expect(shown).toContain('upgrade')
    expect(shown).not.toContain('another')
    await output('maint', '-disable', '-service=cache')
    await output('services', 'deregister', '-id=cache')
    expect(await output('catalog', 'services')).not.toContain('cache')
  })

  it('snapshot: restores a file that was saved with curl; save and inspect report that the file is not from Consul', async () => {
    const path = join(folder, 'saved.snap')
    const notConsuls = 'unexpected file "snapshot of baton dev, not of Consul" in snapshot'
    await output('kv', 'put', 'kept', 'yes')
    const answer = await fetch(`${agent.address}/v1/snapshot`)
    await writeFile(path, Buffer.from(await answer.arrayBuffer()))
    await output('kv', 'delete', 'kept')
    await output('snapshot', 'restore', path)
    expect(await output('kv', 'get', 'kept')).toBe('yes\n')
    expect(await consul('snapshot', 'inspect', path)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(notConsuls),
    })
    const unsaved = join(folder, 'unsaved.snap')
    expect(await consul('snapshot', 'save', unsaved)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(notConsuls),
    })
    await expect(access(unsaved)).rejects.toMatchObject({code: 'ENOENT'})
  })
})

describe.runIf(consulIsInstalled() || required)('consul acl on the embedded agent', () => {
  const managementToken = '6a1253d2-1785-24fd-91c2-f8e78c745511'
  let agent: EmbeddedAgent
  beforeAll(async () => {
    agent = await startEmbeddedAgent({acl: {managementToken}})
  })
  afterAll(() => agent[Symbol.asyncDispose]())

  async function acl(...args: string[]): Promise<string> {
    const env = {CONSUL_HTTP_TOKEN: managementToken}
    const {stdout, stderr, exitCode} = await runCommand('consul', ['acl', ...args], {agent, env})
    expect(exitCode, `${args.join(' ')}: ${stdout}${stderr}`).toBe(0)
    return stdout
  }
  const field = (name: string, text: string): string => new RegExp(`^${name}: +(\\S+)`, 'm').exec(text)?.[1] ?? ''

  it('policy: creates, reads, updates, lists, deletes', async () => {
    const rules = 'key_prefix "app/" { policy = "write" }'
    const id = field('ID', await acl('policy', 'create', '-name=app', `-rules=${rules}`))
    expect(await acl('policy', 'read', '-name=app')).toContain('app/')
    expect(await acl('policy', 'update', `-id=${id}`, '-description=ours')).toMatch(/Description: +ours[\s\S]*app\//)
    expect(await acl('policy', 'list')).toMatch(/global-management:[\s\S]*app:/)
    expect(await acl('policy', 'delete', `-id=${id}`)).toContain('deleted successfully')
  })

  it('token: creates, reads, updates, clones, lists, deletes', async () => {
    await acl('policy', 'create', '-name=one')
    await acl('policy', 'create', '-name=two')
    const id = field('AccessorID', await acl('token', 'create', '-policy-name=one', '-expires-ttl=1h', '-local'))
    expect(await acl('token', 'update', `-id=${id}`, '-policy-name=two', '-merge-policies')).toMatch(/one[\s\S]*two/)
    expect(await acl('token', 'read', `-id=${id}`)).toMatch(/Local: +true[\s\S]*Expiration Time:[\s\S]*one/)
    const cloned = await acl('token', 'clone', `-id=${id}`, '-description=copy')
    expect(cloned).toMatch(/Description: +copy[\s\S]*one[\s\S]*two/)
    expect(await acl('token', 'list')).toContain(field('AccessorID', cloned))
    expect(await acl('token', 'delete', `-id=${id}`)).toContain('deleted successfully')
  })

  it('set-agent-token: makes requests without a token use the default token', async () => {
    expect(await raw(agent.address).request('PUT', '/v1/kv/k', {body: 'v'})).toMatchObject({status: 403})
    await acl('set-agent-token', 'default', managementToken)
    expect(await raw(agent.address).request('PUT', '/v1/kv/k', {body: 'v'})).toMatchObject({status: 200})
  })
})
