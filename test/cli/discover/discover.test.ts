import {createServer} from 'node:http'
import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {freePort} from '../../kit/ports.js'
import {raw} from '../../kit/raw-consul.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {type InProcessCommand, runInProcess, startInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

const list = {services: [{uri: 'http://pool04.boxworld.org/api/v2', capabilities: [{name: 'resize', capacity: 23}]}]}

interface LogLine {
  readonly msg: string
  readonly url?: string
}
const logLines = (handle: CommandHandle | InProcessCommand): LogLine[] =>
  handle.stderr
    .split('\n')
    .filter(line => line.startsWith('{') && line.endsWith('}'))
    .map(line => JSON.parse(line) as LogLine)

async function urlOf(handle: CommandHandle | InProcessCommand): Promise<string> {
  await handle.waitForOutput(/"msg":"listening"/)
  return logLines(handle).find(line => line.msg === 'listening')?.url ?? ''
}

describe.each(backends)('baton discover on $name', backend => {
  const agent = sharedAgent(backend)
  const put = (key: string, value: unknown): Promise<unknown> =>
    raw(agent.address).ok('PUT', `/v1/kv/${key}`, {body: typeof value === 'string' ? value : JSON.stringify(value)})

  it.each(['SIGTERM', 'SIGINT'] as const)('stops its HTTP server and then its queries on %s', async signal => {
    await put('c1/services', list)
    await using daemon = startCli(['discover', 'c1/services', '--listen', '127.0.0.1:0', '--log-level', 'debug'], {
      agent,
    })
    const url = await urlOf(daemon)
    await daemon.waitForOutput(/"msg":"updating services"/)
    const {index} = (await (await fetch(`${url}/healthz`)).json()) as {index: string}
    const parked = fetch(`${url}/services?index=${index}&wait=10m`)
    const isParked = async (): Promise<boolean> =>
      /baton_discover_open_requests 2\n/.test(await (await fetch(`${url}/metrics`)).text())
    await waitUntil(isParked, {what: 'the query to park'})
    daemon.kill(signal)
    expect((await daemon.exited).exitCode).toBe(0)
    expect(await (await parked).json()).toEqual(list)
    const messages = logLines(daemon).map(line => line.msg)
    expect(messages.slice(messages.indexOf('shutting down'))).toEqual([
      'shutting down',
      'shutting down http service',
      'http service stopped',
      'worker shutting down',
      'worker stopped',
      'stopped',
    ])
    const started = ['starting up', 'worker starting', 'starting http service', 'listening']
    expect(messages.filter(message => started.includes(message))).toEqual(started)
    const work = ['sending request', 'received response', 'updating services', 'sending request']
    expect(messages.filter(message => work.includes(message)).slice(0, 4)).toEqual(work)
  })

  it('serves the value of the key, and serves the new value soon after a change', async () => {
    await put('c2/services', list)
    await using daemon = startInProcess(['discover', 'c2/services', '--listen', '127.0.0.1:0'], {
      agent,
      env: {CONSUL_HTTP_TOKEN: ''},
    })
    const url = await urlOf(daemon)
    await waitUntil(async () => (await fetch(`${url}/services`)).ok, {what: 'the first list'})
    const first = await fetch(`${url}/services`)
    const index = first.headers.get('x-consul-index') ?? ''
    expect(await first.json()).toEqual(list)
    const parked = fetch(`${url}/services?index=${index}&wait=1m`)
    await put('c2/services', {services: []})
    expect(await (await parked).json()).toEqual({services: []})
  })

  it('shows its settings without the token', async () => {
    await put('c3/services', list)
    const args = ['discover', 'c3/services', '--listen', '127.0.0.1:0', '--token', 'secret-token-1']
    await using daemon = startInProcess(args, {agent})
    const text = await (await fetch(`${await urlOf(daemon)}/config`)).text()
    expect(JSON.parse(text)).toMatchObject({
      source: {key: 'c3/services'},
      settings: {listen: {value: '127.0.0.1:0', source: 'flag'}, token: {source: 'flag'}},
    })
    expect(text).not.toContain('secret-token-1')
    expect(daemon.stderr).not.toContain('secret-token-1')
  })

  it('prints the list once with --once', async () => {
    await put('c4/services', list)
    const lines = await runInProcess(['discover', 'c4/services', '--once'], {agent})
    expect(lines).toMatchObject({stdout: 'http://pool04.boxworld.org/api/v2\tresize=23\n', stderr: '', exitCode: 0})
    const json = await runInProcess(['discover', '/c4/services', '--once', '--json'], {agent})
    expect(JSON.parse(json.stdout)).toEqual(list)
    await put('c4/bad', '[]')
    const partly = await runInProcess(['discover', '--prefix', 'c4/', '--once'], {agent})
    expect(partly).toMatchObject({stdout: lines.stdout, exitCode: 1})
    expect(partly.stderr).toMatch(/^baton: services document c4\/bad: .*\n$/)
  })

  it.each([
    ['c5/none', 'baton: key c5/none: does not exist\n'],
    ['c5/bad', 'baton: services document c5/bad: services[0].uri: not a URI with a host\n'],
  ])('reports in one line what is wrong with the key %s, and exits with 1', async (key, stderr) => {
    await put('c5/bad', {services: [{uri: 'oops'}]})
    expect(await runInProcess(['discover', key, '--once'], {agent})).toMatchObject({stdout: '', stderr, exitCode: 1})
  })
})

describe('baton discover', () => {
  it.each([
    [[], /^baton: discover: no source for the list \(name a KEY, .*\)\n$/],
    [['a', '--service', 'b'], /^baton: discover: several sources \(.*\)\n$/],
    [['a', '--tag', 't'], /^baton: --tag: only with --service\n$/],
    [['a', '--listen', 'nowhere'], /^baton: listen address: 'nowhere' cannot be used \(.*\)\n$/],
    [
      ['a', '--listen', '192.0.2.1:80'],
      /^baton: listen address 192.0.2.1:80: this machine does not have the address .*\n$/,
    ],
    [['a', '--wait', '5'], /^baton: --wait: '5' is not a duration \(.*\)\n$/],
    [['a', 'b'], /^baton: unexpected argument: b .*\n$/i],
  ])('refuses the arguments %j with one line', async (args, stderr) => {
    const result = await runInProcess(['discover', ...args])
    expect(result.exitCode).toBe(64)
    expect(result.stdout).toBe('')
    expect(result.stderr).toMatch(stderr)
  })

  it('reports in one line that its port is in use', async () => {
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const {port} = other.address() as {port: number}
    const result = await runInProcess(['discover', 'a', '--listen', `127.0.0.1:${port}`])
    other.close()
    expect(result.exitCode).toBe(64)
    expect(result.stderr).toMatch(/^baton: listen address 127\.0\.0\.1:\d+: the port is in use \(.*\)\n$/)
  })

  it('exits with 69 with --once if Consul cannot be reached', async () => {
    const address = `http://127.0.0.1:${await freePort()}`
    const result = await runInProcess(['discover', 'a', '--once'], {agent: {address}})
    expect(result).toMatchObject({stdout: '', exitCode: 69})
    expect(result.stderr).toMatch(/^baton: Consul at .*: connection refused \(.*\)\n$/)
  })

  it('serves its HTTP pages and keeps trying while Consul cannot be reached, and reports the outage once', async () => {
    const address = `http://127.0.0.1:${await freePort()}`
    await using daemon = startInProcess(['discover', 'a', '--listen', '127.0.0.1:0'], {agent: {address}})
    const url = await urlOf(daemon)
    const health = async () =>
      (await (await fetch(`${url}/healthz`)).json()) as {state: string; stats: {failures: number}}
    await waitUntil(async () => (await health()).stats.failures >= 2, {what: 'another try'})
    expect((await health()).state).toBe('starting')
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    expect((await fetch(`${url}/services`)).status).toBe(503)
    expect(logLines(daemon).filter(line => line.msg === 'problem found')).toHaveLength(1)
    daemon.kill()
    expect((await daemon.exited).exitCode).toBe(0)
  })
})
