import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {waitUntil} from '../../kit/wait-until.js'
import {RenderedFile} from './rendered-file.js'

const hasConsul = consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1'
const template = `{{range service "hop"}}{{.ID}}:{{.Port}} {{end}}{{range ls "conf"}}{{.Key}}={{.Value}} {{end}}{{key "a"}}`
const child = `echo "start $(cat "$OUT")"; exec sleep 1000`
const minute = {timeoutMs: 60_000}

describe.runIf(hasConsul)('baton template with a child, through a client agent', () => {
  let cluster: ConsulCluster
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
    writeFileSync(join(folder, 'in.ctmpl'), template)
    cluster = await startCluster({servers: 3, clients: 1})
    for (const key of ['conf/x', 'conf/y']) await put(key, '1')
    await register('hop-1', 1)
    await register('hop-2', 2)
  }, 120_000)
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]()
    rmSync(folder, {recursive: true})
  })
  const client = (): {readonly address: string} => cluster.clients[0]!
  /** Writes a key through any server that accepts the write. */
  const put = (key: string, value: string): Promise<unknown> =>
    waitUntil(
      async () => {
        const up = cluster.servers.find(server => server.running)!
        await raw(up.address).ok('PUT', `/v1/kv/${key}`, {body: value})
        return true
      },
      {what: `a write of ${key}`, ...minute},
    )
  const register = (ID: string, Port: number): Promise<unknown> =>
    raw(client().address).ok('PUT', '/v1/agent/service/register', {
      body: JSON.stringify({ID, Name: 'hop', Port}),
    })
  const full = (a: string): string => `hop-1:1 hop-2:2 x=1 y=1 ${a}`

  async function begin(name: string, a: string, ...flags: string[]): Promise<[CommandHandle, RenderedFile, string]> {
    await put('a', a)
    const out = join(folder, name)
    const words = ['template', `${join(folder, 'in.ctmpl')}:${out}`, ...flags, '--', 'sh', '-c', child]
    const file = new RenderedFile(out)
    const baton = startCli(words, {agent: client(), env: {OUT: out}})
    try {
      await baton.waitForOutput(/start .*\n/, minute)
    } catch (error) {
      file[Symbol.dispose]()
      await baton[Symbol.asyncDispose]()
      throw error
    }
    return [baton, file, out]
  }
  const starts = (baton: CommandHandle): readonly string[] =>
    baton.stdout.split('\n').flatMap(line => (line.startsWith('start ') ? [line.slice(6)] : []))

  it('keeps the file complete and the child running while the leader is replaced, and restarts the child once per change', async () => {
    const [baton, file] = await begin('leader', 'before')
    await using _baton = baton
    using _file = file
    const leader = await cluster.leader()
    await leader.kill()
    await put('a', 'after')
    await waitUntil(() => starts(baton).length === 2, {what: 'the change', ...minute})
    await leader.restart()
    await cluster.untilReady()
    expect(starts(baton)).toEqual([full('before'), full('after')])
    expect(file.texts).toEqual([full('before'), full('after')])
  })

  it('keeps the file complete and the child running while the agent is restarted, and restarts the child once per change', async () => {
    const [baton, file] = await begin('agent', 'before')
    await using _baton = baton
    using _file = file
    await cluster.clients[0]!.restart('kill')
    await raw(client().address).ok('PUT', `/v1/agent/join/${cluster.servers[0]!.lanAddress}`)
    await put('a', 'after')
    await waitUntil(() => starts(baton).length === 2, {what: 'the change', ...minute})
    expect(starts(baton)).toEqual([full('before'), full('after')])
    expect(file.texts).toEqual([full('before'), full('after')])
  })

  it('restarts the child only once, after the changes have ended, if a service changes ten times a second', async () => {
    await raw(client().address).ok('PUT', '/v1/agent/check/register', {
      body: JSON.stringify({ID: 'hop-2', Name: 'hop-2', ServiceID: 'hop-2', TTL: '1h', Status: 'passing'}),
    })
    const set = (state: 'pass' | 'fail'): Promise<unknown> =>
      raw(client().address).ok('PUT', `/v1/agent/check/${state}/hop-2`)
    const [baton, file] = await begin('flapping', 'same', '--wait', '1s:60s')
    await using _baton = baton
    using _file = file
    for (let flip = 0; flip <= 40; flip += 1) {
      await set(flip % 2 === 0 ? 'fail' : 'pass')
      await sleep(100)
    }
    const without = full('same').replace('hop-2:2 ', '')
    await waitUntil(() => starts(baton).length === 2, {what: 'the change', ...minute})
    expect(starts(baton)).toEqual([full('same'), without])
    expect(file.texts).toEqual([full('same'), without])
    await set('pass')
    await waitUntil(() => starts(baton).length === 3, {what: 'the recovery', ...minute})
    expect(file.texts).toEqual([full('same'), without, full('same')])
  })
})
