import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../src/embedded/index.js'
import {type ConsulServer, consulIsInstalled, startDevAgent} from '../kit/consul-server.js'
import {raw} from '../kit/raw-consul.js'

const managementToken = '6a1253d2-1785-24fd-91c2-f8e78c745511'
const path = '/v1/internal/acl/authorize'

const policies = [
  '',
  'key_prefix "" { policy = "read" } node_prefix "" { policy = "read" } session "n" { policy = "write" }',
  'key_prefix "app/" { policy = "write" } key "app/secret" { policy = "deny" } operator = "read"',
  'key_prefix "app/" { policy = "write" } key_prefix "app/sub/" { policy = "read" } service "web" { policy = "write" }',
  'key_prefix "app" { policy = "list" } agent_prefix "" { policy = "write" } keyring = "write" acl = "read"',
  'event_prefix "deploy" { policy = "write" } query "" { policy = "read" } node "a" { policy = "deny" }',
  'service_prefix "" { policy = "read" } service "web" { policy = "deny" } session_prefix "" { policy = "read" }',
]
const resources = ['agent', 'event', 'key', 'node', 'query', 'service', 'session', 'acl', 'keyring', 'operator']
const segments = ['', 'a', 'n', 'web', 'app', 'app/', 'app/secret', 'app/sub/x', 'deploy-1']
const questions = resources.flatMap(Resource =>
  segments.flatMap(Segment =>
    ['read', 'write', ...(Resource === 'key' ? ['list', 'write-prefix'] : [])].map(Access => ({
      Resource,
      Segment,
      Access,
    })),
  ),
)
const bodies = [
  ...['', '{', '{}', 'null', '[]', '[{}]', '[null]', '5', '[{"Resource":"key","Access":5}]'],
  ...['[{"Resource":"key","Access":"nope"}]', '[{"Resource":"nope","Access":"read"}]'],
  ...['[{"Resource":"key","Foo":1}]', '[{"Resource":"acl","Access":"list"}]', '[{"Resource":"node","Access":"list"}]'],
  ...['[{"resource":"key","access":"read"}]', '[{"Resource":"key","Access":"read"},{"Resource":"node","Access":"x"}]'],
  JSON.stringify(questions.slice(0, 65)),
]

interface Answer {
  readonly status: number
  readonly text: string
}

describe.runIf(consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1')('the authorize endpoint', () => {
  let consul: ConsulServer
  let agent: EmbeddedAgent
  beforeAll(async () => {
    consul = await startDevAgent({managementToken})
    agent = await startEmbeddedAgent({acl: {managementToken}})
  })
  afterAll(async () => {
    await agent[Symbol.asyncDispose]()
    await consul[Symbol.asyncDispose]()
  })

  const tokenWith = async (address: string, rules: string, at: number): Promise<string> => {
    const master = raw(address, {token: managementToken})
    await master.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name: `p${at}`, Rules: rules})})
    const made = await master.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: `p${at}`}]})})
    return (made.json() as {SecretID: string}).SecretID
  }
  const ask = async (address: string, token: string, body: string, query = ''): Promise<Answer> => {
    const {status, text} = await raw(address, {token}).request('POST', `${path}${query}`, {body})
    const plain = text.replace(/cannot unmarshal (\w+) into Go .*/, 'cannot unmarshal $1').trimEnd()
    return {status, text: plain.startsWith('[') ? JSON.stringify(JSON.parse(plain)) : plain}
  }
  const both = async (work: (address: string) => Promise<unknown>): Promise<void> => {
    const [theirs, ours] = await Promise.all([work(consul.address), work(agent.address)])
    expect(ours).toEqual(theirs)
  }

  it.each(policies)('gives the same answers as Consul for a token with %j', async rules => {
    await both(async address => {
      const token = await tokenWith(address, rules, policies.indexOf(rules))
      const answers: Answer[] = []
      for (let at = 0; at < questions.length; at += 64) {
        answers.push(await ask(address, token, JSON.stringify(questions.slice(at, at + 64))))
      }
      expect(answers.every(({status}) => status === 200)).toBe(true)
      return answers
    })
  })

  it.each(bodies)('accepts or refuses the body as Consul does: %s', body =>
    both(address => ask(address, managementToken, body)),
  )

  it('accepts or refuses tokens and datacenters as Consul does', async () => {
    const one = '[{"Resource":"key","Access":"read"}]'
    for (const token of ['', managementToken, '11111111-2222-3333-4444-555555555555']) {
      for (const query of ['', '?dc=dc1', '?dc=nowhere', '?ns=x']) {
        await both(address => ask(address, token, one, query))
      }
    }
    await both(address => ask(address, '', '[]', '?dc=nowhere'))
    await both(async address => (await raw(address).request('GET', path)).text)
  })
})
