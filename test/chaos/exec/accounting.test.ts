import {describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {createInitiator} from '../../../src/exec/initiator/initiator.js'
import type {NodeOutcome} from '../../../src/exec/types.js'
import {expectNothingLeft, followRun, ours} from '../../integration/exec/support.js'
import {backends} from '../../kit/backend.js'
import {ConsulServer} from '../../kit/consul-server.js'
import {type CommandHandle, startCli} from '../../kit/run-cli.js'
import {testSeed} from '../../kit/seed.js'
import {waitUntil} from '../../kit/wait-until.js'
import {seeded} from '../event/seeded.js'
import {type Fleet, openFleet} from './fleet.js'

const rounds = Number(process.env['BATON_TEST_ROUNDS'] ?? 12)
const names = ['k1', 'k2', 'k3', 'k4']
const victims = ['none', 'responder', 'responder', 'agent', 'initiator'] as const
const said = '1\n2\n3\n'

/**
 * A job that takes a third of a second, and that records its start and end in a file for the job and the node.
 */
const lineIn = (folder: string): string =>
  `f=${folder}/$BATON_EXEC_JOB.$BATON_EXEC_NODE; echo start >>$f; for i in 1 2 3; do echo $i; sleep 0.1; done; echo end >>$f`

interface Ended {
  readonly id: string
  readonly outcomes: ReadonlyMap<string, NodeOutcome['type']>
  readonly output: Readonly<Record<string, string>>
}

/** Checks that every node has one outcome, and that each outcome matches what really happened on the node. */
function account(fleet: Fleet, {id, outcomes, output}: Ended): void {
  expect([...outcomes.keys()].toSorted(), id).toEqual(names)
  for (const [node, outcome] of outcomes) {
    const steps = fleet.lines(`${id}.${node}`)
    expect(steps.filter(step => step === 'start').length, `${id} ${node}: starts`).toBeLessThanOrEqual(1)
    expect(['ok', 'lost', 'no-answer'], `${id} ${node}`).toContain(outcome)
    if (outcome === 'ok') expect([steps, output[node]], `${id} ${node}`).toEqual([['start', 'end'], said])
    else expect(said.startsWith(output[node] ?? ''), `${id} ${node}: ${output[node] ?? ''}`).toBe(true)
  }
}

describe.runIf(backends.some(({name}) => name === 'real'))(
  'exec jobs during which the initiator, a responder or the agent is killed at a random time',
  () => {
    it(`report for each node exactly one outcome, which is what really happened there, and leave nothing behind (${rounds} runs)`, {
      timeout: 60_000 + rounds * 10_000,
    }, async () => {
      const random = seeded(testSeed('kills of exec'))
      await using agent = await ConsulServer.launch({role: 'server', config: {bootstrap_expect: 1}})
      await agent.untilReady()
      await using fleet = await openFleet(agent.address)
      await using client = createClient({address: agent.address})
      const responders = new Map<string, CommandHandle>()
      const start = async (name: string): Promise<void> => void responders.set(name, await fleet.start(name))
      await Promise.all(names.map(start))
      const initiator = createInitiator(client, {keys: [ours.key], via: 'native', ackTimeoutMs: 8000, killAfterMs: 500})
      const totals = new Map<string, number>()

      for (let round = 0; round < rounds; round += 1) {
        const victim = victims[Math.floor(random() * victims.length)] ?? 'none'
        const name = names[Math.floor(random() * names.length)] ?? 'k1'
        const afterMs = random() * 700
        const job = {command: {kind: 'shell' as const, line: lineIn(fleet.path)}, heartbeatMs: 300, timeoutMs: 5000}
        const kill = async (self?: CommandHandle): Promise<void> => {
          await client.clock.sleep(afterMs)
          if (victim === 'none') return
          if (victim === 'initiator') self?.kill('SIGKILL')
          if (victim === 'responder') responders.get(name)?.kill('SIGKILL')
          if (victim === 'agent') await agent.restart('kill')
        }
        if (victim === 'initiator') {
          const flags = ['--via', 'native', '--key', `${fleet.path}/sign.json`, '--ack-timeout', '8s', '--ndjson']
          await using command = startCli(['exec', ...flags, '--wait', '300ms', '--timeout', '5s', lineIn(fleet.path)], {
            agent,
          })
          await kill(command)
          const {exitCode} = await command.exited
          expect([0, null]).toContain(exitCode)
        } else {
          await using run = await initiator.run(job, {names})
          const [followed] = await Promise.all([followRun(run), kill()])
          const outcomes = followed.summary.nodes.map(({node, outcome}) => [node, outcome.type] as const)
          account(fleet, {id: run.id, outcomes: new Map(outcomes), output: followed.output})
          for (const [, type] of outcomes) totals.set(type, (totals.get(type) ?? 0) + 1)
        }
        if (victim === 'responder') {
          await responders.get(name)?.exited
          await start(name)
        }
        if (victim === 'agent') await agent.untilReady()
      }

      const inProcess = [...totals.values()].reduce((sum, count) => sum + count, 0)
      process.stdout.write(
        `outcomes of ${inProcess / names.length} runs: ${JSON.stringify(Object.fromEntries(totals))}\n`,
      )
      expect(inProcess % names.length).toBe(0)
      // The sessions of killed initiators expire between one and two TTLs after the kill.
      await waitUntil(async () => (await client.session.list()).value.length === 0, {
        what: 'the sessions of killed initiators to expire',
        timeoutMs: 150_000,
      })
      await expectNothingLeft(client)
    })
  },
)
