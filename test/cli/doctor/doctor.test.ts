import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {freePort} from '../../kit/ports.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'

interface Report {
  readonly ok: boolean
  readonly findings: readonly {readonly check: string; readonly verdict: string; readonly text: string}[]
}

describe.each(backends)('baton doctor on $name', backend => {
  const agent = sharedAgent(backend)

  it('prints one line for each check, and exits with 0', async () => {
    const {stdout, stderr, exitCode} = await runInProcess(['doctor'], {agent})
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^((ok {2}|warn|fail) [a-z]+ +\S.*\n)+$/)
    expect(stdout).toMatch(/^(?:ok {3}|warn )agent +\S+ answered in \S+ \(Consul /m)
    expect(stdout).toMatch(/^ok {3}leader +\S/m)
    expect(stdout).toMatch(/^ok {3}acl +disabled$/m)
    expect(stdout).toMatch(/^ok {3}role +development agent of dc1/m)
    expect(stdout).toMatch(/^ok {3}datacenters +reachable: dc1$/m)
    expect(stdout).toMatch(/^ok {3}responders +none/m)
    const limit = {embedded: '\\d+ from this machine to the agent, which has no limit', real: '\\d+ of 200 from'}[
      backend.name
    ]
    expect(stdout).toMatch(new RegExp(`^ok {3}connections +(${limit}|cannot)`, 'm'))
  })

  it('prints the same checks as JSON', async () => {
    const {stdout, exitCode} = await runInProcess(['doctor', '--json'], {agent})
    const report = JSON.parse(stdout) as Report
    expect(exitCode).toBe(0)
    expect(report.ok).toBe(true)
    expect(report.findings.map(({check}) => check)).toEqual(expect.arrayContaining(['node', 'agent', 'leader', 'acl']))
  })
})

describe.each(backends)('baton doctor --lock on $name', backend => {
  const agent = sharedAgent(backend)
  const find = (stdout: string): string | undefined => /^.*\block .*$/m.exec(stdout)?.[0]

  it('reports a free lock, the holder of a held lock, and a key that is not a lock', async () => {
    const free = await runInProcess(['doctor', '--lock', 'jobs/x'], {agent})
    expect(find(free.stdout)).toMatch(/^ok {3}lock +jobs\/x: free$/)
    await using holder = startCli(['lock', '-v', 'jobs/x', '--', 'sleep', '60'], {agent})
    await holder.waitForOutput(/acquired/)
    const held = await runInProcess(['doctor', '--lock', 'jobs/x'], {agent})
    expect(find(held.stdout)).toMatch(
      /^ok {3}lock +jobs\/x: mutex, held by sleep on \S+, pid \d+, since \S+, session \S+ \(node \S+, TTL 15s, lock-delay 15s\)$/,
    )
    await raw(agent.address).ok('PUT', '/v1/kv/jobs/other/.lock', {body: 'something'})
    const other = await runInProcess(['doctor', '--lock', 'jobs/other'], {agent})
    expect(other.exitCode).toBe(1)
    expect(find(other.stdout)).toMatch(
      /^warn lock +jobs\/other: its key jobs\/other\/\.lock was written by something else/,
    )
  })
})

describe.each(backends.filter(({name}) => name === 'real'))('baton doctor with ACLs', backend => {
  const master = '0d9e3a1c-95a3-4d8e-9d0a-6c2f9f1b7a11'
  const agent = sharedAgent(backend, {config: {acl: {enabled: true, default_policy: 'allow', tokens: {master}}}})

  it('reports which permissions the token has and which it lacks', async () => {
    const all = await runInProcess(['doctor', 'app/db'], {agent, env: {CONSUL_HTTP_TOKEN: master}})
    expect(all.exitCode).toBe(0)
    expect(all.stdout).toContain('may read key app/db, nodes, services, agent')
    expect(all.stdout).toMatch(
      /^ok {3}rights +suffice for lock, kv put, kv incr, update and edit, kv wait-for, kv diff, kv import --prefix, watch and discover, template, env of keys, watch and discover, template of services, watch and template of nodes, exec, exec --via rexec, responder, replicate, service run, register, deregister and maint, service ls, members, event list, event fire/m,
    )
    expect(all.stdout).not.toContain(master)
    const consul = raw(agent.address, {token: master})
    const rules = ['key', 'node', 'agent'].map(kind => `${kind}_prefix "" { policy = "deny" }`).join('\n')
    await consul.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name: 'little', Rules: rules})})
    const made = await consul.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: 'little'}]})})
    const {SecretID: little} = made.json() as {SecretID: string}
    const some = await runInProcess(['doctor', 'app/db'], {agent, env: {CONSUL_HTTP_TOKEN: little}})
    expect(some.exitCode).toBe(1)
    expect(some.stdout).toMatch(/^ok {3}acl +enabled, token \S+ with little$/m)
    expect(some.stdout).toContain('may read services')
    expect(some.stdout.match(/^warn rights .* no permission to read.*$/gm)).toHaveLength(3)
    expect(some.stdout).toMatch(/^ok {3}rights +suffice for .*event list, event fire$/m)
    expect(some.stdout).toMatch(/^warn rights +do not suffice for lock \(key_prefix "app\/db" \{ policy = "write" \}/m)
    expect(some.stdout).toContain('(key_prefix "app/" { policy = "read" })')
  })

  it('exits with 77 if the token has no permissions', async () => {
    const consul = raw(agent.address, {token: master})
    const kinds = ['agent', 'event', 'key', 'node', 'service', 'session']
    const Rules = kinds.map(kind => `${kind}_prefix "" { policy = "deny" }`).join('\n')
    await consul.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name: 'none', Rules})})
    const made = await consul.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: 'none'}]})})
    const {SecretID: powerless} = made.json() as {SecretID: string}
    const {stdout, exitCode} = await runInProcess(['doctor'], {agent, env: {CONSUL_HTTP_TOKEN: powerless}})
    expect(exitCode).toBe(77)
    expect(stdout).toMatch(/^fail rights +the token has none of the permissions/m)
  })

  it('exits with 77 for a token that the cluster does not know', async () => {
    const unknown = await runInProcess(['doctor', '--token', 'no-such-token'], {agent})
    expect(unknown.exitCode).toBe(77)
    expect(unknown.stdout).toMatch(/^fail acl +enabled, and this cluster does not know the token/m)
    expect(unknown.stdout).not.toContain('no-such-token')
  })
})

describe('baton doctor', () => {
  it('exits with 69 and says what to do if no agent answers', async () => {
    const {stdout, exitCode} = await runInProcess(['doctor', '--http-addr', `127.0.0.1:${await freePort()}`])
    expect(exitCode).toBe(69)
    expect(stdout).toMatch(/^fail agent +Consul at \S+: connection refused \(.*\)$/m)
  })
})
