import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {fireDurable} from '../../../src/event/durable/durable-fire.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {startCli} from '../../kit/run-cli.js'
import {testSeed} from '../../kit/seed.js'
import {waitUntil} from '../../kit/wait-until.js'
import {seeded} from './seeded.js'

const eventCount = 60
const kills = 8

const directory = mkdtempSync(join(tmpdir(), 'baton-durable-crash-'))
afterAll(() => rmSync(directory, {recursive: true, force: true}))

// If the watcher is killed before it has written the payload, the handler finds no payload and fails, as a careful
// handler should. Appending a line is atomic, so handlers that overlap after a kill of the watcher cannot mix their
// lines.
const handler = 'read -r n || exit 1; echo "start $RUN $n" >> "$LOG"; sleep 0.02; echo "end $RUN $n" >> "$LOG"'

interface Step {
  readonly what: string
  readonly run: number
  readonly n: number
}

function readSteps(log: string): readonly Step[] {
  try {
    return readFileSync(log, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => {
        const [what = '', run = '', n = ''] = line.split(' ')
        return {what, run: Number(run), n: Number(n)}
      })
  } catch {
    return []
  }
}

describe.each(backends)('a watcher of durable events on $name that is killed again and again', backend => {
  const agent = sharedAgent(backend)

  /** Fires events while the watcher is killed and restarted at random times, then lets the last watcher finish. */
  async function storm(policy: 'rerun' | 'skip') {
    const random = seeded(testSeed(`durable events, ${backend.name}, ${policy}`))
    const name = `storm-${policy}`
    const log = join(directory, `${backend.name}-${policy}.log`)
    const state = join(directory, `${backend.name}-${policy}.state`)
    const words = ['event', 'watch', '--durable', '--name', name, '--state', state, '--from', 'earliest']
    const start = (run: number) =>
      startCli([...words, '--on-crash', policy, '--', 'sh', '-c', handler], {agent, env: {RUN: `${run}`, LOG: log}})
    await using client = createClient({address: agent.address})
    const firing = (async () => {
      for (let n = 0; n < eventCount; n += 1) await fireDurable(client, name, {payload: Buffer.from(`${n}\n`)})
    })()
    const ended = (): Set<number> => new Set(readSteps(log).flatMap(({what, n}) => (what === 'end' ? [n] : [])))
    for (let run = 0; run < kills; run += 1) {
      await using watcher = start(run)
      // Some runs of the watcher are killed while they start, most of them while they handle events.
      if (random() < 0.8) {
        const before = readSteps(log).length
        await waitUntil(() => readSteps(log).length > before || ended().size >= eventCount - kills, {
          what: `run ${run} to handle something`,
          timeoutMs: 30_000,
          detail: () => watcher.stderr,
        })
      }
      await sleep(random() * 200)
      watcher.kill('SIGKILL')
      await watcher.processExit
    }
    await firing
    await fireDurable(client, name, {payload: Buffer.from(`${eventCount}\n`)})
    await using last = start(kills)
    await waitUntil(() => ended().has(eventCount), {
      what: 'the last event to be handled',
      timeoutMs: 60_000,
      detail: () => last.stderr,
    })
    last.kill('SIGTERM')
    expect((await last.exited).exitCode).toBe(0)
    return readSteps(log)
  }

  it('with --on-crash rerun, handles every event in order, and repeats only an event that was being handled at a kill', async () => {
    const steps = await storm('rerun')
    const starts = steps.filter(({what}) => what === 'start').toSorted((a, b) => a.run - b.run)
    expect(new Set(starts.map(({n}) => n)).size).toBe(eventCount + 1)
    let newest = -1
    const wrong: Step[] = []
    let run = -1
    for (const step of starts) {
      const isFirst = step.run !== run
      run = step.run
      // Each step must be the next event or, as the first step of a run, the newest event that had begun before that
      // run.
      if (step.n !== newest + 1 && !(isFirst && step.n === newest)) wrong.push(step)
      newest = Math.max(newest, step.n)
    }
    expect(wrong).toEqual([])
  })

  it('with --on-crash skip, starts no handler twice for the same event, and omits at most the event that was being handled at each kill', async () => {
    const steps = await storm('skip')
    const started = steps.filter(({what}) => what === 'start')
    const starts = started.toSorted((a, b) => a.run - b.run).map(({n}) => n)
    expect(starts.length).toBe(new Set(starts).size)
    expect(starts).toEqual(starts.toSorted((a, b) => a - b))
    expect(eventCount + 1 - starts.length).toBeLessThanOrEqual(kills)
  })
})
