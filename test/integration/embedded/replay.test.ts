import {setTimeout as sleep} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../../src/embedded/index.js'
import {type PlayerClock, type PlayOptions, play} from './replay/player.js'
import {readQuirks, readTranscript, transcriptNames} from './replay/transcript.js'

const version = '1.8.7'
const managementToken = '6a1253d2-1785-24fd-91c2-f8e78c745511'
const realTime: PlayerClock = {now: () => performance.now(), sleep: ms => sleep(ms)}

/** A clock whose `sleep` advances the agent's clock instead of waiting. */
function movedTime(agent: EmbeddedAgent): PlayerClock {
  let aheadMs = 0
  return {
    now: () => performance.now() + aheadMs,
    sleep: async ms => {
      aheadMs += ms
      agent.faults.fastForward(ms)
    },
  }
}

/**
 * Sends the requests of a recorded file. Returns the differences from the recorded answers that are not in the list of
 * accepted ones, and the number of steps.
 */
async function unexplained(file: string, options: Omit<PlayOptions, 'version'>) {
  const {steps, differences} = await play(file, {...options, version})
  const accepted = new Set(readQuirks().map(quirk => `${quirk.file}: ${quirk.step}`))
  const met = new Set(differences.map(({step}) => `${file}: ${step}`))
  return {
    steps,
    left: differences.filter(({step}) => !accepted.has(`${file}: ${step}`)),
    /** Accepted differences that did not occur. */
    idle: [...accepted].filter(entry => entry.startsWith(`${file}: `) && !met.has(entry)),
  }
}

const local = new Map([
  ['node', 'baton-dev'],
  ['dc', 'dc1'],
  ['version', version],
])

describe('the recorded answers of Consul 1.8.7', () => {
  let agent: EmbeddedAgent
  beforeAll(async () => {
    agent = await startEmbeddedAgent()
  })
  afterAll(() => agent[Symbol.asyncDispose]())

  // The files run one after another on one agent, so the agent is in its initial state only for the
  // first file.
  it.each(transcriptNames.filter(name => !/^(90-dc|95-acl)$/.test(name)))(
    'equal the answers of the embedded agent to the requests of %s',
    async file => {
      const slow = file === '85-timing'
      const {steps, left, idle} = await unexplained(file, {
        address: agent.address,
        clock: slow ? movedTime(agent) : realTime,
        tags: new Set(['fresh', 'slow']),
        words: local,
      })
      expect({left, idle}).toEqual({left: [], idle: []})
      expect(steps).toBeGreaterThan(10)
    },
  )

  it.each(['10-kv', '20-session', '30-txn'])(
    'equal the answers of a restarted agent with other data to the requests of %s',
    async file => {
      await agent.faults.restart()
      const {left} = await unexplained(file, {address: agent.address, clock: realTime, tags: new Set(), words: local})
      expect(left).toEqual([])
    },
  )
})

describe('the recorded answers of two datacenters', () => {
  it.each([
    ['the first', 'dc1', 'dc2'],
    ['the second', 'dc2', 'dc1'],
  ])('equal the answers of the embedded agent for %s datacenter', async (_, dc, dc2) => {
    await using agent = await startEmbeddedAgent({datacenters: ['dc1', 'dc2']})
    const nodes: Record<string, string> = {dc1: 'baton-dev', dc2: 'baton-dev-dc2'}
    const words = new Map([...local, ['dc', dc], ['dc2', dc2], ['node', nodes[dc]!], ['node2', nodes[dc2]!]] as const)
    const address = agent.addresses.get(dc)!
    for (const file of ['10-kv', '90-dc']) {
      const {left, steps} = await unexplained(file, {address, clock: realTime, tags: new Set(['dc2']), words})
      expect(left).toEqual([])
      expect(steps).toBeGreaterThan(30)
    }
  })
})

describe('the recorded answers with ACLs', () => {
  it('equal the answers of the embedded agent if the default policy is deny', async () => {
    await using agent = await startEmbeddedAgent({acl: {managementToken}})
    const {left, steps} = await unexplained('95-acl', {
      address: agent.address,
      clock: realTime,
      tags: new Set(['acl']),
      words: new Map([...local, ['token', managementToken]]),
    })
    expect(left).toEqual([])
    expect(steps).toBeGreaterThan(30)
  })
})

describe('the list of accepted differences from Consul', () => {
  it.each(readQuirks())('contains a reason for $step', ({file, step, reason}) => {
    const found = readTranscript(file).find(({name}) => name === step)
    expect(found?.tags).toContain('quirk')
    expect(reason.length).toBeGreaterThan(20)
  })
})
