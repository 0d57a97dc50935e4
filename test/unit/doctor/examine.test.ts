import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {TransportError} from '../../../src/core/errors.js'
import {examine} from '../../../src/doctor/examine.js'
import {examineKeys, type KeyReport} from '../../../src/doctor/keys.js'
import type {TokenSource} from '../../../src/doctor/machine.js'
import type {Finding} from '../../../src/doctor/types.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {type FakeReply, FakeTransport} from '../../kit/fake-transport.js'

const self = {Config: {Version: '1.8.7', NodeName: 'n1'}, DebugConfig: {HTTPMaxConnsPerClient: 200}}
const healthy: Readonly<Record<string, FakeReply>> = {
  '/v1/status/leader': {body: '"127.0.0.1:8300"'},
  '/v1/agent/self': {body: self},
  '/v1/acl/token/self': {status: 401, body: 'ACL support disabled'},
  '/v1/catalog/datacenters': {body: ['dc1']},
  '/v1/health/service/consul': {body: []},
  '/v1/health/service/baton-responder': {body: []},
}
const noKeys: KeyReport = {
  keysDirectory: '/home/me/keys',
  own: [],
  ownProblem: undefined,
  defaultName: 'default',
  trustDirectory: '/etc/trust.d',
  hasTrustDirectory: false,
  trusted: [],
  revoked: [],
  trustProblems: [],
}
const machine = {nodeVersion: 'v20.20.2', platform: 'linux', searchPath: '', keys: noKeys, key: 'app/db'} as const
const denied: FakeReply = {status: 403, body: 'Permission denied'}

async function run(
  answers: Readonly<Record<string, FakeReply>>,
  token: TokenSource = 'none',
): Promise<{readonly find: (check: Finding['check']) => Finding[]; readonly transport: FakeTransport}> {
  const transport = new FakeTransport(({path}) => ({...healthy, ...answers})[path] ?? {status: 404, body: ''})
  const client = createClient({address: '127.0.0.1:8500', transport})
  const findings = await examine({client, ...machine, token})
  for (const {text, fix = ''} of findings) expect(`${text}${fix}`).not.toContain('\n')
  return {find: check => findings.filter(finding => finding.check === check), transport}
}

describe('doctor, when it examines the agent', () => {
  it('finds nothing wrong with a healthy agent, and sends only reads', async () => {
    const {find, transport} = await run({})
    expect(find('agent')).toMatchObject([{verdict: 'ok', text: expect.stringContaining('(Consul 1.8.7, node n1)')}])
    expect(find('leader')).toMatchObject([{verdict: 'ok', text: '127.0.0.1:8300'}])
    expect(find('acl')).toMatchObject([{verdict: 'ok', text: 'disabled'}])
    expect(new Set(transport.requests.map(({method}) => method))).toEqual(new Set(['GET']))
  })

  describe('doctor, when answers take long', () => {
    async function timed(address: string, latencies: readonly number[]): Promise<Finding[]> {
      const clock = new FakeClock()
      let asked = 0
      const transport = new FakeTransport(async ({path}) => {
        if (path === '/v1/status/leader') await clock.advance(latencies[asked++] ?? 0)
        return healthy[path] ?? {status: 404, body: ''}
      })
      const client = createClient({address, transport, clock})
      const found = await examine({client, ...machine, token: 'none'})
      expect(asked).toBe(latencies.length)
      return found.filter(({check}) => check === 'agent')
    }

    it('judges the agent by the fastest of several answers', async () => {
      const found = await timed('127.0.0.1:8500', [900, 700, 20])
      expect(found).toMatchObject([{verdict: 'ok', text: expect.stringContaining('answered in 20ms')}])
    })

    it.each(['127.0.0.1:8500', 'localhost:8500', '[::1]:8500'])(
      'does not recommend a local agent if the slow agent is local: %s',
      async address => {
        const [finding] = await timed(address, [900, 700, 800, 600])
        expect(finding).toMatchObject({verdict: 'warn', text: expect.stringContaining('answered in 600ms')})
        expect(finding?.fix).not.toContain('use an agent on this machine')
      },
    )

    it('recommends a local agent if the slow agent is remote', async () => {
      const found = await timed('192.0.2.1:8500', [900, 700, 800, 600])
      expect(found).toMatchObject([{verdict: 'warn', fix: 'use an agent on this machine'}])
    })
  })

  it('sends no further request if no agent answers', async () => {
    const gone = new TransportError('BATON_CONNECT', 'Consul at x: connection refused', {hint: 'is it running?'})
    const {find, transport} = await run({'/v1/status/leader': gone})
    expect(find('agent')).toEqual([{check: 'agent', verdict: 'fail', text: gone.message, fix: 'is it running?'}])
    expect(transport.requests).toHaveLength(1)
  })

  it('gives advice if the agent answers with an error from its servers', async () => {
    const {find} = await run({'/v1/status/leader': {status: 500, body: 'rpc error making call: EOF'}})
    expect(find('agent')).toMatchObject([{verdict: 'fail', fix: expect.stringContaining('see consul members')}])
    // The agent has answered, so its connections cannot be the cause.
    expect(find('connections')).toEqual([])
  })

  it('does not suggest running doctor if the agent resets the connection', async () => {
    const hint = 'too many? see baton doctor'
    const reset = new TransportError('BATON_CONNECT', 'reset', {hint, details: {code: 'ECONNRESET'}})
    const {find} = await run({'/v1/status/leader': reset})
    expect(find('agent')).toMatchObject([{verdict: 'fail', fix: expect.stringContaining('too many connections')}])
    expect(find('agent')[0]?.fix).not.toContain('baton doctor')
  })

  it('names the command that creates a new key if a signing key is revoked', () => {
    const key = {kid: 'k1', name: 'me', problem: undefined, fix: undefined}
    expect(examineKeys({...noKeys, own: [key], revoked: ['k1']})).toContainEqual(
      expect.objectContaining({check: 'keys', verdict: 'warn', fix: 'create another key: baton keys init NAME'}),
    )
  })

  it('recognises a server that is not Consul', async () => {
    const {find} = await run({'/v1/status/leader': {body: '<html>'}})
    expect(find('agent')).toMatchObject([{verdict: 'fail', text: expect.stringContaining("is not Consul's")}])
  })

  it('recognises a cluster without a leader, and then sends no further request', async () => {
    const {find} = await run({'/v1/status/leader': {body: '""'}})
    expect(find('leader')).toMatchObject([{verdict: 'fail', fix: expect.any(String)}])
    expect(find('acl')).toEqual([])
  })

  it("compares the agent's clock with that of this machine", async () => {
    const at = (ms: number): Promise<Finding[]> =>
      run({
        '/v1/status/leader': {body: '"x"', headers: {date: new Date(Date.now() + ms).toUTCString()}},
      }).then(({find}) => find('clock'))
    expect(await at(0)).toMatchObject([{verdict: 'ok'}])
    expect(await at(60_000)).toMatchObject([{verdict: 'warn', text: expect.stringContaining(' behind ')}])
    expect(await at(-3_600_000)).toMatchObject([{verdict: 'warn', text: expect.stringContaining(' ahead of ')}])
  })

  it('lists each missing permission with the rule that grants it', async () => {
    const {find} = await run(
      {
        '/v1/acl/token/self': {
          body: {AccessorID: 'a1', Policies: [{Name: 'p1'}], ExpirationTime: '2030-01-01T00:00:00Z'},
        },
        '/v1/agent/self': denied,
        '/v1/kv/app/db': denied,
        '/v1/catalog/nodes': {body: []},
        '/v1/catalog/services': {status: 500, body: 'rpc error making call: EOF'},
      },
      'other',
    )
    expect(find('acl')).toMatchObject([
      {verdict: 'ok', text: 'enabled, token a1 with p1, expires 2030-01-01T00:00:00Z'},
    ])
    expect(find('rights').map(({verdict, text, fix}) => [verdict, text.split(':')[0], fix])).toEqual([
      ['warn', 'key app/db', 'key_prefix "app/" { policy = "read" }'],
      ['warn', 'nodes', 'node_prefix "" { policy = "read" }'],
      ['warn', 'services', 'ask again later'],
      ['warn', 'agent', 'agent_prefix "" { policy = "read" }'],
      ['ok', 'to write', undefined],
    ])
  })

  it('distinguishes a token that the cluster does not know from a missing token', async () => {
    const answers = {'/v1/acl/token/self': {status: 403, body: 'ACL not found'}}
    expect((await run(answers, 'other')).find('acl')).toMatchObject([{verdict: 'fail'}])
    expect((await run(answers, 'none')).find('acl')).toMatchObject([{verdict: 'warn'}])
  })

  describe('doctor, with a token whose permissions Consul reports', () => {
    const known: FakeReply = {body: {AccessorID: 'a1', Policies: [{Name: 'p1'}]}}

    async function rights(allows: (resource: string, segment: string, access: string) => boolean): Promise<Finding[]> {
      const asked: string[] = []
      const transport = new FakeTransport(({path, method, body}) => {
        if (path === '/v1/acl/token/self') return known
        if (path !== '/v1/internal/acl/authorize') return healthy[path] ?? denied
        asked.push(method)
        const rows = JSON.parse(String(body)) as {Resource: string; Segment: string; Access: string}[]
        return {body: rows.map(row => ({...row, Allow: allows(row.Resource, row.Segment, row.Access)}))}
      })
      const client = createClient({address: '127.0.0.1:8500', transport})
      const findings = await examine({client, ...machine, token: 'other'})
      expect(asked).toEqual(['POST'])
      return findings.filter(({check, text}) => check === 'rights' && /suffice|none of/.test(text))
    }

    it('lists the commands that the token can run, and the rules that other commands need', async () => {
      const found = await rights(
        (resource, segment, access) => !(resource === 'key' && access === 'write') || segment === 'x',
      )
      const able =
        'suffice for kv wait-for, kv diff, watch and discover, template, env of keys, watch and discover, template of services, watch and template of nodes, service run, register, deregister and maint, service ls, members, event list, event fire'
      expect(found).toContainEqual({check: 'rights', verdict: 'ok', text: able})
      expect(found).toContainEqual({
        check: 'rights',
        verdict: 'warn',
        text: 'do not suffice for lock',
        fix: 'key_prefix "app/db" { policy = "write" }',
      })
    })

    it('fails if the token has no permissions', async () => {
      expect(await rights(() => false)).toMatchObject([{verdict: 'fail', fix: expect.any(String)}])
    })
  })

  describe('doctor, when the agent reports its configuration', () => {
    const settings = async (Server: boolean, DebugConfig: object): Promise<(check: Finding['check']) => Finding[]> =>
      (await run({'/v1/agent/self': {body: {Config: {Datacenter: 'dc1', Server}, DebugConfig}}})).find

    it('warns if the agent is a server, leaves the cluster when stopped, or allows remote execution', async () => {
      const find = await settings(true, {LeaveOnTerm: true, SkipLeaveOnInt: false, DisableRemoteExec: false})
      expect(find('role')).toMatchObject([{verdict: 'warn', fix: expect.stringContaining('client agent')}])
      expect(find('restart')).toMatchObject([
        {
          verdict: 'warn',
          fix: 'set leave_on_terminate = false, set skip_leave_on_interrupt = true, or register a node baton-locks, on which locks keep their sessions',
        },
      ])
      expect(find('rexec')).toMatchObject([
        {verdict: 'warn', fix: expect.stringContaining('disable_remote_exec = true')},
      ])
    })

    it('accepts a client agent that stays in the cluster when stopped and does not allow remote execution', async () => {
      const find = await settings(false, {LeaveOnTerm: false, SkipLeaveOnInt: true, DisableRemoteExec: true})
      expect([...find('role'), ...find('restart'), ...find('rexec')].map(({verdict}) => verdict)).toEqual([
        'ok',
        'ok',
        'ok',
      ])
    })

    it('reports nothing about settings that the agent does not show', async () => {
      const find = await settings(false, {})
      expect([...find('restart'), ...find('rexec')]).toEqual([])
    })
  })

  it('names responders whose check does not pass, or that cannot read their trusted keys', async () => {
    const instance = (name: string, status: string, output: string): object => ({
      Node: {Node: name, Address: '', Datacenter: 'dc1'},
      Service: {ID: 'baton-responder', Service: 'baton-responder', Tags: null, Address: '', Port: 0, Meta: null},
      Checks: [{Node: name, CheckID: 'c', Name: '', Status: status, Output: output, ServiceID: 'baton-responder'}],
    })
    const body = [
      instance('a', 'passing', 'serving'),
      instance('b', 'critical', ''),
      instance('c', 'passing', 'bad file'),
    ]
    const {find} = await run({'/v1/health/service/baton-responder': {body}})
    expect(find('responders').map(({verdict, text}) => [verdict, text])).toEqual([
      ['ok', '2 of 3 passing'],
      ['warn', 'not passing: b'],
      ['warn', 'c: bad file'],
    ])
  })

  it('lists the datacenters that do not answer', async () => {
    const lost = {status: 500, body: 'No path to datacenter'}
    const {find} = await run({'/v1/catalog/datacenters': {body: ['dc1', 'dc2']}, '/v1/health/service/consul': lost})
    expect(find('datacenters').map(({verdict, text}) => [verdict, text.split(' ')[0]])).toEqual([
      ['warn', 'dc1'],
      ['warn', 'dc2'],
    ])
  })

  it('waits at most 3 seconds in total for a datacenter that does not answer', async () => {
    const clock = new FakeClock()
    const answers: Readonly<Record<string, FakeReply>> = {...healthy, '/v1/catalog/datacenters': {body: ['dc1', 'dc2']}}
    const transport = new FakeTransport(
      ({path}) => (path.includes('dc=dc2') ? 'hang' : (answers[path.split('?')[0]!] ?? {status: 404, body: ''})),
      {clock},
    )
    const client = createClient({address: '127.0.0.1:8500', transport, clock})
    const found = examine({client, ...machine, token: 'none'})
    await expect.poll(() => transport.requests.some(({path}) => path.includes('dc=dc2'))).toBe(true)
    await clock.advance(3000)
    expect((await found).filter(({check}) => check === 'datacenters').map(({text}) => text)).toEqual([
      'reachable: dc1',
      'dc2 cannot be reached: no answer within 3s',
    ])
  })
})
