import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../src/embedded/index.js'
import {type ConsulServer, consulIsInstalled, startDevAgent} from '../kit/consul-server.js'
import {testSeed} from '../kit/seed.js'
import {waitUntil} from '../kit/wait-until.js'
import {Likeness, ownNode} from './embedded/likeness.js'
import {type Ask, conversations, reads, writes} from './embedded/requests.js'
import {type Answer, Side} from './embedded/side.js'

const seed = testSeed('conversations')
const numRuns = Number(process.env['BATON_TEST_RUNS'] ?? 2000)
const timeout = Math.max(300_000, numRuns * 100)

describe.runIf(consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1')('beside a real agent', () => {
  let consul: ConsulServer
  let agent: EmbeddedAgent
  let real: Side
  let embedded: Side
  let run = 0
  beforeAll(async () => {
    consul = await startDevAgent({node: 'baton-dev'})
    agent = await startEmbeddedAgent()
    real = new Side('consul', 'baton-dev', consul.address)
    embedded = new Side('embedded', 'baton-dev', agent.address)
    await waitUntil(async () => (await real.send('GET', '/v1/catalog/nodes')).text.includes('lan_ipv4'), {
      what: 'the first synchronisation of the real agent',
    })
    // From here on, the last write to both agents is the same.
    const warm = {Node: 'warm', Address: '10.9.9.9', Service: {Service: 'warm'}, Check: {Name: 'warm'}}
    for (const path of ['register', 'deregister']) {
      const body = JSON.stringify(path === 'register' ? warm : {Node: 'warm'})
      await both(side => side.send('PUT', `/v1/catalog/${path}`, body))
    }
  })
  afterAll(async () => {
    real.close()
    embedded.close()
    await agent[Symbol.asyncDispose]()
    await consul[Symbol.asyncDispose]()
  })

  const both = <T>(work: (side: Side) => Promise<T>): Promise<[T, T]> => Promise.all([work(real), work(embedded)])
  const events = async (side: Side, path: string): Promise<number> =>
    (JSON.parse((await side.ask({method: 'GET', path})).text) as unknown[]).length
  /** A real agent lists its own event a moment after its answer. */
  const listed = async (fired: Ask): Promise<void> => {
    const path = `/v1/event/list?name=${fired.path.replace(/^.*fire\/|\?.*$/g, '')}`
    const count = await events(embedded, path)
    await waitUntil(async () => (await events(real, path)) === count, {what: 'the real agent to list its event'})
  }
  const begin = (): void => {
    run += 1
    for (const side of [real, embedded]) side.begin(`d${run}`)
  }

  it(`answers the same to ${numRuns} random conversations (seed ${seed})`, {timeout}, async () => {
    const property = fc.asyncProperty(conversations, async asks => {
      begin()
      const likeness = new Likeness()
      try {
        for (const ask of asks) {
          const [a, b] = await both(side => side.ask(ask))
          if (ask.path.startsWith('/v1/event/fire/') && a.status === 200) await listed(ask)
          const lines = likeness.compare(nameless(a, real), nameless(b, embedded))
          if (lines.length > 0) throw new Error(`${ask.method} ${ask.path} ${ask.body ?? ''}\n${lines.join('\n')}`)
        }
      } finally {
        await both(side => side.end())
      }
    })
    await fc.assert(property, {seed, numRuns, endOnFailure: false})
  })

  it(`wakes exactly the queries that Consul wakes (seed ${seed})`, {timeout}, async () => {
    const setting = fc.tuple(fc.array(writes, {maxLength: 5}), reads, writes)
    const property = fc.asyncProperty(setting, async ([before, read, change]) => {
      const attempt = async (waitMs: number): Promise<[Wake, Wake]> => {
        begin()
        try {
          for (const ask of before) await both(side => side.ask(ask))
          return await both(side => wakeOf(side, read, change, waitMs))
        } finally {
          await both(side => side.end())
        }
      }
      let wakes = await attempt(300)
      // On a busy machine an answer may be late: a difference counts only if it persists with a long wait.
      if (wakes[1].woken !== wakes[0].woken) wakes = await attempt(10_000)
      // Consul also wakes queries whose answer did not change; only those may differ.
      if (wakes[1].woken !== wakes[0].woken) {
        expect(wakes, `${read.path} after ${change.method} ${change.path} ${change.body ?? ''}`).toMatchObject([
          {woken: true, changed: false},
          {woken: false},
        ])
      }
    })
    await fc.assert(property, {seed, numRuns: Math.ceil(numRuns / 25)})
  })
})

/** Replaces the node's name and ports, which differ between the agents. */
function nameless(answer: Answer, side: Side): Answer {
  const text = answer.text.replaceAll(side.node, ownNode).replace(/("ServicePort"|"Port"): ?(8300|\d{5})\b/g, '$1:0')
  return {...answer, text}
}

interface Wake {
  readonly woken: boolean
  readonly changed: boolean
}

/** Reports whether a change ends a blocking query well before its wait, and whether the answer differs. */
async function wakeOf(side: Side, read: Ask, change: Ask, waitMs: number): Promise<Wake> {
  const first = await side.ask(read)
  const index = first.headers['x-consul-index']
  if (index === undefined || (first.status >= 400 && first.status !== 404)) return {woken: false, changed: false}
  const mark = read.path.includes('?') ? '&' : '?'
  const startMs = performance.now()
  const parked = side
    .ask(read, `${mark}index=${index}&wait=${waitMs}ms`)
    .then(answer => ({answer, tookMs: performance.now() - startMs}))
  await sleep(15)
  await side.ask(change)
  const {answer, tookMs} = await parked
  return {
    woken: tookMs < waitMs * 0.6,
    changed: answer.text !== first.text || answer.status !== first.status,
  }
}
