import {writeFile} from 'node:fs/promises'
import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import {backends} from '../../kit/backend.js'
import {startCluster} from '../../kit/consul-cluster.js'
import type {ConsulServer} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'
import {expectNothingLeft, followRun, openFolder, ours, startResponder} from './support.js'

/** Serf's number for the status of a member that has left. */
const left = 3

/**
 * Restarts a client agent as a service manager does: it leaves, so the servers deregister its node, and then joins
 * again.
 */
async function leaveAndReturn(agent: ConsulServer, server: ConsulServer): Promise<void> {
  await agent.stop(30_000)
  const hasLeft = async (): Promise<boolean> => {
    const members = (await raw(server.address).get('/v1/agent/members')) as {Name: string; Status: number}[]
    return members.some(member => member.Name === agent.node && member.Status === left)
  }
  await waitUntil(hasLeft, {what: `${agent.node} to leave`, timeoutMs: 30_000})
  await agent.restart()
  await raw(agent.address).ok('PUT', `/v1/agent/join/${server.lanAddress}`)
}

describe.runIf(backends.some(backend => backend.name === 'real'))('exec on real agents', () => {
  it('loses no node to a job that restarts the agents of all nodes, including that of the initiator', {
    timeout: 120_000,
  }, async () => {
    await using folder = await openFolder()
    await using cluster = await startCluster({servers: 1, clients: 2})
    const [near, far] = cluster.clients as [ConsulServer, ConsulServer]
    await using _near = await startResponder(near.address, {node: 'near', stateDirectory: folder.path})
    await using _far = await startResponder(far.address, {node: 'far', stateDirectory: folder.path})
    await using client = createClient({address: near.address})
    const line = `while [ ! -e ${folder.path}/restarted ]; do sleep 0.1; done; echo back`
    const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native'})
    await using run = await initiator.run({command: {kind: 'shell', line}})
    const acked = new Set<string>()
    const followed = followRun(run, event => event.type === 'ack' && acked.add(event.node))
    await waitUntil(() => acked.size === 2, {what: 'both nodes to run the job'})
    await Promise.all([near, far].map(agent => leaveAndReturn(agent, cluster.servers[0]!)))
    await cluster.untilReady()
    await writeFile(`${folder.path}/restarted`, '')
    const {outcomes, output} = await followed
    expect({outcomes, output}).toEqual({
      outcomes: {near: 'ok', far: 'ok'},
      output: {near: 'back\n', far: 'back\n'},
    })
    await expectNothingLeft(client)
  })
})
