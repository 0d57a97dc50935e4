import {expect} from 'vitest'
import {createClient} from '../../../../src/core/client.js'
import {kvPrefix} from '../../../../src/core/query/topics.js'
import type {Frame, Subscription} from '../../../../src/core/query/types.js'
import {createViewRegistry} from '../../../../src/core/query/view-registry.js'
import type {KvEntry} from '../../../../src/core/types.js'
import {FakeClock} from '../../../kit/fake-clock.js'
import {type Faults, ModelAgent} from './model-agent.js'
import {ModelOrder} from './model-history.js'
import {type Seeded, seeded} from './seeded.js'

const waitMs = 60_000
const quietMs = 300_000
const names = Array.from({length: 12}, (_, at) => `app/${at}`)

type List = readonly KvEntry[]

/** A reader that rebuilds the list from a view's stream, at its own pace, and checks each element of the stream. */
class Mirror {
  readonly keys = new Map<string, KvEntry>()
  resets = 0
  emptiedAtMs: number | undefined
  readonly #faults: string[]
  readonly #clock: FakeClock

  constructor(clock: FakeClock, faults: string[]) {
    this.#clock = clock
    this.#faults = faults
  }

  async read(subscription: Subscription<List, KvEntry>, paceMs: () => number): Promise<void> {
    for await (const frame of subscription.frames()) {
      this.#apply(frame)
      const pauseMs = paceMs()
      if (pauseMs > 0) await this.#clock.sleep(pauseMs)
    }
  }

  #apply(frame: Frame<KvEntry>): void {
    if (frame.type === 'new-snapshot-to-follow') {
      if (frame.reason === 'reset') this.resets += 1
      this.keys.clear()
    }
    if (frame.type === 'upsert') {
      const known = this.keys.get(frame.key)
      if (known && frame.item.modifyIndex <= known.modifyIndex) this.#faults.push(`${frame.key} became older`)
      this.keys.set(frame.key, frame.item)
    }
    if (frame.type === 'delete') {
      if (!this.keys.delete(frame.key)) this.#faults.push(`${frame.key} deleted though unknown`)
      if (this.keys.size === 0) this.emptiedAtMs = this.#clock.monotonicMs()
    }
  }
}

/** Returns a text that differs for different states, even if their values are equal. */
const stateOf = (
  keys: Iterable<readonly [string, {readonly modifyIndex: number | bigint; readonly value: Buffer | string}]>,
): string =>
  Array.from(keys, ([key, {modifyIndex, value}]) => `${key}@${modifyIndex}=${value.toString()}`)
    .sort()
    .join()

const contentOf = (keys: Iterable<readonly [string, {readonly value: Buffer | string}]>): Record<string, string> =>
  Object.fromEntries(Array.from(keys, ([key, {value}]) => [key, value.toString()] as const).sort())

const someFaults = (random: Seeded): Faults =>
  random.pick<() => Faults>([
    () => ({isBlackHole: true}),
    () => ({isRefusing: true}),
    () => ({refusal: {status: 500, text: 'No cluster leader'}}),
    () => ({refusal: {status: 500, text: 'rpc error making call: EOF'}}),
    () => ({refusal: {status: 429, text: ''}}),
    () => ({refusal: {status: 503, text: 'rate limit exceeded, try again later'}}),
    () => ({refusal: {status: 403, text: 'Permission denied'}}),
    () => ({refusal: {status: 400, text: 'a proxy says no'}}),
    () => ({refusal: {status: 200, text: '<html>'}}),
    () => ({isFiltered: true}),
    () => ({isLeaderless: true}),
    () => ({isSilent: true}),
    () => ({cutAfterMs: 30_000}),
  ])()

/** Makes one random change to the store or to the connection. */
function happen(agent: ModelAgent, clock: FakeClock, random: Seeded): void {
  const chance = random()
  const key = random.pick(names)
  if (chance < 0.7) agent.set(key, `v${random.integer(1e6)}`)
  else if (chance < 0.85) agent.delete(key)
  else if (chance < 0.95) agent.bump()
  else if (chance < 0.96) agent.deleteUnseen(key)
  else if (chance < 0.97) agent.save()
  else if (chance < 0.975) agent.restore(random() < 0.5)
  else if (chance < 0.98) agent.wipe(names.slice(0, random.integer(names.length)))
  else if (chance < 0.985) agent.reset()
  else if (chance < 0.99) agent.relead()
  else if (chance < 0.995) agent.clear()
  else {
    // Simulates a sleep of the machine: connections are lost without an error.
    agent.forget()
    clock.jump(random.integer(3_600_000))
  }
}

function measure(sentAtMs: readonly number[]): {readonly longestGapMs: number; readonly busiestSecond: number} {
  let longestGapMs = 0
  let busiestSecond = 0
  let first = 0
  for (const [at, atMs] of sentAtMs.entries()) {
    longestGapMs = Math.max(longestGapMs, atMs - (sentAtMs[at - 1] ?? atMs))
    while ((sentAtMs[first] ?? atMs) <= atMs - 1000) first += 1
    busiestSecond = Math.max(busiestSecond, at - first + 1)
  }
  return {longestGapMs, busiestSecond}
}

/**
 * Runs random writes and faults for the given simulated time. During phases without faults and at the end, every reader
 * must contain the same items as the store.
 */
export async function runModel(hours: number, leastSteps: number): Promise<void> {
  const random = seeded(`${hours} hours of faults`)
  const clock = new FakeClock(0, undefined, {turns: 1})
  const order = new ModelOrder()
  const agent = new ModelAgent(clock, random, ({keys}) => order.add(stateOf(keys)))
  await using client = createClient({address: 'model:8500', transport: agent, clock, random})
  await using registry = createViewRegistry(client, {waitMs})
  const view = registry.view(kvPrefix(client, 'app/'))
  const wrong: string[] = []
  const mirrors = [() => 0, () => random.integer(2000), () => (random() < 0.01 ? 600_000 : 0)].map(paceMs => {
    const mirror = new Mirror(clock, wrong)
    void mirror.read(view.subscribe(), paceMs)
    return mirror
  })
  const [prompt] = mirrors
  let emptyAtMs = 0
  let steps = 0
  let quietChecks = 0

  const step = async (ms: number): Promise<void> => {
    steps += 1
    if (agent.keys.size === 0) emptyAtMs = clock.monotonicMs()
    await clock.advance(ms)
    if (agent.keys.size === 0) emptyAtMs = clock.monotonicMs()
    const {emptiedAtMs} = prompt ?? {}
    if (emptiedAtMs !== undefined && emptiedAtMs - emptyAtMs > 1000) wrong.push('emptied without being empty')
    if (prompt) prompt.emptiedAtMs = undefined
    const {current} = view
    if (current && !order.show(stateOf(current.value.map(entry => [entry.key, entry]))))
      wrong.push('shows what is over')
    if (wrong.length > 0) throw new Error(wrong.join(', '))
  }

  while (clock.monotonicMs() < hours * 3_600_000 || steps < leastSteps) {
    const faults = random() < 0.3 ? someFaults(random) : {}
    // There are no faults before the first answer: until then, a view takes a refusal as a sign that its request is
    // invalid, and ends.
    agent.faults = view.current ? faults : {}
    if (agent.faults.cutAfterMs !== undefined || agent.faults.isRefusing === true) agent.reset()
    // Some writes follow without a pause.
    const isBurst = random() < 0.05
    const untilMs = clock.monotonicMs() + random.integer(isBurst ? 5000 : 120_000)
    const paceMs = isBurst ? 20 : random.pick([800, 2000, 4000])
    while (clock.monotonicMs() < untilMs) {
      happen(agent, clock, random)
      await step(random.integer(paceMs))
    }
    if (random() < 0.02 || quietChecks === 0) {
      agent.faults = {}
      await step(quietMs)
      quietChecks += 1
      expect(contentOf(prompt?.keys ?? [])).toEqual(contentOf(agent.keys))
    }
  }
  agent.faults = {}
  await step(2 * 3_600_000)

  const truth = contentOf(agent.keys)
  for (const mirror of mirrors) expect(contentOf(mirror.keys)).toEqual(truth)
  expect(contentOf((view.current?.value ?? []).map(entry => [entry.key, entry]))).toEqual(truth)

  const {longestGapMs, busiestSecond} = measure(agent.sentAtMs)
  expect(longestGapMs).toBeLessThanOrEqual((waitMs * 17) / 16 + 10_000)
  expect(busiestSecond).toBeLessThanOrEqual(10)

  expect(steps).toBeGreaterThanOrEqual(leastSteps)
  expect(quietChecks).toBeGreaterThan(0)
  expect(agent.pastAnswers).toBeGreaterThan(0)
  expect(mirrors.every(mirror => mirror.resets > 0)).toBe(true)
  process.stderr.write(
    `${steps} steps, ${agent.sentAtMs.length} requests, ${quietChecks} quiet checks, ${prompt?.resets} resets, ${agent.pastAnswers} answers of the past\n`,
  )
}
