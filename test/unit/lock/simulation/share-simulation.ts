import {FakeClock} from '../../../kit/fake-clock.js'
import type {Seeded} from '../../core/support/seeded.js'
import {runGoContender} from './go-process.js'
import {Judge} from './judge.js'
import {ModelConsul} from './model-consul.js'
import {SimulatedProcess, type World} from './simulated-process.js'

export interface Shares {
  /** The contenders in the order of their turns. Names of `consul lock` begin with `go`. */
  readonly order: readonly string[]
  readonly faults: readonly string[]
}

/** Runs as many contenders of each tool on one lock, without faults and slow messages, until they have had this many turns together. */
export async function simulateSharing(
  random: Seeded,
  {contenders, turns}: {readonly contenders: number; readonly turns: number},
): Promise<Shares> {
  const clock = new FakeClock(1000, 1_700_000_000_000, {turns: 2})
  const judge = new Judge()
  const consul = new ModelConsul(clock, random)
  const world: World = {clock, random, consul, judge, prefix: 'sim/s', lossRate: 0, slowRate: 0, steps: 0}
  const ours = Array.from(
    {length: contenders},
    (_, at) => new SimulatedProcess(`b${at}`, world, {isServer: true, fair: 'share'}),
  )
  let isOver = false
  const theirs = Array.from({length: contenders}, (_, at) => runGoContender(`go${at}`, world, () => isOver))
  let running = 2 * contenders
  for (const done of [...ours.map(one => one.done), ...theirs]) void done.then(() => (running -= 1))
  while (judge.order.length < turns && judge.faults.length === 0) await clock.advance(50)
  const order = judge.order.slice(0, turns)
  isOver = true
  for (const one of ours) one.stop()
  while (running > 0 && judge.faults.length === 0) await clock.advance(1000)
  return {order, faults: judge.faults}
}
