import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../src/embedded/index.js'
import {type ConsulServer, consulIsInstalled, startDevAgent} from '../kit/consul-server.js'

const managementToken = '6a1253d2-1785-24fd-91c2-f8e78c745511'
const [accessor, secret] = ['aaaaaaaa-2222-3333-4444-555555555555', 'bbbbbbbb-2222-3333-4444-555555555555']
const unknown = '11111111-2222-3333-4444-555555555555'
const management = '00000000-0000-0000-0000-000000000001'
const anonymous = '00000000-0000-0000-0000-000000000002'
const token = `/v1/acl/token/${accessor}`

/** Requests in order. `{p}` is the ID of the first policy. A body is sent unchanged. */
const requests: readonly (readonly [method: string, path: string, body?: string])[] = [
  // Go clients send every field, even a field that has Go's zero value.
  [
    'PUT',
    '/v1/acl/policy',
    '{"ID":"","Name":"p1","Description":"d","Rules":"key_prefix \\"\\" { policy = \\"read\\" }","Datacenters":null,"Hash":null,"CreateIndex":0,"ModifyIndex":0}',
  ],
  ['PUT', '/v1/acl/policy', '{"Name":"here","Datacenters":["dc1"]}'],
  ['GET', '/v1/acl/policies'],
  ['GET', '/v1/acl/policy/{p}'],
  ['GET', '/v1/acl/policy/name/p1'],
  [
    'PUT',
    '/v1/acl/policy/{p}',
    '{"ID":"{p}","Name":"p1","Description":"new","Rules":"","Hash":"aGFzaA==","CreateIndex":9}',
  ],
  ...[
    ...[
      '',
      '{',
      '[]',
      'null',
      '{}',
      '{"Name":5}',
      '{"Name":"x","Foo":1}',
      '{"Name":"x","Namespace":"y"}',
      '{"Name":"p 3"}',
    ],
    ...['{"Name":"p1"}', `{"ID":"${unknown}","Name":"x"}`, '{"Name":"x","Hash":5}', '{"Name":"x","CreateIndex":"5"}'],
  ].map(body => ['PUT', '/v1/acl/policy', body] as const),
  ['PUT', `/v1/acl/policy/${unknown}`, '{"Name":"px"}'],
  ['PUT', `/v1/acl/policy/${unknown}`, `{"ID":"${accessor}","Name":"px"}`],
  ['PUT', `/v1/acl/policy/${management}`, '{"Name":"global-management","Rules":"operator = \\"read\\""}'],
  ['GET', '/v1/acl/policy/name/nope'],
  ['GET', '/v1/acl/policy/nope'],
  ['GET', `/v1/acl/policy/${unknown}`],
  ['GET', '/v1/acl/policy/'],
  ['DELETE', `/v1/acl/policy/${unknown}`],
  ['DELETE', '/v1/acl/policy/nope'],
  ['DELETE', `/v1/acl/policy/${management}`],
  [
    'PUT',
    '/v1/acl/token',
    '{"CreateIndex":0,"ModifyIndex":0,"AccessorID":"","SecretID":"","Description":"t1","Policies":[{"ID":"","Name":"p1"}],"Roles":null,"ServiceIdentities":null,"NodeIdentities":null,"Local":false,"CreateTime":"0001-01-01T00:00:00Z"}',
  ],
  [
    'PUT',
    '/v1/acl/token',
    `{"AccessorID":"${accessor}","SecretID":"${secret}","Local":true,"Hash":null,"AuthMethod":""}`,
  ],
  ['PUT', '/v1/acl/token', '{"ServiceIdentities":[{"ServiceName":"web","Datacenters":["dc1"]}]}'],
  ['PUT', '/v1/acl/token', '{"NodeIdentities":[{"NodeName":"n","Datacenter":"dc1"}]}'],
  ...[
    ...[
      '',
      '{',
      '[]',
      'null',
      '{"Foo":1}',
      '{"ID":"x"}',
      '{"Description":5}',
      '{"Local":"x"}',
      '{"Rules":"x"}',
      '{"Hash":5}',
    ],
    ...[`{"AccessorID":"${accessor}"}`, `{"SecretID":"${secret}"}`, '{"AccessorID":"nope"}', '{"SecretID":"nope"}'],
    ...['{"Policies":[{"Name":"nope"}]}', `{"Policies":[{"ID":"${unknown}"}]}`, '{"Policies":[{"ID":"nope"}]}'],
    ...[
      '{"Policies":[{}]}',
      '{"Policies":[{"Foo":1}]}',
      '{"Roles":[{"Name":"nope"}]}',
      `{"Roles":[{"ID":"${unknown}"}]}`,
    ],
    ...['{"ExpirationTTL":""}', '{"ExpirationTTL":"x"}', '{"ExpirationTTL":"1s"}', '{"ExpirationTTL":"25h"}'],
    ...['{"ExpirationTTL":"-1h"}', '{"ExpirationTime":"x"}', '{"ExpirationTime":"2020-01-01T00:00:00Z"}'],
    ...['{"CreateTime":"x"}', '{"AuthMethod":"x"}', '{"ExpirationTTL":"1h","ExpirationTime":"2040-01-01T00:00:00Z"}'],
    ...['{"ServiceIdentities":[{"ServiceName":"WEB"}]}', '{"ServiceIdentities":[{}]}', '{"NodeIdentities":[{}]}'],
    ...['{"NodeIdentities":[{"NodeName":"a"}]}', '{"NodeIdentities":[{"NodeName":"A_","Datacenter":"dc1"}]}'],
  ].map(body => ['PUT', '/v1/acl/token', body] as const),
  ['GET', token],
  ['PUT', token, '{"Description":"new","Local":true,"Policies":[{"Name":"here"}]}'],
  ['PUT', token, '{"Description":"new","Local":false}'],
  ['PUT', token, `{"AccessorID":"${unknown}"}`],
  ['PUT', token, `{"Local":true,"SecretID":"${unknown}"}`],
  ['PUT', `/v1/acl/token/${unknown}`, '{}'],
  ['PUT', '/v1/acl/token/nope', '{}'],
  ['PUT', '/v1/acl/token/', '{}'],
  ['PUT', `${token}/clone`, '{"Description":"cloned"}'],
  ['PUT', `${token}/clone`, '{}'],
  ['PUT', `${token}/clone`, ''],
  ['PUT', `${token}/clone`, '{"Foo":1}'],
  ['PUT', `/v1/acl/token/${unknown}/clone`, '{}'],
  ['PUT', '/v1/acl/token/self/clone', '{}'],
  ['GET', '/v1/acl/token/nope'],
  ['GET', '/v1/acl/token/'],
  ['GET', '/v1/acl/token/self'],
  ['GET', `/v1/acl/token/${unknown}`],
  ['GET', '/v1/acl/tokens?policy={p}'],
  ['DELETE', '/v1/acl/policy/{p}'],
  ['GET', '/v1/acl/tokens?role=x'],
  ['DELETE', token],
  ['GET', token],
  ['DELETE', `/v1/acl/token/${unknown}`],
  ['DELETE', `/v1/acl/token/${anonymous}`],
  ['DELETE', '/v1/acl/token/nope'],
  ['DELETE', '/v1/acl/token/self'],
  ['PUT', '/v1/agent/token/nope', '{"Token":"x"}'],
  ['PUT', '/v1/agent/token/default', ''],
  ['PUT', '/v1/agent/token/agent_master', '{"Token":"x"}'],
  ['PUT', '/v1/acl/bootstrap'],
]

const headers = ['content-type', 'allow', 'x-consul-knownleader', 'x-consul-lastcontact']
const types = /(a Go|Go) (value of type|struct field) .*/

/** Returns one agent's answers, without IDs, times, hashes and indexes. */
async function answers(address: string): Promise<readonly string[]> {
  let policy = ''
  const lines: string[] = []
  for (const [method, path, body] of requests) {
    const fill = (text: string): string => text.replaceAll('{p}', policy)
    const answer = await fetch(`${address}${fill(path)}`, {
      method,
      headers: {'x-consul-token': managementToken},
      ...(body !== undefined && {body: fill(body)}),
    })
    const text = await answer.text()
    policy ||= (JSON.parse(text) as {ID: string}).ID
    const shown = headers.map(name => answer.headers.get(name) ?? '-').join(' ')
    lines.push(`${method} ${path} ${body ?? ''}\n${answer.status} ${shown}\n${plain(text, policy)}`)
  }
  return lines
}

function plain(text: string, policy: string): string {
  const own = text
    .replaceAll(policy, 'POLICY')
    .replace(types, '(type)')
    .replace(/"(Hash|CreateTime|ExpirationTime)": ?"[^"]+"/g, '"$1":"…"')
    .replace(/"(CreateIndex|ModifyIndex)": ?\d+/g, '"$1":0')
    .replace(/"(AccessorID|SecretID|ID)": ?"(?!0000|aaaa|bbbb|6a12)[^"]+"/g, '"$1":"…"')
    .replace(/reset index: \d+/, 'reset index: 5')
    .replace(/\(was -?[^)]*\)/, '(was …)')
  if (!/^[[{]/.test(own)) return own.trimEnd()
  const value = JSON.parse(own) as unknown
  // The order of lists depends on random IDs, so they are sorted before they are compared.
  return JSON.stringify(Array.isArray(value) ? value.map(item => JSON.stringify(item)).toSorted() : value)
}

describe.runIf(consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1')('bodies of ACL requests', () => {
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

  it('are accepted or refused with the same messages by the embedded agent and by Consul', async () => {
    const [real, embedded] = [await answers(consul.address), await answers(agent.address)]
    for (const [at, line] of embedded.entries()) expect.soft(line).toBe(real[at])
  })
})
