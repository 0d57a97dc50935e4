import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {
  expectNothingLeft,
  followRun,
  openFolder,
  ours,
  startResponder,
  type TestResponder,
} from '../../integration/exec/support.js'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {waitUntil} from '../../kit/wait-until.js'

const hasConsul = consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1'
/** Number of lines that make a run take twice as long as a cluster needs to find a new leader. */
const lines = 100
const count = `i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo $i; sleep 0.25; done`
const counted = Array.from({length: lines}, (_, at) => `${at + 1}\n`).join('')

describe.runIf(hasConsul)('exec on a cluster of three servers', () => {
  let cluster: ConsulCluster
  let client: ConsulClient
  let folder: Awaited<ReturnType<typeof openFolder>>
  const responders: TestResponder[] = []

  beforeAll(async () => {
    folder = await openFolder()
    cluster = await startCluster({servers: 3, clients: 1})
    for (const [at, {address}] of [...cluster.servers, ...cluster.clients].entries()) {
      responders.push(await startResponder(address, {node: `r${at + 1}`, stateDirectory: folder.path}))
    }
    client = createClient({address: cluster.clients[0]!.address})
  }, 120_000)
  afterAll(async () => {
    await Promise.all(responders.map(one => one[Symbol.asyncDispose]()))
    await client[Symbol.asyncDispose]()
    await cluster[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  it.each([
    ['and another server leads before the killed server is back', true],
    ['and the killed server is back at once', false],
  ])('shows all output and exit codes if the leader is killed during a run, %s', async (_, isReplaced) => {
    const leader = await cluster.leader()
    const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native'})
    await using run = await initiator.run({command: {kind: 'shell', line: count}})
    const talking = new Set<string>()
    const followed = followRun(run, event => event.type === 'output' && talking.add(event.node))
    await waitUntil(() => talking.size === 4, {what: 'all four to write'})
    await leader.kill()
    if (isReplaced)
      await waitUntil(async () => (await cluster.leader()) !== leader, {what: 'another leader', timeoutMs: 60_000})
    await leader.restart()
    const {output, outcomes} = await followed
    expect(outcomes).toEqual({r1: 'ok', r2: 'ok', r3: 'ok', r4: 'ok'})
    expect(output).toEqual({r1: counted, r2: counted, r3: counted, r4: counted})
    await expectNothingLeft(client)
  })
  it('shows the output and exit code of every node if the leader is killed at the start of a run', async () => {
    const leader = await cluster.leader()
    const initiator = createInitiator(client, {keys: [ours.key], via: 'native'})
    await using run = await initiator.run({command: {kind: 'shell', line: 'echo here'}})
    await leader.kill()
    const followed = followRun(run)
    await leader.restart()
    const {output, outcomes} = await followed
    expect(outcomes).toEqual({r1: 'ok', r2: 'ok', r3: 'ok', r4: 'ok'})
    expect(output).toEqual({r1: 'here\n', r2: 'here\n', r3: 'here\n', r4: 'here\n'})
    await expectNothingLeft(client)
  })
})
