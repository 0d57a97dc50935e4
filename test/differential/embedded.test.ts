import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type EmbeddedAgent, startEmbeddedAgent} from '../../src/embedded/index.js'
import {type ConsulServer, consulIsInstalled, startDevAgent} from '../kit/consul-server.js'
import {testSeed} from '../kit/seed.js'
import {waitUntil} from '../kit/wait-until.js'
import type {Ask} from './embedded/asks/ask.js'
import {conversations, waits} from './embedded/conversations.js'
import {Likeness, ownNode} from './embedded/likeness.js'
import {type Answer, Side} from './embedded/side.js'

const seed = testSeed('conversations')
const numRuns = Number(process.env['BATON_TEST_RUNS'] ?? 2000)
const timeout = Math.max(300_000, numRuns * 300)

describe.runIf(consulIsInstalled() || process.env['BATON_REQUIRE_CONSUL'] === '1')('baton dev and Consul', () => {
  let consul: ConsulServer
  let agent: EmbeddedAgent
  let real: Side
  let embedded: Side
  let run = 0
  let cleaned: Promise<unknown> = Promise.resolve()
  beforeAll(async () => {
    consul = await startDevAgent({node: 'baton-dev'})
    agent = await startEmbeddedAgent()
    real = new Side('consul', 'baton-dev', consul.address)
    embedded = new Side('embedded', 'baton-dev', agent.address)
    await waitUntil(async () => (await real.send('GET', '/v1/catalog/nodes')).text.includes('lan_ipv4'), {
      what: 'the first synchronisation of the real agent',
    })
    // After these requests, the last write to both agents is the same.
    const warm = {Node: 'warm', Address: '10.9.9.9', Service: {Service: 'warm'}, Check: {Name: 'warm'}}
    for (const path of ['register', 'deregister']) {
      const body = JSON.stringify(path === 'register' ? warm : {Node: 'warm'})
      await both(side => side.send('PUT', `/v1/catalog/${path}`, body))
    }
  })
  afterAll(async () => {
    await cleaned
    await both(side => side.close())
    await agent[Symbol.asyncDispose]()
    await consul[Symbol.asyncDispose]()
  })

  const both = <T>(work: (side: Side) => Promise<T>): Promise<[T, T]> => Promise.all([work(real), work(embedded)])
  const events = async (side: Side, path: string): Promise<number> =>
    (JSON.parse((await side.ask({method: 'GET', path})).text) as unknown[]).length
  /** A real agent lists its own event only a moment after it has answered. */
  const listed = async (fired: Ask): Promise<void> => {
    const path = `/v1/event/list?name=${fired.path.replace(/^.*fire\/|\?.*$/g, '')}`
    const count = await events(embedded, path)
    await waitUntil(async () => (await events(real, path)) === count, {what: 'the real agent to list its event'})
  }
  const inRun = async (asked: readonly Ask[], work: () => Promise<void>): Promise<void> => {
    run += 1
    for (const side of [real, embedded]) side.begin(run)
    try {
      await work()
    } finally {
      // Waits only for the clean-up of the previous run. The clean-up of this run takes place during the next run, on
      // the same connections.
      await cleaned
      cleaned = both(side => side.end(asked))
      cleaned.catch(() => {})
    }
  }
  const compare = (likeness: Likeness, ask: Ask, [a, b]: readonly [Answer, Answer]): void => {
    const lines = likeness.compare(nameless(a, real), nameless(b, embedded))
    if (lines.length > 0) throw new Error(`${ask.method} ${ask.path} ${ask.body ?? ''}\n${lines.join('\n')}`)
  }

  it(`give the same answers to ${numRuns} random series of requests (seed ${seed})`, {timeout}, async () => {
    const converse = (asks: readonly Ask[]): Promise<void> =>
      inRun(asks, async () => {
        const likeness = new Likeness()
        for (const part of endingWithEvents(asks)) {
          const [theirs, ours] = await both(side => side.askAll(part))
          for (const [at, ask] of part.entries()) compare(likeness, ask, [theirs[at]!, ours[at]!])
          if (isFired(part.at(-1)!) && theirs.at(-1)!.status === 200) await listed(part.at(-1)!)
        }
      })
    // At intervals, a real agent compares its services and checks with those of the servers, and then writes the
    // outputs of checks. These writes change indexes, so a difference counts only if a second attempt shows it again.
    const property = fc.asyncProperty(conversations, asks => converse(asks).catch(() => converse(asks)))
    await fc.assert(property, {seed, numRuns, endOnFailure: false})
  })

  it(`wake the same blocking queries (seed ${seed})`, {timeout}, async () => {
    const property = fc.asyncProperty(waits, async ([before, asked, change]) => {
      const attempt = async (waitMs: number): Promise<readonly string[]> => {
        let lines: readonly string[] = []
        await inRun([...before, change], async () => {
          await both(side => side.askAll(before))
          const [theirs, ours] = await both(side => wakesOf(side, asked, change, waitMs))
          const likeness = new Likeness()
          lines = asked.flatMap((read, at) => differencesOf(read, theirs[at], ours[at]))
          for (const [at, read] of asked.entries()) {
            const answers = [theirs[at]?.fresh, ours[at]?.fresh] as const
            if (answers[0] && answers[1]) compare(likeness, read, [answers[0], answers[1]])
          }
        })
        return lines
      }
      const lines = await attempt(300)
      // On a busy machine, an answer may be late, so a difference counts only if it is still there after a long wait.
      const lasting = lines.length === 0 ? lines : await attempt(10_000)
      expect(lasting, `after ${change.method} ${change.path} ${change.body ?? ''}`).toEqual([])
    })
    await fc.assert(property, {seed, numRuns: Math.ceil(numRuns / 25)})
  })
})

const isFired = ({path}: Ask): boolean => path.startsWith('/v1/event/fire/')

/** Splits a conversation after each event. */
function endingWithEvents(asks: readonly Ask[]): readonly Ask[][] {
  const parts: Ask[][] = [[]]
  for (const ask of asks) {
    parts.at(-1)!.push(ask)
    if (isFired(ask)) parts.push([])
  }
  return parts.filter(part => part.length > 0)
}

/** Replaces the node's name and ports, which differ between the agents. */
function nameless(answer: Answer, side: Side): Answer {
  const text = answer.text.replaceAll(side.node, ownNode).replace(/("ServicePort"|"Port"): ?(8300|\d{5})\b/g, '$1:0')
  return {...answer, text}
}

interface Wake {
  readonly isWoken: boolean
  readonly first: Answer
  readonly last: Answer
  /** The answer to the same query if it is sent after the change. */
  readonly fresh: Answer
}

/**
 * For each query, resolves with true if a change ended it well before its wait time was over, and with undefined if the
 * query cannot wait.
 */
async function wakesOf(side: Side, reads: readonly Ask[], change: Ask, waitMs: number): Promise<(Wake | undefined)[]> {
  const asked = reads.map(read => side.fixed(read))
  const firsts = await side.askAll(asked)
  const parked = asked.map(async (read, at) => {
    const first = firsts[at]!
    const index = first.headers['x-consul-index']
    if (index === undefined || (first.status >= 400 && first.status !== 404)) return undefined
    const startMs = performance.now()
    const last = await side.park(read, `${read.path.includes('?') ? '&' : '?'}index=${index}&wait=${waitMs}ms`)
    return {isWoken: performance.now() - startMs < waitMs * 0.6, first, last}
  })
  await sleep(15)
  await side.ask(change)
  const freshes = await side.askAll(asked)
  const wakes = await Promise.all(parked)
  return wakes.map((wake, at) => wake && {...wake, fresh: freshes[at]!})
}

/** Consul may also wake a query whose answer did not change. Any other difference is reported. */
function differencesOf(read: Ask, theirs: Wake | undefined, ours: Wake | undefined): string[] {
  if (theirs?.isWoken === ours?.isWoken) return []
  const isIdle = theirs && ours && isSame(theirs.first, theirs.last) && isSame(ours.first, ours.fresh)
  return isIdle && theirs.isWoken ? [] : [`${read.path}: woken ${theirs?.isWoken} and ${ours?.isWoken}`]
}

const isSame = (a: Answer, b: Answer): boolean => a.status === b.status && a.text === b.text
