import {once} from 'node:events'
import {mkdir, mkdtemp, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {isDeepStrictEqual} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {raw} from '../kit/raw-consul.js'
import {runCli, startCli} from '../kit/run-cli.js'
import {waitUntil} from '../kit/wait-until.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'baton-dev-'))
})
afterAll(() => rm(folder, {recursive: true}))

const anyPort = ['dev', '--http-addr', '127.0.0.1:0']

describe('baton dev', () => {
  it('reports that it is ready, answers requests, and exits with 0 on TERM', async () => {
    await using dev = startCli(anyPort)
    const [, address = ''] = await dev.waitForOutput(/^baton dev: ready at (\S+)$/m, {stream: 'stdout'})
    expect(await raw(address).kvPut('k', 'v')).toBe(true)
    await dev.waitForOutput(new RegExp(`^export CONSUL_HTTP_ADDR=${address}$`, 'm'), {stream: 'stdout'})
    dev.kill('SIGTERM')
    const {exitCode, stderr} = await dev.exited
    expect(exitCode).toBe(0)
    expect(stderr).toBe(
      'baton: dev: a Consul agent in memory, for this machine only; everything is gone when it stops\n',
    )
  })

  it('refuses an address whose port is in use, and names the reason', async () => {
    await using dev = startCli(anyPort)
    const [, address = ''] = await dev.waitForOutput(/ready at http:\/\/(\S+)/)
    const {exitCode, stderr} = await runCli(['dev', '--http-addr', address])
    expect({exitCode, stderr}).toEqual({
      exitCode: 64,
      stderr: `baton: embedded agent: cannot listen on ${address}: the port is in use (choose another address, or port 0 for any free one)\n`,
    })
  })

  it('stops at once even if a blocking query is waiting', async () => {
    await using dev = startCli([...anyPort])
    const [, address = ''] = await dev.waitForOutput(/ready at (\S+)/)
    const parked = fetch(`${address}/v1/kv/none?index=1&wait=10m`).catch(() => 'cut')
    await fetch(`${address}/v1/kv/none`)
    dev.kill('SIGINT')
    expect((await dev.exited).exitCode).toBe(0)
    expect(await parked).toBe('cut')
  })

  it('writes a ready file that contains all addresses and can be read only by its owner', async () => {
    const path = join(folder, 'ready.json')
    await using dev = startCli([...anyPort, '--datacenter=east', '--datacenter=west', '--acl', '--ready-file', path])
    const [, token = ''] = await dev.waitForOutput(/^management token: (\S+)$/m)
    const facts = JSON.parse(await readFile(path, 'utf8'))
    expect(facts).toMatchObject({address: facts.addresses.east, managementToken: token, pid: dev.pid})
    expect((await stat(path)).mode & 0o077).toBe(0)
    expect(await raw(facts.addresses.west, {token}).datacenters()).toEqual(['west', 'east'])
  })

  it('starts with the keys of a file that kv export has written', async () => {
    const path = join(folder, 'seed.json')
    await writeFile(path, JSON.stringify([{key: 'app/ä', flags: 7, value: 'aGVsbG8='}]))
    await using dev = startCli([...anyPort, '--seed', path])
    const [, address = ''] = await dev.waitForOutput(/ready at (\S+)/)
    expect(await raw(address).kvGet('app/ä')).toMatchObject({value: 'hello', flags: 7})
  })

  it('simulates the members and services that --node names', async () => {
    await using dev = startCli([...anyPort, '--node=web-1:web:blue', '--node=web-1:web:green', '--node=db-1'])
    const [, address = ''] = await dev.waitForOutput(/ready at (\S+)/)
    const members: {Name: string}[] = await raw(address).get('/v1/agent/members')
    expect(members.map(({Name}) => Name)).toEqual(['baton-dev', 'web-1', 'db-1'])
    const instances = await raw(address).get('/v1/health/service/web', {passing: true, tag: 'green'})
    expect(instances).toMatchObject([{Node: {Node: 'web-1'}, Service: {Tags: ['blue', 'green']}}])
  })

  it('registers the services and checks of configuration files, in the order of their names', async () => {
    const dir = join(folder, 'consul.d')
    await mkdir(join(dir, 'folder'), {recursive: true})
    await using app = createServer((_request, response) => response.end('up')).listen(0, '127.0.0.1')
    await once(app, 'listening')
    const {port} = app.address() as AddressInfo
    const service = {name: 'hopscotch', port, tags: ['beta'], address: '127.0.0.1', Meta: {Version: '2'}}
    const check = `id = "hopscotch" name = "running" service_id = "hopscotch" header { x-a = ["b"] }
      http = "http://127.0.0.1:${port}/health" interval = "50ms" timeout = "1s"`
    await writeFile(join(dir, '1-check.hcl'), `check {\n${check}\n}\nserver = true`)
    await writeFile(join(dir, '2-web.json'), JSON.stringify({service}))
    const last = 'services { name = "db" port = 2 check { ttl = "30s" status = "passing" } }'
    await writeFile(join(dir, '3-db.hcl'), `services { name = "db" port = 1 }\n${last}`)
    await writeFile(join(dir, 'notes.txt'), 'x')
    const script = join(folder, 'script.json')
    await writeFile(script, JSON.stringify({checks: [{name: 'script', scriptArgs: ['true'], interval: '50ms'}]}))
    const words = ['--config-dir', dir, '--config-file', script, '--enable-script-checks', '--acl']
    await using dev = startCli([...anyPort, ...words])
    const [, address = ''] = await dev.waitForOutput(/ready at (\S+)/)
    const [, token = ''] = await dev.waitForOutput(/^management token: (\S+)$/m)
    const consul = raw(address, {token})
    const services = await consul.get('/v1/agent/services')
    expect(services).toMatchObject({hopscotch: {Meta: {Version: '2'}, Tags: ['beta'], Port: port}, db: {Port: 2}})
    const states = async (): Promise<string[]> => {
      const checks: Record<string, {CheckID: string; Status: string; ServiceID: string}> =
        await consul.get('/v1/agent/checks')
      return Object.values(checks)
        .map(({CheckID, Status, ServiceID}) => `${CheckID} ${ServiceID} ${Status}`)
        .sort()
    }
    const passing = ['hopscotch hopscotch passing', 'script  passing', 'service:db db passing']
    await waitUntil(async () => isDeepStrictEqual(await states(), passing), {what: 'passing checks'})
    expect(dev.stderr).toContain(
      [
        `baton: config: ${dir}/folder is left out: an agent reads no folder in a folder`,
        `baton: config: ${dir}/notes.txt is left out: its name ends neither in .json nor in .hcl`,
        `baton: config: ${dir}/1-check.hcl: no effect in baton dev: server`,
      ].join('\n'),
    )
  })

  it('runs responders that answer baton exec, and stops them together with the agent', async () => {
    const env = {XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder, HOME: folder}
    const trust = join(folder, 'trust')
    const made = await runCli(['keys', 'init', '--json'], {env})
    expect(made.exitCode, made.stderr).toBe(0)
    const {publicPath} = JSON.parse(made.stdout) as {publicPath: string}
    expect((await runCli(['keys', 'add', publicPath, '--trust-dir', trust], {env})).exitCode).toBe(0)
    await using dev = startCli([...anyPort, '--responders=2', '--trust-dir', trust])
    const [, address = ''] = await dev.waitForOutput(/ready at (\S+)/)
    await dev.waitForOutput(/^responders: responder-1 to responder-2$/m)
    const {stdout, exitCode, stderr} = await runCli(['exec', '--', 'sh', '-c', 'echo I am "$BATON_EXEC_NODE"'], {
      agent: {address},
      env,
    })
    expect(exitCode, stderr).toBe(0)
    for (const name of ['responder-1', 'responder-2']) expect(stdout).toContain(`I am ${name}`)
    dev.kill('SIGTERM')
    expect((await dev.exited).exitCode).toBe(0)
  })

  it('sets the name and the metadata of its node', async () => {
    await using dev = startCli([...anyPort, '--name', 'web-9', '--node-meta', 'rack=1', '--node-meta', 'zone:a=b'])
    const [, address = ''] = await dev.waitForOutput(/ready at (\S+)/)
    const self = (await (await fetch(`${address}/v1/agent/self`)).json()) as {Member: {Name: string}; Meta: object}
    expect(self).toMatchObject({Member: {Name: 'web-9'}, Meta: {rack: '1', zone: 'a=b'}})
  })

  it('with --log, logs requests but hides their tokens', async () => {
    await using dev = startCli([...anyPort, '--log'])
    const [, address = ''] = await dev.waitForOutput(/ready at (\S+)/)
    await fetch(`${address}/v1/kv/secret-free?token=hunter2&raw`)
    await dev.waitForOutput(/secret-free\?token=\(hidden\)&raw/, {stream: 'stderr'})
    expect(dev.stderr).not.toContain('hunter2')
  })

  it.each([
    [['--http-addr', '0.0.0.0:0'], "'0.0.0.0' is not a loopback address"],
    [['--http-addr', 'nonsense'], "--http-addr: 'nonsense' is not HOST:PORT"],
    [['--node', 'a:b:c:d'], "--node: 'a:b:c:d' is not NAME[:SERVICE[:TAG]]"],
    [['--name', 'a b'], "'a b' cannot name a node"],
    [['--node-meta', 'rack'], "--node-meta: 'rack' is not KEY=VALUE"],
    [['--node-meta', 'a=1', '--node-meta', 'a=2'], "--node-meta: 'a' is given twice"],
    [['--seed', '/nowhere/seed.json'], '--seed: cannot read /nowhere/seed.json: ENOENT'],
    [['--datacenter', 'UP'], "'UP' cannot name a datacenter"],
  ])('refuses %j with one line and exit code 64', async (words, text) => {
    const {exitCode, stderr, stdout} = await runCli(['dev', ...words])
    expect({exitCode, stdout}).toEqual({exitCode: 64, stdout: ''})
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(text)
  })

  it('does not listen on the address in CONSUL_HTTP_ADDR, which names the agent for clients', async () => {
    const env = {CONSUL_HTTP_ADDR: 'http://consul.example:8500'}
    const {stdout} = await runCli(['dev', '--print-config'], {env})
    expect(stdout).toContain('CONSUL_HTTP_ADDR')
    await using dev = startCli(anyPort, {env})
    await dev.waitForOutput(/ready at http:\/\/127\.0\.0\.1:\d+/)
  })
})
