import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {CommandLines} from '../kit/command-lines.js'
import {raw} from '../kit/raw-consul.js'
import {runInProcess, startInProcess} from '../kit/run-in-process.js'

const master = '0d9e3a1c-95a3-4d8e-9d0a-6c2f9f1b7a11'
const lines = new CommandLines()
afterAll(() => lines[Symbol.dispose]())

const read = (resource: string, name = ''): string => `${resource} "${name}" { policy = "read" }`
const write = (resource: string, name = ''): string => `${resource} "${name}" { policy = "write" }`
const statuses = 'service/consul-replicate/statuses/'
const holdLock = (name: string): string => `${write('key_prefix', name)} ${write('session_prefix')}`
const seeLock = `${read('key_prefix', 'a')} ${read('session_prefix')}`
const jobs = `${read('key_prefix', 'baton/exec/v1/jobs/')} ${read('key_prefix', 'baton/exec/v1/run/')}`

/** Commands that Consul refuses, each with the rules that the error must name. */
const refused: Readonly<Record<string, string>> = {
  discover: read('key', 'a'),
  event: write('event', 'a'),
  'event fire': write('event', 'a'),
  'event watch': `${read('agent_prefix')} ${read('event_prefix')}`,
  'exec submit': write('key_prefix', 'baton/exec/v1/jobs/'),
  'kv cas': read('key', 'a'),
  'kv delete': write('key', 'a'),
  'kv edit': read('key', 'a'),
  'kv get': read('key', 'a'),
  'kv import': write('key', 'a'),
  'kv incr': read('key', 'a'),
  'kv put': write('key', 'a'),
  'kv update': read('key', 'a'),
  'kv wait-for': read('key', 'a'),
  'kv watch': read('key', 'a'),
  lock: holdLock('a'),
  'lock assert': read('key', 'a/.lock'),
  'lock break': `${read('key_prefix', 'a')} ${write('session_prefix')}`,
  'lock history': read('key', 'a/.runs'),
  'lock hold': holdLock('held'),
  'lock overdue': read('key', 'a/.runs'),
  'lock put': read('key', 'a/.lock'),
  'lock status': seeLock,
  'lock watch': seeLock,
  'responder check': `${read('agent_prefix')} ${read('key_prefix', 'baton/exec/v1/jobs/')}`,
  responder: write('service', 'baton-responder'),
  'service register': write('service', 'a'),
  'service run': write('service', 'a'),
  template: read('key', 'a'),
  watch: read('key', 'a'),
  'watch key': read('key', 'a'),
}
/**
 * Commands that read lists. Consul omits from a list what the token may not read, and a warning must name the missing
 * rules.
 */
const listing: Readonly<Record<string, string>> = {
  env: read('key_prefix', 'a/'),
  'event list': read('event_prefix'),
  'event prune': write('key_prefix', 'baton/events/v1/a/'),
  exec: write('key_prefix', 'baton/exec/v1/jobs/'),
  'exec attach': jobs,
  'exec cancel': jobs,
  'exec ls': read('key_prefix', 'baton/exec/v1/jobs/'),
  'exec show': jobs,
  'kv diff': read('key_prefix', 'a/'),
  'kv export': read('key_prefix'),
  'kv ls': read('key_prefix'),
  'lock ls': `${read('key_prefix')} ${read('session_prefix')}`,
  members: read('node_prefix'),
  replicate: `${read('key_prefix', 'a/')} (in dc1)`,
  'replicate approve': write('key_prefix', statuses),
  'replicate held': read('key_prefix', statuses),
  'replicate status': read('key_prefix', statuses),
  'replicate undo': write('key_prefix', statuses),
  'service deregister': write('service_prefix'),
  'service ls': `${read('service_prefix')} ${read('node_prefix')}`,
  'service maint': write('service_prefix'),
  'watch checks': `${read('node_prefix')} ${read('service_prefix')}`,
  'watch event': read('event_prefix'),
  'watch keyprefix': read('key_prefix', 'a'),
  'watch nodes': read('node_prefix'),
  'watch service': `${read('service_prefix')} ${read('node_prefix')}`,
  'watch services': read('service_prefix'),
}
/** Flags without which a command that lists would run until it is stopped, and log its warnings as JSON. */
const listFlags: Readonly<Record<string, readonly string[]>> = {replicate: ['--once']}
/** Commands that report missing permissions in their normal output or in their log lines, and are not run here. */
const reporting = ['doctor', 'selftest', 'status', 'ui']
/**
 * Not run here either: the embedded agent has no prepared queries, and on a real agent no rule is needed to run a
 * prepared query.
 */
const unruled = ['watch query']

describe.each(backends)('a token without permissions on $name', backend => {
  const agent = sharedAgent(backend, {managementToken: master})
  let token = ''

  beforeAll(async () => {
    const consul = raw(agent.address, {token: master})
    const kinds = ['agent', 'event', 'key', 'node', 'service', 'session']
    const Rules = kinds.map(kind => `${kind}_prefix "" { policy = "deny" }`).join('\n')
    await consul.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name: 'none', Rules})})
    const made = await consul.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: 'none'}]})})
    token = (made.json() as {SecretID: string}).SecretID
    await consul.ok('PUT', '/v1/kv/a/.lock')
  })

  const start = (argv: readonly string[]): ReturnType<typeof startInProcess> =>
    startInProcess(argv, {agent, env: {...lines.env, CONSUL_HTTP_TOKEN: token}})
  const textOf = (rule: string): RegExp => new RegExp(rule.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))

  it('is tested in this file with each command that talks to Consul', () => {
    const tried = [...Object.keys(refused), ...Object.keys(listing), ...reporting, ...unruled]
    expect(tried.sort()).toEqual(Object.keys(lines.words).sort())
  })

  it.each(Object.entries(refused))(
    'makes baton %s exit with 77 and name the ACL rules that it needs',
    async (id, rules) => {
      await using command = start(lines.argvOf(id))
      const {exitCode, stderr} = await command.exited
      expect(stderr).toMatch(textOf(rules))
      expect(exitCode).toBe(77)
      expect(stderr).not.toContain(token)
    },
  )

  it.each(Object.entries(listing))(
    'makes baton %s warn that its list is incomplete, and name the missing ACL rules',
    async (id, rules) => {
      await using command = start(lines.argvOf(id, ...(listFlags[id] ?? [])))
      await command.waitForOutput(textOf(rules), {stream: 'stderr'})
      expect(command.stderr).toContain('what the token may not read is left out: it lacks')
      expect(command.stderr).not.toContain(token)
    },
  )

  it.each([
    ['discover --service web --once', `${read('service_prefix')} ${read('node_prefix')}`],
    ['discover --prefix app/ --once', read('key_prefix', 'app/')],
    ['kv get --recurse app/', read('key_prefix', 'app/')],
  ])('makes baton %s name exactly the ACL rules that it needs', async (words, rules) => {
    const {stderr} = await runInProcess(words.split(' '), {agent, env: {CONSUL_HTTP_TOKEN: token}})
    expect(stderr).toBe(`baton: what the token may not read is left out: it lacks ${rules}\n`)
  })

  it.each([
    [[], read('event_prefix')],
    [['--durable'], read('key_prefix', 'baton/events/v1/a/')],
  ])('makes baton event watch name the rule that it lacks for an empty list (flags: %j)', async (flags, rule) => {
    const consul = raw(agent.address, {token: master})
    const Rules = [
      read('agent_prefix'),
      'event_prefix "" { policy = "deny" }',
      'key_prefix "" { policy = "deny" }',
    ].join(' ')
    const Name = `agent-${flags.length}`
    await consul.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name, Rules})})
    const made = await consul.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name}]})})
    const {SecretID} = made.json() as {SecretID: string}
    const env = {CONSUL_HTTP_TOKEN: SecretID}
    await using command = startInProcess(['event', 'watch', '--name', 'a', ...flags], {agent, env})
    const line = `baton: what the token may not read is left out: it lacks ${rule}\n`
    await command.waitForOutput(/lacks/, {stream: 'stderr'})
    expect(command.stderr).toBe(line)
  })

  it.each(['kv diff a/ b/', 'replicate verify a/@dc1:b/'])(
    'makes baton %s exit with 77, and not claim that what it may not read is equal',
    async words => {
      const env = {CONSUL_HTTP_TOKEN: token}
      const {exitCode, stdout, stderr} = await runInProcess([...words.split(' '), '--json'], {agent, env})
      expect(stderr).toContain('the token may not read everything: equality is not proven\n')
      expect(JSON.parse(stdout)).toMatchObject({equal: null})
      expect(exitCode).toBe(77)
    },
  )

  it('makes baton template warn of a list that the token may not read', async () => {
    const source = join(lines.home, 'list.ctmpl')
    writeFileSync(source, '{{ range ls "app/" }}x{{ end }}')
    await using command = start(['template', '--once', `${source}:${join(lines.home, 'list.out')}`])
    const {stderr} = await command.exited
    expect(stderr).toContain(`left out: it lacks ${read('key_prefix', 'app/')}`)
  })

  it.each([
    ['lock --also b/c a true', `${holdLock('a')} ${write('key_prefix', 'b/c')}`],
    ['kv delete --recurse app/', write('key_prefix', 'app/')],
    ['kv import --atomic [{"key":"a","value":""}]', write('key', 'a')],
  ])('makes baton %s exit with 77 and name the ACL rules that it needs', async (words, rules) => {
    const {exitCode, stderr} = await runInProcess(words.split(' '), {agent, env: {CONSUL_HTTP_TOKEN: token}})
    expect(stderr).toMatch(textOf(rules))
    expect(exitCode).toBe(77)
  })
})

describe.each(backends)('a token with all permissions on $name', backend => {
  const agent = sharedAgent(backend, {managementToken: master})

  // `env` is left out: it prints nothing, so the test could not see when `env` has read its list.
  it.each(Object.keys(listing).filter(id => id !== 'env'))(
    'keeps baton %s from printing any warning about permissions',
    async id => {
      await using command = startInProcess(lines.argvOf(id), {agent, env: {...lines.env, CONSUL_HTTP_TOKEN: master}})
      await Promise.race([command.exited, command.waitForOutput(/./, {stream: 'stdout'})])
      expect(command.stderr).not.toContain('lacks')
    },
  )
})
