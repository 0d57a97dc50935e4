import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createMutex} from '../../../src/lock/mutex.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {checkNoOverlap, criticalSection} from '../../kit/history.js'
import {HttpProxy} from '../../kit/http-proxy.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, runCommand} from '../../kit/run-cli.js'

const [real] = backends.filter(backend => backend.name === 'real')

describe.runIf(real !== undefined)('baton lock and consul lock on one key', () => {
  const agent = sharedAgent(real!)
  // The Go tool ends its session in the background while it exits, and sometimes exits first.
  const leaks = useLeakCheck({agent, graceMs: 10_000, mayStay: ({Name}) => / consul-\d/.test(Name)})
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
  })
  afterEach(() => rmSync(folder, {recursive: true}))

  const section = (id: string) => [criticalSection, join(folder, 'history'), id, '0.05']
  const exclusive = () => join(folder, 'exclusive')

  it('with 10 contenders of each tool, never hold the lock at the same time, and all run their command', async () => {
    const key = `${leaks.prefix}mixed`
    const ids = Array.from({length: 10}, (_, index) => String(index))
    const results = await Promise.all(
      ids.flatMap(id => [
        runCli(['lock', key, '--', ...section(`baton-${id}`), exclusive()], {agent}),
        runCommand('consul', ['lock', '-shell=false', key, ...section(`consul-${id}`), exclusive()], {agent}),
      ]),
    )
    expect(results.map(result => result.exitCode)).toEqual(results.map(() => 0))
    expect(checkNoOverlap(join(folder, 'history')).finished).toHaveLength(20)
    await raw(agent.address).kvDelete(`${key}/.lock`)
  })

  it('with --fair=share, both have turns while contenders of both tools wait all the time', async () => {
    const prefix = `${leaks.prefix}shared`
    const most = 150
    const turns = {baton: 0, consul: 0}
    const isOver = (): boolean => turns.baton + turns.consul >= most
    const ours = async (): Promise<void> => {
      await using proxy = await HttpProxy.start(agent.address)
      await using client = createClient({address: proxy.address})
      const mutex = createMutex(client, {prefix, fair: 'share'})
      while (!isOver()) {
        await mutex.withLock(() => new Promise(resolve => setTimeout(resolve, 100)))
        turns.baton += 1
      }
    }
    // The last argument is part of the session's name.
    const turn = ['sh', '-c', 'sleep 0.1', 'consul-1']
    const theirs = async (): Promise<void> => {
      while (!isOver()) {
        const {exitCode} = await runCommand('consul', ['lock', '-shell=false', prefix, ...turn], {agent})
        expect(exitCode).toBe(0)
        turns.consul += 1
      }
    }
    await Promise.all([ours(), ours(), ours(), theirs(), theirs(), theirs()])
    process.stdout.write(`turns: ${JSON.stringify(turns)}\n`)
    expect(Math.min(turns.baton, turns.consul)).toBeGreaterThan(most / 6)
    await raw(agent.address).kvDelete(`${prefix}/.lock`)
  }, 300_000)

  it("with 5 contenders of each tool, never exceed a semaphore's limit of 3, and all run their command", async () => {
    const key = `${leaks.prefix}semaphore`
    const ids = Array.from({length: 5}, (_, index) => String(index))
    const results = await Promise.all(
      ids.flatMap(id => [
        runCli(['lock', '-n', '3', key, '--', ...section(`baton-${id}`)], {agent}),
        runCommand('consul', ['lock', '-n', '3', '-shell=false', key, ...section(`consul-${id}`)], {agent}),
      ]),
    )
    expect(results.map(result => result.exitCode)).toEqual(results.map(() => 0))
    expect(checkNoOverlap(join(folder, 'history'), {limit: 3}).finished).toHaveLength(10)
    await raw(agent.address).kvDelete(`${key}/.lock`)
  })
})
