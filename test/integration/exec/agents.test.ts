import {join} from 'node:path'
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {InitiatorOptions} from '../../../src/exec/initiator/options.js'
import {backends} from '../../kit/backend.js'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, runCommand, startCli} from '../../kit/run-cli.js'
import {TcpProxy} from '../../kit/tcp-proxy.js'
import {waitUntil} from '../../kit/wait-until.js'
import {expectNothingLeft, followRun, openFolder, ours, startResponder} from './support.js'

const agents = ['client-1', 'client-2', 'client-3', 'server-1']
const patient = {ackTimeoutMs: 20_000}
const patience = ['--ack-timeout', '20s']

/** Real Consul only, because only Consul's own agents run `_rexec` jobs. */
describe.each(backends.filter(backend => backend.name === 'real'))('exec through Consul agents on $name', () => {
  let cluster: ConsulCluster
  let client: ConsulClient
  let folder: Awaited<ReturnType<typeof openFolder>>

  beforeAll(async () => {
    folder = await openFolder()
    cluster = await startCluster({servers: 1, clients: 3, config: {disable_remote_exec: false}})
    client = createClient({address: cluster.address})
  }, 120_000)
  afterEach(() => expectNothingLeft(client))
  afterAll(async () => {
    await client[Symbol.asyncDispose]()
    await cluster[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  const run = (options: Partial<InitiatorOptions> = {}) => createInitiator(client, {...patient, ...options})
  const cli = (...words: string[]) => runCli(['exec', ...patience, ...words], {agent: cluster})

  /** Runs `use` while the catalog contains a node that has no agent. */
  async function withGhost<T>(status: string, use: () => Promise<T>): Promise<T> {
    const check = {CheckID: 'serfHealth', Name: 'Serf Health Status', Status: status}
    const body = JSON.stringify({Node: 'ghost', Address: '127.9.9.9', Check: check})
    await raw(cluster.address).ok('PUT', '/v1/catalog/register', {body})
    try {
      return await use()
    } finally {
      await raw(cluster.address).ok('PUT', '/v1/catalog/deregister', {body: JSON.stringify({Node: 'ghost'})})
    }
  }

  it('reaches every agent and prints all output of a node before its exit', async () => {
    const {stdout, exitCode} = await cli('uptime')
    const lines = stdout.split('\n')
    for (const agent of agents) {
      const output = lines.findIndex(line => line.startsWith(`    ${agent}: `) && line.includes('load average'))
      const exit = lines.indexOf(`==> ${agent}: finished with exit code 0`)
      expect(output).toBeGreaterThanOrEqual(0)
      expect(exit).toBeGreaterThan(output)
    }
    expect(lines.slice(-2)).toEqual(['4 / 4 node(s) completed / acknowledged', ''])
    expect(exitCode).toBe(0)
  })

  it('prints the same bytes as consul exec with --compat consul, and has the same exit codes', async () => {
    const commands = [
      ['-node', '^server-1$', 'echo one; echo; echo two'],
      ['-shell=false', '-node', '^client-1$', 'sh', '-c', 'printf "a  b"; exit 3'],
      ['-node', '^nobody$', 'true'],
    ]
    const env = {CONSUL_HTTP_ADDR: cluster.address}
    const runs = commands.map(async words => {
      const [theirs, own] = await Promise.all([
        runCommand('consul', ['exec', ...words], {env}),
        runCli(['exec', '--compat', 'consul', '-wait=20s', ...words], {env}),
      ])
      // Sorts the lines, because consul exec itself sometimes prints a node's exit before the node's
      // output.
      const inAnyOrder = ({stdout}: {stdout: string}) => stdout.split('\n').toSorted()
      expect(inAnyOrder(own), words.join(' ')).toEqual(inAnyOrder(theirs))
      expect(own.exitCode).toBe(theirs.exitCode)
    })
    await Promise.all(runs)
  })

  it('reports a node that never answers, and exits with the code for silent nodes', async () => {
    const {stdout, stderr, exitCode} = await withGhost('passing', () =>
      runCli(['exec', '--node', 'ghost|client-1', '--ack-timeout', '3s', 'echo hi'], {agent: cluster}),
    )
    expect(stdout).toContain('    client-1: hi\n')
    expect(stdout).toContain('==> ghost: no answer: no ack within 3s\n')
    expect(stdout).toContain('1 / 1 node(s) completed / acknowledged\n')
    expect(stderr).toContain('no answer from ghost')
    expect(exitCode).toBe(4)
  })

  it('reports a node that is down, without waiting for it', async () => {
    await withGhost('critical', async () => {
      await using job = await run({ackTimeoutMs: 600_000}).run(
        {command: {kind: 'shell', line: 'true'}},
        {node: 'ghost|client-1'},
      )
      const {outcomes, summary} = await followRun(job)
      expect(outcomes).toEqual({'client-1': 'ok', ghost: 'no-answer'})
      expect(summary.verdict).toBe('silent')
    })
  })

  it('never counts zero matching nodes as a success', async () => {
    const {stdout, stderr, exitCode} = await cli('--node', '^nobody$', 'true')
    expect(stdout).toBe('0 / 0 node(s) completed / acknowledged\n')
    expect(stderr).toContain('no node matched')
    expect(exitCode).toBe(5)
    expect((await cli('--via', 'native', 'true')).exitCode).toBe(5)
  })

  it('matches the IDs of services, as agents do, and warns if only the names of services match', async () => {
    const [, second] = cluster.clients
    const body = JSON.stringify({ID: 'web-1', Name: 'web', Tags: ['v2']})
    await raw(second?.address ?? '').ok('PUT', '/v1/agent/service/register', {body})
    await waitUntil(async () => (await client.catalog.service('web')).value.length === 1, {what: 'web in the catalog'})
    const found = await cli('--service', '^web-1$', '--tag', 'v2', 'echo here')
    expect(found.stdout).toBe(
      '    client-2: here\n==> client-2: finished with exit code 0\n1 / 1 node(s) completed / acknowledged\n',
    )
    const missed = await cli('--service', '^web$', 'echo here')
    expect([missed.exitCode, missed.stderr]).toEqual([5, expect.stringContaining('these names did: web')])
  })

  it('distinguishes failures, signals and timeouts', async () => {
    const [failed, killed, late] = await Promise.all([
      cli('--node', 'client-1', 'exit 3'),
      cli('--node', 'client-1', '--', 'sh', '-c', 'kill -9 $$'),
      cli('--node', 'client-1', '--timeout', '1s', 'sleep 4'),
    ])
    expect([failed.exitCode, failed.stdout]).toEqual([2, expect.stringContaining('finished with exit code 3')])
    expect([killed.exitCode, killed.stdout]).toEqual([2, expect.stringContaining('finished with exit code -1')])
    expect([late.exitCode, late.stdout]).toEqual([3, expect.stringContaining('==> client-1: timed out after 1s\n')])
  })

  it('does not retry a node after a timeout, because its agent lets the command continue', async () => {
    const job = {command: {kind: 'shell' as const, line: `echo x >>${folder.path}/started; sleep 3`}, timeoutMs: 500}
    await using run = await createInitiator(client, {via: 'rexec'}).run(
      job,
      {node: '^client-1$'},
      {rollout: {retryCount: 2}},
    )
    expect((await followRun(run)).outcomes).toEqual({'client-1': 'timed-out'})
    expect(folder.lines('started')).toEqual(['x'])
  })

  it('passes on large output completely', async () => {
    const script = Buffer.from(
      '#!/bin/sh\ni=0; while [ $i -lt 3000 ]; do echo "line $i äöü€ 0123456789"; i=$((i+1)); done\n',
    )
    await using job = await run().run({command: {kind: 'script', script}}, {node: '^client-[12]$'})
    const {output} = await followRun(job)
    const expected = Array.from({length: 3000}, (_, at) => `line ${at} äöü€ 0123456789\n`).join('')
    expect(output).toEqual({'client-1': expected, 'client-2': expected})
  })

  it('continues to read if connections break during a run', async () => {
    await using proxy = await TcpProxy.start(cluster.address)
    const flaky = createClient({address: proxy.address})
    try {
      const job = {command: {kind: 'shell' as const, line: 'echo one; sleep 2; echo two'}}
      await using under = await createInitiator(flaky, patient).run(job, {node: '^client-1$'})
      const following = followRun(under)
      await waitUntil(async () => (await client.kv.keys('_rexec/')).value.some(key => key.endsWith('/ack')), {
        what: 'an ack',
      })
      proxy.reset()
      const {output, outcomes} = await following
      expect(outcomes).toEqual({'client-1': 'ok'})
      expect(output).toEqual({'client-1': 'one\ntwo\n'})
    } finally {
      await flaky[Symbol.asyncDispose]()
    }
  })

  it('removes its session and keys when it is interrupted', async () => {
    await using command = startCli(['exec', '-v', ...patience, '--node', 'client-1', 'sleep 5'], {agent: cluster})
    await command.waitForOutput(/client-1: acknowledged/)
    command.kill('SIGINT')
    expect((await command.exited).exitCode).toBe(130)
    await expectNothingLeft(client)
  })

  it('runs the job only once, by the responder, on a node that has both a responder and remote execution', async () => {
    const [first] = cluster.clients
    const options = {stateDirectory: join(folder.path, 'state'), env: process.env}
    await using responder = await startResponder(first?.address ?? '', options)
    expect(responder.name).toBe('client-1')
    const job = {command: {kind: 'shell' as const, line: `echo ran >> ${folder.path}/mixed`}}
    await using mixed = await run({keys: [ours.key]}).run(job, {})
    const {summary, outcomes} = await followRun(mixed)
    expect(Object.fromEntries(summary.nodes.map(({node, via}) => [node, via]))).toEqual({
      'client-1': 'native',
      'client-2': 'rexec',
      'client-3': 'rexec',
      'server-1': 'rexec',
    })
    expect(new Set(Object.values(outcomes))).toEqual(new Set(['ok']))
    expect(folder.lines('mixed')).toHaveLength(4)
    await using unkeyed = await run({via: 'rexec'}).run({command: {kind: 'shell', line: 'true'}}, {})
    expect(Object.keys((await followRun(unkeyed)).outcomes).toSorted()).toEqual(agents)
  })

  it('refuses to send an unsigned job to responders, unless an option allows it', async () => {
    await using _responder = await startResponder(cluster.clients[0]?.address ?? '', {stateDirectory: folder.path})
    const starting = run().run({command: {kind: 'shell', line: 'true'}}, {node: 'client-1'})
    await expect(starting).rejects.toMatchObject({
      code: 'BATON_REFUSED',
      hint: "give `keys`, or reach the agents themselves (`via: 'rexec'`)",
    })
  })
})

it('`baton exec` is tested on at least one backend', () => {
  expect(backends.length).toBeGreaterThan(0)
})
