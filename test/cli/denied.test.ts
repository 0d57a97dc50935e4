import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {runInProcess} from '../kit/run-in-process.js'

const master = '0d9e3a1c-95a3-4d8e-9d0a-6c2f9f1b7a11'

describe.each(backends)('a token without permissions on $name', backend => {
  const agent = sharedAgent(backend, {managementToken: master})
  const home = mkdtempSync(join(tmpdir(), 'baton-denied-'))
  afterAll(() => rmSync(home, {recursive: true}))
  let token = ''

  beforeAll(async () => {
    const consul = raw(agent.address, {token: master})
    const kinds = ['agent', 'event', 'key', 'node', 'service', 'session']
    const Rules = kinds.map(kind => `${kind}_prefix "" { policy = "deny" }`).join('\n')
    await consul.ok('PUT', '/v1/acl/policy', {body: JSON.stringify({Name: 'none', Rules})})
    const made = await consul.ok('PUT', '/v1/acl/token', {body: JSON.stringify({Policies: [{Name: 'none'}]})})
    token = (made.json() as {SecretID: string}).SecretID
  })

  it.each([
    ['kv get app/a', 'key "app/a" { policy = "read" }'],
    ['kv put app/a 1', 'key "app/a" { policy = "write" }'],
    ['kv delete app/a', 'key "app/a" { policy = "write" }'],
    ['kv delete --recurse app/', 'key_prefix "app/" { policy = "write" }'],
    ['event fire deploy', 'event "deploy" { policy = "write" }'],
    ['lock --try app/x -- true', 'key_prefix "app/x" { policy = "write" } session_prefix "" { policy = "write" }'],
    ['lock app/x true', 'key_prefix "app/x" { policy = "write" } session_prefix "" { policy = "write" }'],
    [`responder --name web --trust-dir ${home} --state-dir ${home}`, 'service "baton-responder" { policy = "write" }'],
  ])('makes baton %s show the ACL rules that it needs', async (words, rules) => {
    const {exitCode, stderr} = await runInProcess(words.split(' '), {agent, env: {CONSUL_HTTP_TOKEN: token}})
    expect(stderr.trim().split('\n').at(-1)).toContain(rules)
    expect(exitCode).toBe(77)
    expect(stderr).not.toContain(token)
  })
})
