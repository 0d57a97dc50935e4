import type {SessionId} from '../../../../src/core/types.js'
import type {World} from './simulated-process.js'

const mutexFlags = 0x2ddccbc058a50c18n
const noValue = Buffer.alloc(0)

/**
 * Acquires and releases the lock as `consul lock` does, without faults, until `isOver` returns true.
 */
export async function runGoContender(name: string, world: World, isOver: () => boolean): Promise<void> {
  const {clock, random, consul, judge, prefix} = world
  const key = `${prefix}/.lock`
  const travel = (): Promise<void> => clock.sleep(1 + random() * 8)
  const acquire = async (session: SessionId): Promise<void> => {
    for (;;) {
      await travel()
      const entry = consul.look(true).get(key)
      if (entry?.session === session) return
      if (entry?.session !== undefined) {
        await new Promise<void>(resolve => consul.park(key, entry.modifyIndex, 15_000, resolve))
        continue
      }
      await travel()
      const {refused} = consul.commit([{verb: 'lock', key, value: noValue, session, flags: mutexFlags}])
      if (refused.length === 0) return
      await clock.sleep(refused.some(({what}) => what.includes('delay')) ? 5000 : 1)
    }
  }
  while (!isOver()) {
    const session = consul.createSession({
      ttlMs: 1e9,
      lockDelayMs: 15_000,
      behavior: 'release',
      name: `Consul lock for 'x' at '${prefix}'`,
    })
    await acquire(session)
    await travel()
    const run = judge.start(name, 0n, clock.monotonicMs())
    await clock.sleep(random() * 200)
    judge.end(run)
    await travel()
    consul.commit([{verb: 'unlock', key, value: noValue, session, flags: mutexFlags}])
    await travel()
    const left = consul.look(true).get(key)
    if (left && left.session === undefined) {
      await travel()
      consul.commit([
        {verb: 'check-index', key, index: BigInt(left.modifyIndex)},
        {verb: 'delete', key},
      ])
    }
    await travel()
    consul.endSession(session)
    world.steps += 8
    await clock.sleep(random() * 100)
  }
}
