import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {TransportError} from '../../../src/core/errors.js'
import {examine} from '../../../src/doctor/examine.js'
import type {TokenSource} from '../../../src/doctor/machine.js'
import type {Finding} from '../../../src/doctor/types.js'
import {FakeClock} from '../../kit/fake-clock.js'
import {type FakeReply, FakeTransport} from '../../kit/fake-transport.js'

const self = {Config: {Version: '1.8.7', NodeName: 'n1'}, DebugConfig: {HTTPMaxConnsPerClient: 200}}
const healthy: Readonly<Record<string, FakeReply>> = {
  '/v1/status/leader': {body: '"127.0.0.1:8300"'},
  '/v1/agent/self': {body: self},
  '/v1/acl/token/self': {status: 401, body: 'ACL support disabled'},
}
const denied: FakeReply = {status: 403, body: 'Permission denied'}

async function run(
  answers: Readonly<Record<string, FakeReply>>,
  token: TokenSource = 'none',
): Promise<{readonly find: (check: Finding['check']) => Finding[]; readonly transport: FakeTransport}> {
  const transport = new FakeTransport(({path}) => ({...healthy, ...answers})[path] ?? {status: 404, body: ''})
  const client = createClient({address: '127.0.0.1:8500', transport})
  const findings = await examine({client, nodeVersion: 'v20.20.2', searchPath: '', token, key: 'app/db'})
  for (const {text, fix = ''} of findings) expect(`${text}${fix}`).not.toContain('\n')
  return {find: check => findings.filter(finding => finding.check === check), transport}
}

describe('doctor, at the agent', () => {
  it('finds nothing wrong with a healthy agent, and only reads', async () => {
    const {find, transport} = await run({})
    expect(find('agent')).toMatchObject([{verdict: 'ok', text: expect.stringContaining('(Consul 1.8.7, node n1)')}])
    expect(find('leader')).toMatchObject([{verdict: 'ok', text: '127.0.0.1:8300'}])
    expect(find('acl')).toMatchObject([{verdict: 'ok', text: 'disabled'}])
    expect(new Set(transport.requests.map(({method}) => method))).toEqual(new Set(['GET']))
  })

  describe('when answers take their time', () => {
    async function timed(address: string, latencies: readonly number[]): Promise<Finding[]> {
      const clock = new FakeClock()
      let asked = 0
      const transport = new FakeTransport(async ({path}) => {
        if (path === '/v1/status/leader') await clock.advance(latencies[asked++] ?? 0)
        return healthy[path] ?? {status: 404, body: ''}
      })
      const client = createClient({address, transport, clock})
      const found = await examine({client, nodeVersion: 'v20.20.2', searchPath: '', token: 'none', key: 'app/db'})
      expect(asked).toBe(latencies.length)
      return found.filter(({check}) => check === 'agent')
    }

    it('believes the fastest of a few answers', async () => {
      const found = await timed('127.0.0.1:8500', [900, 700, 20])
      expect(found).toMatchObject([{verdict: 'ok', text: expect.stringContaining('answered in 20ms')}])
    })

    it.each(['127.0.0.1:8500', 'localhost:8500', '[::1]:8500'])(
      'does not advise a local agent at %s',
      async address => {
        const [finding] = await timed(address, [900, 700, 800, 600])
        expect(finding).toMatchObject({verdict: 'warn', text: expect.stringContaining('answered in 600ms')})
        expect(finding?.fix).not.toContain('use an agent on this machine')
      },
    )

    it('advises a local agent for a remote one', async () => {
      const found = await timed('192.0.2.1:8500', [900, 700, 800, 600])
      expect(found).toMatchObject([{verdict: 'warn', fix: 'use an agent on this machine'}])
    })
  })

  it('stops asking if no agent answers', async () => {
    const gone = new TransportError('BATON_CONNECT', 'Consul at x: connection refused', {hint: 'is it running?'})
    const {find, transport} = await run({'/v1/status/leader': gone})
    expect(find('agent')).toEqual([{check: 'agent', verdict: 'fail', text: gone.message, fix: 'is it running?'}])
    expect(transport.requests).toHaveLength(1)
  })

  it('recognises a server that is not Consul', async () => {
    const {find} = await run({'/v1/status/leader': {body: '<html>'}})
    expect(find('agent')).toMatchObject([{verdict: 'fail', text: expect.stringContaining("is not Consul's")}])
  })

  it('recognises a cluster without a leader, and asks nothing further', async () => {
    const {find} = await run({'/v1/status/leader': {body: '""'}})
    expect(find('leader')).toMatchObject([{verdict: 'fail', fix: expect.any(String)}])
    expect(find('acl')).toEqual([])
  })

  it('compares the clocks', async () => {
    const at = (ms: number): Promise<Finding[]> =>
      run({
        '/v1/status/leader': {body: '"x"', headers: {date: new Date(Date.now() + ms).toUTCString()}},
      }).then(({find}) => find('clock'))
    expect(await at(0)).toMatchObject([{verdict: 'ok'}])
    expect(await at(60_000)).toMatchObject([{verdict: 'warn', text: expect.stringContaining(' behind ')}])
    expect(await at(-3_600_000)).toMatchObject([{verdict: 'warn', text: expect.stringContaining(' ahead of ')}])
  })

  it('names each missing permission with the rule that grants it', async () => {
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
    ])
  })

  it('distinguishes a token that the cluster does not know from a missing one', async () => {
    const answers = {'/v1/acl/token/self': {status: 403, body: 'ACL not found'}}
    expect((await run(answers, 'other')).find('acl')).toMatchObject([{verdict: 'fail'}])
    expect((await run(answers, 'none')).find('acl')).toMatchObject([{verdict: 'warn'}])
  })
})
