import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {readIfExists} from '../../kit/read-if-exists.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-template-talk-'))
afterAll(() => rmSync(folder, {recursive: true, force: true}))

const template =
  'upstream hopscotch {\n{{ range service "prod.hopscotch" }} server {{ .Address }}:{{ .Port }};\n{{ end }}}\n'
const upstreams = (...hosts: number[]): string =>
  ['upstream hopscotch {', ...hosts.map(host => ` server 10.202.2.${host}:8084;`), '}\n'].join('\n')
const all = upstreams(211, 212, 213, 214, 215, 216)
const withoutWeb4 = upstreams(211, 212, 213, 215, 216)

// The services, template and commands of "A talk about Consul" by Rob N, which docs/commands/template.md cites.
describe.each(backends)('the consul-template commands of a published talk, run by baton on $name', backend => {
  const agent = sharedAgent(backend)
  const cwd = join(folder, backend.name)
  const config = (): string => readIfExists(join(cwd, 'nginx.cfg'))
  const log = (): string => readIfExists(join(cwd, 'log'))
  const becomes = (expected: string): Promise<unknown> =>
    waitUntil(() => config() === expected, {what: 'the new file', detail: config})

  async function register(node: string, host: number, tag: string, status: 'passing' | 'critical'): Promise<void> {
    const service = {Service: 'hopscotch', Tags: [tag], Port: 8084}
    const check = {CheckID: 'hopscotch', Name: 'hopscotch running', ServiceID: 'hopscotch', Status: status}
    const body = {Node: node, Address: `10.202.2.${host}`, Service: service, Check: check}
    await raw(agent.address).ok('PUT', '/v1/catalog/register', {body: JSON.stringify(body)})
  }
  const web4 = (status: 'passing' | 'critical'): Promise<void> => register('web4', 214, 'prod', status)

  beforeAll(async () => {
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'nginx.tpl'), template)
    await register('betaweb1', 10, 'beta', 'passing')
    await register('qaweb1', 11, 'qa', 'passing')
    for (const web of [1, 2, 3, 4, 5, 6]) await register(`web${web}`, 210 + web, 'prod', 'passing')
  })

  it('write the configuration with all passing instances, and then exit if -once is given', async () => {
    const result = await runCli(['template', '-template', 'nginx.tpl:nginx.cfg', '-once'], {agent, cwd})
    expect([result.exitCode, result.stdout, result.stderr, config()]).toEqual([0, '', '', all])
  })

  it('rewrite the configuration when an instance fails and when it recovers', async () => {
    await using baton = startCli(['template', '-template', 'nginx.tpl:nginx.cfg'], {agent, cwd})
    await web4('critical')
    await becomes(withoutWeb4)
    await web4('passing')
    await becomes(all)
    baton.kill('SIGTERM')
    expect((await baton.exited).exitCode).toBe(0)
  })

  it('run a command after each rewrite of the configuration', async () => {
    rmSync(join(cwd, 'nginx.cfg'))
    const words = ['template', '-template', 'nginx.tpl:nginx.cfg:grep -c server nginx.cfg >> log']
    await using baton = startCli(words, {agent, cwd})
    await waitUntil(() => log() === '6\n', {what: 'the first command'})
    await web4('critical')
    await waitUntil(() => log() === '6\n5\n', {what: 'the second command'})
    baton.kill('SIGTERM')
    expect((await baton.exited).exitCode).toBe(0)
    expect(log()).toBe('6\n5\n')
  })

  it('supervise a child, and restart or signal it after each rewrite of the configuration', async () => {
    const nginx = join(cwd, 'nginx')
    const lines = ["trap 'echo reload' HUP", 'echo "start $(grep -c server nginx.cfg)"', 'while :; do sleep 0.05; done']
    writeFileSync(nginx, `#!/bin/sh\n${lines.join('\n')}\n`, {mode: 0o755})
    const words = ['template', '-template', 'nginx.tpl:nginx.cfg', '-exec', './nginx -c nginx.cfg']
    await using restarting = startCli(words, {agent, cwd})
    await restarting.waitForOutput(/start 5/)
    await web4('passing')
    await restarting.waitForOutput(/start 6/)
    restarting.kill('SIGTERM')
    expect([(await restarting.exited).exitCode, restarting.stdout]).toEqual([0, 'start 5\nstart 6\n'])
    await using reloading = startCli([...words, '-exec-reload-signal', 'SIGHUP'], {agent, cwd})
    await reloading.waitForOutput(/start 6/)
    await web4('critical')
    await reloading.waitForOutput(/reload/)
    expect(config()).toBe(withoutWeb4)
    reloading.kill('SIGTERM')
    expect([(await reloading.exited).exitCode, reloading.stdout]).toEqual([0, 'start 6\nreload\n'])
    await web4('passing')
  })
})
