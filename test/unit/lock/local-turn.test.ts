import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {expect, it} from 'vitest'
import {systemClock} from '../../../src/core/time/clock.js'
import type {Clock} from '../../../src/core/types.js'
import {takeLocalTurn, turnName} from '../../../src/lock/local-turn.js'

let names = 0
const newName = () => turnName('test', String(process.pid), String((names += 1)))
const options = (signal: AbortSignal = new AbortController().signal) => ({
  signal,
  clock: systemClock,
  random: Math.random,
})

it('has one at a time, and everybody in the end', async () => {
  const name = newName()
  let inside = 0
  let done = 0
  const visit = async (): Promise<void> => {
    using _turn = await takeLocalTurn(name, options())
    inside += 1
    expect(inside).toBe(1)
    await systemClock.sleep(2)
    inside -= 1
    done += 1
  }
  await Promise.all(Array.from({length: 20}, visit))
  expect(done).toBe(20)
})

it('keeps keys apart', async () => {
  using _one = await takeLocalTurn(newName(), options())
  using _two = await takeLocalTurn(newName(), options())
})

it('stops waiting when its signal aborts', async () => {
  const name = newName()
  using _turn = await takeLocalTurn(name, options())
  const stop = new AbortController()
  const waiting = takeLocalTurn(name, options(stop.signal))
  const outcome = expect(waiting).rejects.toThrow('enough')
  await systemClock.sleep(20)
  stop.abort(new Error('enough'))
  await outcome
})

const startOwner = async (name: string) => {
  const script = `require('node:net').createServer().listen({path: ${JSON.stringify(name)}}, () => console.log('mine'))`
  const owner = spawn(process.execPath, ['-e', script], {stdio: ['ignore', 'pipe', 'inherit']})
  await once(owner.stdout, 'data')
  return owner
}

/** Ten times as fast. */
const hastyClock: Clock = {...systemClock, timer: (ms, callback) => systemClock.timer(ms / 10, callback)}

it('does not wait for somebody who stands still', async () => {
  const name = newName()
  const owner = await startOwner(name)
  owner.kill('SIGSTOP')
  using _turn = await takeLocalTurn(name, {...options(), clock: hastyClock})
  owner.kill('SIGKILL')
})

it('waits for somebody who works, however long that takes', async () => {
  const name = newName()
  const turn = await takeLocalTurn(name, {...options(), clock: hastyClock})
  let isMine = false
  const waiting = takeLocalTurn(name, {...options(), clock: hastyClock}).then(other => {
    isMine = true
    other[Symbol.dispose]()
  })
  await systemClock.sleep(2000)
  expect(isMine).toBe(false)
  turn[Symbol.dispose]()
  await waiting
})

it('is free when who had it is killed', async () => {
  const name = newName()
  const owner = await startOwner(name)
  const waiting = takeLocalTurn(name, options())
  owner.kill('SIGKILL')
  using _turn = await waiting
})
