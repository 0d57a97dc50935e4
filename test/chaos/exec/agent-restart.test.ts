import {mkdir, writeFile} from 'node:fs/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulClient, createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {RunOptions} from '../../../src/exec/types.js'
import {
  expectNothingLeft,
  followRun,
  openFolder,
  ours,
  startResponder,
  type TestResponder,
} from '../../integration/exec/support.js'
import {backends} from '../../kit/backend.js'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import type {ConsulServer} from '../../kit/consul-server.js'
import {raw} from '../../kit/raw-consul.js'
import {waitUntil} from '../../kit/wait-until.js'

/** Serf's number for the status of a member that has left. */
const left = 3
const names = ['near', 'far', 'farther']

/**
 * Starts an agent again each time it has ended, as a service manager does. A client agent that is asked to end leaves
 * the cluster, so the servers deregister its node before it joins again.
 */
function supervise(agent: ConsulServer, server: ConsulServer, onBack: () => Promise<void>): AsyncDisposable {
  const stop = new AbortController()
  const hasLeft = async (): Promise<boolean> => {
    const members = (await raw(server.address).get('/v1/agent/members')) as {Name: string; Status: number}[]
    return members.some(member => member.Name === agent.node && member.Status === left)
  }
  const watch = async (): Promise<void> => {
    const isStopped = (): boolean => stop.signal.aborted
    for (;;) {
      await waitUntil(() => !agent.running || isStopped(), {what: `${agent.node} to end`, timeoutMs: 120_000})
      if (isStopped()) return
      await waitUntil(hasLeft, {what: `${agent.node} to leave`, timeoutMs: 30_000})
      await agent.restart()
      await raw(agent.address).ok('PUT', `/v1/agent/join/${server.lanAddress}`)
      await agent.untilReady()
      await onBack()
    }
  }
  const watching = watch()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await watching
    },
  }
}

describe.runIf(backends.some(backend => backend.name === 'real'))(
  'a job that restarts the agents of the nodes on which it runs',
  () => {
    let folder: Awaited<ReturnType<typeof openFolder>>
    let cluster: ConsulCluster
    let client: ConsulClient
    const open: (TestResponder | AsyncDisposable)[] = []

    beforeAll(async () => {
      folder = await openFolder()
      cluster = await startCluster({servers: 1, clients: names.length})
      const [server] = cluster.servers as [ConsulServer]
      for (const [at, agent] of cluster.clients.entries()) {
        const name = names[at] ?? ''
        await mkdir(`${folder.path}/${name}.run`)
        open.push(await startResponder(agent.address, {node: name, stateDirectory: folder.path}))
        open.push(supervise(agent, server, () => writeFile(`${folder.path}/${name}.run/back`, '')))
      }
      client = createClient({address: cluster.clients[0]!.address})
    }, 120_000)
    afterAll(async () => {
      await Promise.all(open.map(one => one[Symbol.asyncDispose]()))
      await client[Symbol.asyncDispose]()
      await cluster[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    })

    const ways: [string, RunOptions, number][] = [
      ['all at once', {}, 3],
      ['one after another', {rollout: {batches: [1]}}, 1],
    ]
    it.each(ways)(
      "delivers all output and exit code 0 from every node, including the initiator's (agents restart %s)",
      async (_, how, most) => {
        for (const [at, agent] of cluster.clients.entries()) {
          await writeFile(`${folder.path}/${names[at] ?? ''}.run/pid`, `${agent.pid}`)
        }
        const line = `cd ${folder.path}/$BATON_EXEC_NODE.run && rm -f back && echo 1 >>../down && kill $(cat pid) && echo stopped
      while [ ! -e back ]; do sleep 0.1; done; echo -1 >>../down; echo back`
        const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native'})
        await using run = await initiator.run({command: {kind: 'shell', line}}, {names}, how)
        const {outcomes, output, summary} = await followRun(run)
        expect({outcomes, output}).toEqual({
          outcomes: {near: 'ok', far: 'ok', farther: 'ok'},
          output: Object.fromEntries(names.map(name => [name, 'stopped\nback\n'])),
        })
        expect(summary).toMatchObject({verdict: 'ok', completedCount: 3})
        await expectNothingLeft(client)
        let down = 0
        const counts = folder.lines('down').map(step => (down += Number(step)))
        expect([Math.max(...counts) <= most, counts.at(-1)]).toEqual([true, 0])
        await writeFile(`${folder.path}/down`, '')
      },
      120_000,
    )
  },
)
