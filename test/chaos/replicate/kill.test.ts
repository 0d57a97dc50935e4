import {describe, expect, it} from 'vitest'
import {contentOf, countingClient, seed} from '../../integration/replicate/support.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {runCli, startCli} from '../../kit/run-cli.js'
import {testSeed} from '../../kit/seed.js'
import {waitUntil} from '../../kit/wait-until.js'

const runs = 20
const keys = 2000

/** Returns a random generator with a seed, so that a failing run can be repeated. */
function createRandom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const equal = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  JSON.stringify([...a]) === JSON.stringify([...b])

describe.each(backends)('baton replicate on $name', backend => {
  const agent = sharedAgent(backend, {datacenters: ['dc1', 'dc2']})

  it('makes both sides equal although it is killed with kill -9 at random times', async () => {
    const random = createRandom(testSeed('the instants of kill -9'))
    const address = agent.addresses.get('dc2')!
    await using client = countingClient(address)
    const pair = (at: number, round: number) => ({
      key: `kill/${at}`,
      value: Buffer.from(`${round}/${at}`),
      flags: BigInt(at),
    })
    await seed(
      client,
      'dc1',
      Array.from({length: keys}, (_, at) => pair(at, 0)),
    )
    await using proxy = await HttpProxy.start(address)
    let cutShort = 0
    for (let run = 1; run <= runs; run += 1) {
      const killAt = proxy.count() + 1 + Math.floor(random() * 20)
      const command = startCli(['replicate', 'kill/@dc1:killed/'], {agent: proxy})
      using _kill = proxy.on({}, () => {
        if (proxy.count() >= killAt) command.killGroup('SIGKILL')
        return 'pass'
      })
      const isDone = async (): Promise<boolean> =>
        proxy.count() >= killAt ||
        equal(await contentOf(client, 'dc2', 'killed/'), await contentOf(client, 'dc1', 'kill/'))
      await waitUntil(isDone, {what: `the end of run ${run}`, timeoutMs: 30_000, intervalMs: 100})
      command.killGroup('SIGKILL')
      await command.processExit
      if (!equal(await contentOf(client, 'dc2', 'killed/'), await contentOf(client, 'dc1', 'kill/'))) cutShort += 1
      // Makes some changes and a few deletes before each start.
      const from = Math.floor(random() * keys)
      await seed(
        client,
        'dc1',
        Array.from({length: 640}, (_, at) => pair((from + at) % keys, run)),
      )
      for (let at = 0; at < 3; at += 1)
        await client.kv.delete(`kill/${Math.floor(random() * keys)}`, {datacenter: 'dc1'})
    }
    expect(cutShort, 'runs that were killed in the middle of their work').toBeGreaterThan(runs / 4)
    const last = await runCli(['replicate', 'kill/@dc1:killed/', '--once', '--json'], {agent: {address}})
    expect({exitCode: last.exitCode, stderr: last.stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(await contentOf(client, 'dc2', 'killed/')).toEqual(await contentOf(client, 'dc1', 'kill/'))
    const again = await runCli(['replicate', 'kill/@dc1:killed/', '--once', '--json'], {agent: {address}})
    expect(JSON.parse(again.stdout)).toMatchObject({mappings: [{written: 0, deleted: 0, held: [], refused: []}]})
  })
})
