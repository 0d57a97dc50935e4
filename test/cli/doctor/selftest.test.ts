import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {runSelftest} from '../../../src/selftest/selftest.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {freePort} from '../../kit/ports.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {waitUntil} from '../../kit/wait-until.js'

interface Report {
  readonly ok: boolean
  readonly findings: readonly {readonly check: string; readonly verdict: string; readonly text: string}[]
}

const proofs = ['exclusion', 'fencing', 'hand-over', 'semaphore', 'expiry', 'wake', 'exec', 'replicate', 'clean']
const proven = (report: Report): Record<string, string> =>
  Object.fromEntries(
    report.findings.filter(({check}) => proofs.includes(check)).map(({check, verdict}) => [check, verdict]),
  )

describe.each(backends)('baton selftest on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})

  const left = async (): Promise<readonly unknown[]> => {
    const here = raw(agent.address)
    const there = raw(agent.addresses.get('dc2') ?? '')
    const keys = [await here.request('GET', '/v1/kv/baton/?keys'), await there.request('GET', '/v1/kv/baton/?keys')]
    const sessions: unknown = (await here.ok('GET', '/v1/session/list')).json()
    return [...keys.map(({status}) => status), sessions]
  }

  it('passes every test that is possible on this cluster, and leaves nothing behind', {timeout: 60_000}, async () => {
    const {exitCode, stdout, stderr} = await runInProcess(['selftest', '--json'], {agent})
    const report = JSON.parse(stdout) as Report
    expect(proven(report)).toEqual({
      ...Object.fromEntries(proofs.map(name => [name, 'ok'])),
      exec: 'skip',
    })
    expect({exitCode, stderr, ok: report.ok}).toEqual({exitCode: 0, stderr: '', ok: true})
    expect(await left()).toEqual([404, 404, []])
  })

  it('removes everything that it wrote if it is stopped', async () => {
    await using test = startCli(['selftest'], {agent})
    const hasKeys = async (): Promise<boolean> =>
      (await raw(agent.address).request('GET', '/v1/kv/baton/?keys')).status === 200
    await waitUntil(hasKeys, {what: 'the first key'})
    test.kill('SIGTERM')
    expect((await test.exited).exitCode).toBe(143)
    expect(await left()).toEqual([404, 404, []])
  })

  it('names a test that does not end', async () => {
    await using proxy = await HttpProxy.start(agent.address)
    proxy.on({method: 'PUT', path: /^\/v1\/txn/, body: /./}, {status: 500, body: 'rpc error'})
    await using client = createClient({address: proxy.address})
    const {signal} = new AbortController()
    const bench = {client, prefix: 'baton/selftest/x', signal, keys: [], sessionName: 'baton selftest x'}
    const found = await runSelftest(bench, 2000)
    expect(found.find(({check}) => check === 'exclusion')).toEqual({
      check: 'exclusion',
      verdict: 'fail',
      text: 'not finished after 2s',
      isDenied: false,
    })
    expect(await left()).toEqual([404, 404, []])
  })

  it('does not begin if a check of doctor fails', async () => {
    const {exitCode, stdout} = await runInProcess(['selftest', '--http-addr', `127.0.0.1:${await freePort()}`])
    expect(stdout).toMatch(/^fail agent .*connection refused/m)
    expect(stdout).toMatch(/^skip selftest +not begun, because a check failed$/m)
    expect(exitCode).toBe(69)
  })
})
