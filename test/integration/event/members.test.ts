import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {chooseBackends} from '../../kit/backend.js'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {consulIsInstalled} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {seen, until, watchMembers} from './member-lines.js'

const backends = chooseBackends(process.env, consulIsInstalled).map(({name}) => name)

describe.runIf(backends.includes('real'))('membership handlers in a real cluster', () => {
  let cluster: ConsulCluster
  beforeAll(async () => {
    cluster = await startCluster({servers: 1, clients: 1, config: {performance: {raft_multiplier: 1}}})
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  it('run in order for a join and a leave, with the lines that Serf writes', async () => {
    await using watch = await watchMembers(cluster.address)
    const leaver = cluster.clients[0]!
    await raw(leaver.address).ok('PUT', '/v1/agent/leave')
    await until(watch, leaver.node, ['member-leave'])
    const joined = (await cluster.addClients(1))[0]!
    await until(watch, joined.node, ['member-join'])
    expect(seen(watch)).toEqual([`member-leave ${leaver.node}`, `member-join ${joined.node}`])
    const line = watch.stdout.split('\n').find(text => text.startsWith('member-join\t')) ?? ''
    expect(line.split('\t').slice(2)).toEqual([joined.bind, 'node', expect.stringMatching(/(^|,)dc=dc1(,|$)/)])
  })
})

describe.runIf(backends.includes('embedded'))('membership handlers on the embedded agent', () => {
  it('run for the selected changes of simulated members: joins, failures, updates, leaves and reaps', async () => {
    const {startEmbeddedAgent} = await import('../../../src/embedded/index.js')
    await using agent = await startEmbeddedAgent({nodes: [{name: 'sim-1'}]})
    const consul = raw(agent.address)
    const register = (Node: string, Status: string, Address = '127.0.9.9') =>
      consul.ok('PUT', '/v1/catalog/register', {
        body: JSON.stringify({Node, Address, Check: {Node, CheckID: 'serfHealth', Name: 'Serf Health Status', Status}}),
      })
    const forget = (Node: string) =>
      consul.ok('PUT', '/v1/catalog/deregister', {body: JSON.stringify({Node, Datacenter: 'dc1'})})
    await using all = await watchMembers(agent.address)
    await using some = await watchMembers(agent.address, 'member-failed,member-reap')
    const step = async (work: Promise<unknown>, node: string, types: readonly string[]): Promise<void> => {
      await work
      await until(all, node, types)
    }
    await step(register('new', 'passing'), 'new', ['member-join'])
    await step(register('new', 'passing', '127.0.9.8'), 'new', ['member-join', 'member-update'])
    await step(forget('new'), 'new', ['member-join', 'member-update', 'member-leave'])
    await step(register('sim-1', 'critical', '127.0.1.1'), 'sim-1', ['member-failed'])
    // The watcher `some` reads independently of `all`, so the test waits until `some` has also seen the failure.
    await until(some, 'sim-1', ['member-failed'])
    await step(forget('sim-1'), 'sim-1', ['member-failed', 'member-reap'])
    await until(some, 'sim-1', ['member-failed', 'member-reap'])
    // An external node is not a member, because Serf does not check it.
    await consul.ok('PUT', '/v1/catalog/register', {body: JSON.stringify({Node: 'external', Address: '127.0.9.7'})})
    await step(register('last', 'passing'), 'last', ['member-join'])
    expect(seen(all)).toEqual([
      'member-join new',
      'member-update new',
      'member-leave new',
      'member-failed sim-1',
      'member-reap sim-1',
      'member-join last',
    ])
    expect(seen(some)).toEqual(['member-failed sim-1', 'member-reap sim-1'])
  })
})
