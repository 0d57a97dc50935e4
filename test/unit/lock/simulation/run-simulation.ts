import {FakeClock} from '../../../kit/fake-clock.js'
import type {Seeded} from '../../core/support/seeded.js'
import {runGoContender} from './go-process.js'
import {Judge} from './judge.js'
import {ModelConsul} from './model-consul.js'
import {SimulatedProcess, type World} from './simulated-process.js'

export interface Simulation {
  readonly judge: Judge
  readonly steps: number
  /** Names of the contenders that have not ended. */
  readonly stuck: readonly string[]
  /** Keys and sessions that were left behind. */
  readonly left: readonly string[]
}

export interface SimulationOptions {
  readonly contenders: number
  readonly goContenders: number
  /** Number of steps after which no more faults happen. */
  readonly faultSteps: number
}

const sliceMs = 20
/**
 * Maximum time from the last fault until all contenders have ended. It covers the TTLs, the lock-delay, and the runs
 * that still wait.
 */
const longestEndMs = 3_000_000

/** Runs contenders on one lock, first with faults, then without faults until all contenders have ended. */
export async function simulate(random: Seeded, options: SimulationOptions): Promise<Simulation> {
  const clock = new FakeClock(1000, 1_700_000_000_000, {turns: 2})
  const consul = new ModelConsul(clock, random)
  const judge = new Judge()
  const world: World = {clock, random, consul, judge, prefix: 'sim/l', lossRate: 0, slowRate: 0.03, steps: 0}
  const pending = new Set<string>()
  const alive: SimulatedProcess[] = []
  let born = 0
  let isEnding = false
  const start = (): void => {
    born += 1
    const one = new SimulatedProcess(`b${born}`, world, {isServer: random() < 0.5})
    alive.push(one)
    pending.add(one.name)
    void one.done.then(() => pending.delete(one.name))
  }
  for (let at = 0; at < options.contenders; at += 1) start()
  for (let at = 0; at < options.goContenders; at += 1) {
    pending.add(`go${at}`)
    void runGoContender(`go${at}`, world, () => isEnding).then(() => pending.delete(`go${at}`))
  }
  const strike = (): void => {
    const victim = random.pick(alive)
    const dice = random()
    if (dice < 0.25) {
      victim.kill({isGuardianKilled: random() < 0.3})
      alive.splice(alive.indexOf(victim), 1)
      pending.delete(victim.name)
      start()
    } else if (dice < 0.5) {
      victim.freeze()
      void clock.sleep(random() * (random() < 0.5 ? 1000 : 60_000)).then(() => victim.thaw())
    } else if (dice < 0.65) consul.loseLeader()
    else if (dice < 0.8) {
      world.lossRate = random() < 0.2 ? 1 : 0.3
      void clock.sleep(random() * 8000).then(() => {
        world.lossRate = 0
      })
    } else if (dice < 0.9) {
      const sessions = [...consul.sessions.keys()]
      // `consul lock` has a defect: it stops its command only seconds after its session was destroyed.
      if (sessions.length > 0 && options.goContenders === 0) consul.endSession(random.pick(sessions))
    } else {
      victim.stop()
      alive.splice(alive.indexOf(victim), 1)
      start()
    }
  }
  while (world.steps < options.faultSteps && judge.faults.length === 0) {
    await clock.advance(sliceMs * (1 + random.integer(20)))
    if (random() < 0.1) strike()
  }
  isEnding = true
  for (const one of alive) one.stop()
  const endMs = clock.monotonicMs() + longestEndMs
  while (pending.size > 0 && clock.monotonicMs() < endMs && judge.faults.length === 0) {
    for (const one of alive) one.thaw()
    await clock.advance(1000)
  }
  // Lets the sessions of killed processes expire.
  await clock.advance(60_000)
  const left = [...consul.look(true).keys(), ...consul.sessions.keys()]
  return {judge, steps: world.steps, stuck: [...pending], left}
}
