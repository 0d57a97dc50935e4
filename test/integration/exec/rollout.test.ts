import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {RolloutOptions} from '../../../src/exec/types.js'
import {createSemaphore} from '../../../src/lock/semaphore.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {type ExecSetup, type Followed, followRun, openExecSetup, ours} from './support.js'

describe.each(backends)('a roll-out on $name', backend => {
  const agent = sharedAgent(backend)
  const names = ['n1', 'n2', 'n3', 'n4', 'n5']
  let setup: ExecSetup
  let folder: ExecSetup['folder']
  let client: ConsulClient

  beforeAll(async () => {
    setup = await openExecSetup(
      agent.address,
      names.map(node => ({node})),
    )
    ;({folder, client} = setup)
  })
  afterAll(() => setup[Symbol.asyncDispose]())

  async function roll(line: string, rollout: RolloutOptions): Promise<Followed> {
    const initiator = createInitiator(client, {keys: [ours.key], ackTimeoutMs: 20_000, via: 'native', killAfterMs: 500})
    await using run = await initiator.run({command: {kind: 'shell', line}}, {names}, {rollout})
    return await followRun(run)
  }
  const batchesOf = ({events}: Followed): (readonly string[])[] =>
    events.flatMap(event => (event.type === 'batch' ? [event.nodes] : []))

  it('begins each batch only when the previous batch has ended', async () => {
    const line = `echo "start $BATON_EXEC_NODE" >>${folder.path}/order; sleep 0.2; echo end >>${folder.path}/order`
    const followed = await roll(line, {batches: [1, 2]})
    expect(batchesOf(followed)).toEqual([['n1'], ['n2', 'n3'], ['n4', 'n5']])
    expect(followed.summary).toMatchObject({verdict: 'ok', ackedCount: 5, completedCount: 5})
    const steps = folder.lines('order')
    const startsOf = (part: readonly string[]): string[] =>
      part.flatMap(step => (step.startsWith('start ') ? [step.slice(6)] : [])).toSorted()
    expect([steps.slice(0, 2), steps.slice(2, 6), steps.slice(6)].map(startsOf)).toEqual(batchesOf(followed))
  })

  it('does not start the remaining nodes once too many nodes have failed', async () => {
    const line = `echo "$BATON_EXEC_NODE" >>${folder.path}/stopped; [ "$BATON_EXEC_NODE" = n1 ]`
    const {outcomes, summary} = await roll(line, {batches: [1], maxFailures: '20%'})
    expect(outcomes).toEqual({n1: 'ok', n2: 'failed', n3: 'failed', n4: 'not-run', n5: 'not-run'})
    expect(summary.verdict).toBe('stopped')
    expect(folder.lines('stopped')).toEqual(['n1', 'n2', 'n3'])
  })

  it('tries the job again on nodes where it failed, and gives each node one outcome', async () => {
    const line = `echo x >>${folder.path}/try-$BATON_EXEC_NODE; [ $(wc -l <${folder.path}/try-$BATON_EXEC_NODE) -gt 1 ]`
    const {events, summary} = await roll(line, {retryCount: 1})
    expect(summary).toMatchObject({verdict: 'ok', completedCount: 5, nodes: names.map(() => ({attempts: 2}))})
    expect(events.filter(event => event.type === 'retry')).toHaveLength(5)
  })

  it('never runs on more nodes at the same time than a semaphore has slots, even if another run uses the same semaphore', async () => {
    const line = `echo 1 >>${folder.path}/many; sleep 0.3; echo -1 >>${folder.path}/many`
    const semaphore = createSemaphore(client, {prefix: 'exec-slots', limit: 2})
    const rollout = {slotCount: 2, openSlot: (signal: AbortSignal) => semaphore.acquire({signal})}
    const both = await Promise.all([roll(line, rollout), roll(line, rollout)])
    expect(both.map(({summary}) => summary.verdict)).toEqual(['ok', 'ok'])
    let running = 0
    const counts = folder.lines('many').map(step => (running += Number(step)))
    expect(counts).toHaveLength(20)
    expect(Math.max(...counts)).toBeLessThanOrEqual(2)
    await client.kv.deleteTree('exec-slots')
  })

  it('waits until a service is healthy again, and stops if the service stays unhealthy', async () => {
    const id = 'shop'
    await client.agent.registerService({id, name: id, ttlMs: 600_000, state: 'passing'})
    try {
      const rollout = {batches: [3], untilHealthy: id}
      const change = async (line: string, state: 'passing' | 'critical', more: RolloutOptions = {}) => {
        const followed = await roll(line, {...rollout, ...more})
        await client.agent.setCheck(`service:${id}`, state)
        return followed
      }
      await change('true', 'critical')
      const {outcomes, summary} = await change('true', 'passing', {healthyTimeoutMs: 1})
      expect(outcomes).toMatchObject({n1: 'ok', n4: 'not-run', n5: 'not-run'})
      expect(summary.verdict).toBe('stopped')
      const {events} = await change('true', 'passing')
      const gates = events.flatMap(event => (event.type === 'gate' ? [event.state] : []))
      expect(gates).toEqual(['waiting', 'open'])
    } finally {
      await client.agent.deregisterService(id)
    }
    await expect(roll('true', {batches: [1], untilHealthy: 'nothing'})).rejects.toMatchObject({code: 'BATON_USAGE'})
  })

  it('stops running jobs when the total time has passed, and gives every node an outcome', async () => {
    const file = join(folder.path, 'late')
    const line = `if [ "$BATON_EXEC_NODE" != n1 ]; then sleep 60; touch ${file}; fi`
    const {outcomes, summary} = await roll(line, {batches: [1, 2], totalTimeoutMs: 3000})
    expect(outcomes).toEqual({n1: 'ok', n2: 'timed-out', n3: 'timed-out', n4: 'timed-out', n5: 'timed-out'})
    expect(summary.verdict).toBe('incomplete')
    expect(existsSync(file)).toBe(false)
  })
})
