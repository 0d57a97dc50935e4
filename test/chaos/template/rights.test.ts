import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, describe, expect, it} from 'vitest'
import {consulIsInstalled, startDevAgent} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'
import {RenderedFile} from './rendered-file.js'

const hasConsul = consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1'
const root = '5f0e3c2a-0000-4000-8000-000000000003'
const acl = {
  enabled: true,
  default_policy: 'deny',
  policy_ttl: '1s',
  tokens: {master: root, default: root, agent: root},
}
const rules = (policy: 'read' | 'deny'): string =>
  ['key', 'service', 'node'].map(kind => `${kind}_prefix "" { policy = "${policy}" }`).join('\n')
const template =
  '{{range service "hop"}}{{.ID}} {{end}}{{range tree "conf"}}{{.Key}}={{.Value}} {{end}}{{range services}}{{.Name}} {{end}}{{len nodes}} {{key "a"}} {{keyOrDefault "b" "none"}}'
const folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))

describe.runIf(hasConsul)('baton template whose token loses its permissions for 20 s', () => {
  it('keeps the file complete and the child running, and restarts the child once per change', async () => {
    await using agent = await startDevAgent({config: {acl}})
    const consul = raw(agent.address, {token: root})
    for (const key of ['conf/x', 'conf/y', 'a', 'b']) await consul.kvPut(key, '1')
    const register = (tag: string): Promise<unknown> =>
      consul.ok('PUT', '/v1/agent/service/register', {body: JSON.stringify({ID: 'hop-1', Name: 'hop', Tags: [tag]})})
    await register('1')
    const {ID} = await consul.put('/v1/acl/policy', {Name: 'all', Rules: rules('read')})
    const {SecretID} = await consul.put('/v1/acl/token', {Policies: [{Name: 'all'}]})
    const allow = (Rules: string): Promise<unknown> => consul.put(`/v1/acl/policy/${ID}`, {ID, Name: 'all', Rules})
    await waitUntil(async () => (await raw(agent.address, {token: SecretID}).kvGet('a'))?.value === '1', {
      what: 'the token',
    })
    writeFileSync(join(folder, 'in.ctmpl'), template)
    const out = join(folder, 'out')
    using file = new RenderedFile(out)
    const words = [
      'template',
      `${join(folder, 'in.ctmpl')}:${out}`,
      '--wait',
      '500ms',
      '--',
      'sh',
      '-c',
      'echo start; exec sleep 1000',
    ]
    await using baton = startCli(words, {agent, env: {CONSUL_HTTP_TOKEN: SecretID}})
    await baton.waitForOutput(/start\n/)
    const full = (others: string, a = others): string => `hop-1 x=1 y=${others} consul hop 1 ${a} ${others}`

    const writeAll = async (value: string): Promise<void> => {
      for (const key of ['a', 'conf/y', 'b']) await consul.kvPut(key, value)
      await register(value)
    }
    await allow(rules('deny'))
    // Consul answers a blocking query with the permissions that the token had when the query began. These writes end
    // such queries.
    await sleep(2000)
    await writeAll('2')
    await waitUntil(() => file.text === full('2'), {what: 'the last answer with permissions'})
    await sleep(8000)
    await consul.kvPut('a', '3')
    await sleep(10_000)
    expect([file.texts, baton.stdout]).toEqual([[full('1'), full('2')], 'start\nstart\n'])
    await allow(rules('read'))
    await waitUntil(() => file.text === full('2', '3'), {what: 'the change', timeoutMs: 60_000})
    await waitUntil(() => baton.stdout === 'start\nstart\nstart\n', {what: 'the restart'})
    baton.kill('SIGTERM')
    expect((await baton.exited).exitCode).toBe(0)
    expect(file.texts).toEqual([full('1'), full('2'), full('2', '3')])
    expect(baton.stdout).toBe('start\nstart\nstart\n')
  })
})
