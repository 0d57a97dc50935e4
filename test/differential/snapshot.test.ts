import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../src/embedded/index.js'
import {startCluster} from '../kit/consul-cluster.js'
import {consulIsInstalled} from '../kit/consul-server.js'
import {raw} from '../kit/raw-consul.js'
import {runCommand} from '../kit/run-cli.js'

const notConsuls = /unexpected file "snapshot of baton dev, not of Consul"/

describe.runIf(consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1')(
  'a snapshot of Consul or of the embedded agent',
  () => {
    let folder = ''
    let agent: EmbeddedAgent
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'baton-snapshot-'))
      agent = await startEmbeddedAgent({seed: [{key: 'from', value: Buffer.from('baton dev'), flags: 0n}]})
    })
    afterAll(async () => {
      await agent[Symbol.asyncDispose]()
      await rm(folder, {recursive: true})
    })

    const download = async (address: string, name: string): Promise<string> => {
      const path = join(folder, name)
      const answer = await fetch(`${address}/v1/snapshot`)
      await writeFile(path, Buffer.from(await answer.arrayBuffer()))
      return path
    }

    it('is refused by consul snapshot inspect if the embedded agent took it', async () => {
      const {exitCode, stderr} = await runCommand('consul', ['snapshot', 'inspect', await download(agent.address, 'a')])
      expect(exitCode).toBe(1)
      expect(stderr).toMatch(notConsuls)
    })

    it.each([1, 3])(
      'is refused by %i real servers if the embedded agent took it, and the servers keep state and leader',
      async servers => {
        await using cluster = await startCluster({servers})
        const leader = await cluster.leader()
        await raw(cluster.address).kvPut('from', 'consul')
        const path = await download(agent.address, `dev-${servers}`)
        for (const server of cluster.servers) {
          const {exitCode, stderr} = await runCommand('consul', ['snapshot', 'restore', path], {agent: server})
          expect(exitCode).toBe(1)
          expect(stderr).toMatch(notConsuls)
        }
        expect(cluster.servers.every(({running}) => running)).toBe(true)
        expect((await cluster.leader()).node).toBe(leader.node)
        await raw(cluster.address).kvPut('after', 'consul')
        for (const server of cluster.servers) {
          expect((await raw(server.address).kvGet('from'))?.value).toBe('consul')
          expect(server.log).not.toContain('panic')
        }
      },
    )

    it('is refused by the embedded agent if Consul took it, and the embedded agent keeps its state', async () => {
      await using cluster = await startCluster({servers: 1})
      const path = await download(cluster.address, 'real')
      const body = await readFile(path)
      const answer = await fetch(`${agent.address}/v1/snapshot`, {method: 'PUT', body})
      expect(answer.status).toBe(500)
      expect(await answer.text()).toBe(
        'failed to read snapshot file: a snapshot of Consul itself cannot be restored here',
      )
      expect((await raw(agent.address).kvGet('from'))?.value).toBe('baton dev')
    })
  },
)
