import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ConsulCluster, startCluster} from '../../kit/consul-cluster.js'
import {raw} from '../../kit/raw-consul.js'
import {startCli} from '../../kit/run-cli.js'
import {testSeed} from '../../kit/seed.js'
import {waitUntil} from '../../kit/wait-until.js'
import {seeded} from './seeded.js'

const eventCount = 240
const mostKills = 12

interface Listed {
  readonly ID: string
  readonly Name: string
}
/** One line of the handlers' log: `start` or `end`, the number of the watcher's run, and the event. */
interface Step {
  readonly what: string
  readonly run: number
  readonly id: string
}

const directory = mkdtempSync(join(tmpdir(), 'baton-event-crash-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

// Appending a line is atomic, so handlers that overlap after a kill of the watcher cannot mix their lines.
const handler =
  'echo "start $RUN $BATON_EVENT_ID" >> "$LOG"; cat > /dev/null; echo "end $RUN $BATON_EVENT_ID" >> "$LOG"'

function readSteps(log: string): readonly Step[] {
  let text: string
  try {
    text = readFileSync(log, 'utf8')
  } catch {
    return []
  }
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [what = '', run = '', id = ''] = line.split(' ')
      return {what, run: Number(run), id}
    })
}

const countOf = (steps: readonly Step[], what: string): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const step of steps) if (step.what === what) counts.set(step.id, (counts.get(step.id) ?? 0) + 1)
  return counts
}

describe('a watcher that is killed again and again', () => {
  let cluster: ConsulCluster
  beforeAll(async () => {
    cluster = await startCluster({servers: 1, clients: 3, config: {performance: {raft_multiplier: 1}}})
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  /**
   * Fires 240 events from four agents at the same time, and kills the watcher at random times until all events are
   * handled.
   */
  async function storm(policy: 'rerun' | 'skip') {
    const random = seeded(testSeed(`events, ${policy}`))
    const name = `storm-${policy}`
    const log = join(directory, `${policy}.log`)
    const agent = {address: cluster.clients[0]!.address}
    const words = ['event', 'watch', '--name', name, '--state', join(directory, `${policy}.state`)]
    const start = (run: number) =>
      startCli([...words, '--on-crash', policy, '-v', '--', 'sh', '-c', handler], {
        agent,
        env: {RUN: String(run), LOG: log},
      })
    const fire = (address: string) =>
      Promise.all(
        Array.from({length: eventCount / 4}, (_, n) =>
          raw(address).ok('PUT', `/v1/event/fire/${name}`, {body: `${n}`}),
        ),
      )
    const list = async (): Promise<readonly string[]> =>
      ((await raw(agent.address).get('/v1/event/list', {name})) as Listed[]).map(event => event.ID)

    let kills = 0
    let run = 0
    let watcher = start(run)
    await watcher.waitForOutput(/watching; the agent lists/, {timeoutMs: 20_000})
    const firing = Promise.all(cluster.agents.map(each => fire(each.address)))
    while (kills < mostKills && countOf(readSteps(log), 'end').size < eventCount - 5) {
      // Some runs of the watcher are killed while they start, most of them while they handle events.
      if (random() < 0.8) {
        const before = readSteps(log).length
        const isDone = (): boolean =>
          readSteps(log).length > before || countOf(readSteps(log), 'end').size >= eventCount
        await waitUntil(isDone, {what: `run ${run} to handle something`, timeoutMs: 30_000})
      }
      await sleep(random() * 400)
      watcher.kill('SIGKILL')
      await watcher.exited
      kills += 1
      run += 1
      watcher = start(run)
    }
    await firing
    await using last = watcher
    await waitUntil(async () => (await list()).length >= eventCount, {
      what: 'gossip to deliver everything',
      timeoutMs: 15_000,
      intervalMs: 250,
    }).catch(() => undefined)
    const ids = await list()
    const mayMiss = policy === 'skip' ? kills : 0
    await waitUntil(
      () => {
        const ended = countOf(readSteps(log), 'end')
        return ids.filter(id => !ended.has(id)).length <= mayMiss
      },
      {what: 'every event to be handled', timeoutMs: 60_000, detail: () => last.stderr.slice(-2000)},
    )
    // Gives handlers time to log events that are handled twice.
    await sleep(1000)
    last.kill('SIGTERM')
    const {exitCode} = await last.exited
    expect(exitCode).toBe(0)
    return {ids, steps: readSteps(log), kills}
  }

  it('with --on-crash rerun, handles every event, and starts the handler twice only for an event that a kill interrupted', async () => {
    const {ids, steps, kills} = await storm('rerun')
    expect(kills).toBeGreaterThan(2)
    const ended = countOf(steps, 'end')
    expect(ids.filter(id => !ended.has(id))).toEqual([])
    // The first step of a run may repeat the event that the previous run had begun. Other repeats are not allowed.
    const seen = new Set<string>()
    const begun = new Set<number>()
    const wrong: Step[] = []
    for (const step of steps.filter(one => one.what === 'start').sort((a, b) => a.run - b.run)) {
      if (seen.has(step.id) && begun.has(step.run)) wrong.push(step)
      seen.add(step.id)
      begun.add(step.run)
    }
    expect(wrong).toEqual([])
  })

  it('with --on-crash skip, starts no handler twice for the same event, and omits at most the event that was being handled at each kill', async () => {
    const {ids, steps, kills} = await storm('skip')
    expect(kills).toBeGreaterThan(2)
    const started = countOf(steps, 'start')
    expect([...started].filter(([, times]) => times > 1)).toEqual([])
    expect(ids.filter(id => !started.has(id)).length).toBeLessThanOrEqual(kills)
  })
})
