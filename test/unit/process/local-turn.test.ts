import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {systemClock} from '../../../src/core/time/clock.js'
import type {Clock} from '../../../src/core/types.js'
import {takeLocalTurn, turnPath} from '../../../src/process/local-turn.js'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'baton-test-'))
})
afterAll(() => rmSync(directory, {recursive: true}))

let names = 0
const newPath = () => turnPath(directory, 'test', String((names += 1))) as string
const options = (signal: AbortSignal = new AbortController().signal) => ({
  signal,
  clock: systemClock,
  random: Math.random,
  isFree: async () => false,
  patienceMs: 15_000,
})

describe('the turn to contend for a lock on this host', () => {
  it('is given to one contender at a time, and finally to each of them', async () => {
    const path = newPath()
    let inside = 0
    let done = 0
    const visit = async (): Promise<void> => {
      using _turn = await takeLocalTurn(path, options())
      inside += 1
      expect(inside).toBe(1)
      await systemClock.sleep(2)
      inside -= 1
      done += 1
    }
    await Promise.all(Array.from({length: 20}, visit))
    expect(done).toBe(20)
  })

  it('is separate for each key', async () => {
    using _one = await takeLocalTurn(newPath(), options())
    using _two = await takeLocalTurn(newPath(), options())
  })

  it("is denied to a waiting contender whose signal aborts, with the signal's reason", async () => {
    const path = newPath()
    using _turn = await takeLocalTurn(path, options())
    const stop = new AbortController()
    const waiting = takeLocalTurn(path, options(stop.signal))
    const outcome = expect(waiting).rejects.toThrow('enough')
    await systemClock.sleep(20)
    stop.abort(new Error('enough'))
    await outcome
  })

  const startOwner = async (path: string) => {
    const script = `require('node:net').createServer().listen({path: ${JSON.stringify(path)}}, () => console.log('mine'))`
    const owner = spawn(process.execPath, ['-e', script], {stdio: ['ignore', 'pipe', 'inherit']})
    await once(owner.stdout, 'data')
    return owner
  }

  /** A clock that runs ten times as fast as the system's. */
  const hastyClock: Clock = {...systemClock, timer: (ms, callback) => systemClock.timer(ms / 10, callback)}

  it('is taken from a contender whose process is suspended', async () => {
    const path = newPath()
    const owner = await startOwner(path)
    owner.kill('SIGSTOP')
    using _turn = await takeLocalTurn(path, {...options(), clock: hastyClock})
    owner.kill('SIGKILL')
  })

  it('is not taken from a contender that is alive, however long the contender takes', async () => {
    const path = newPath()
    const turn = await takeLocalTurn(path, {...options(), clock: hastyClock})
    let isMine = false
    const waiting = takeLocalTurn(path, {...options(), clock: hastyClock}).then(other => {
      isMine = true
      other[Symbol.dispose]()
    })
    await systemClock.sleep(2000)
    expect(isMine).toBe(false)
    turn[Symbol.dispose]()
    await waiting
  })

  it('is available again after the contender that had it was killed', async () => {
    const path = newPath()
    const owner = await startOwner(path)
    const waiting = takeLocalTurn(path, options())
    owner.kill('SIGKILL')
    using _turn = await waiting
  })

  it('is given to one contender at a time after one was killed and has left its socket behind', async () => {
    const path = newPath()
    const owner = await startOwner(path)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    expect(existsSync(path)).toBe(true)
    let inside = 0
    const visit = async (): Promise<void> => {
      using _turn = await takeLocalTurn(path, options())
      inside += 1
      expect(inside).toBe(1)
      await systemClock.sleep(2)
      inside -= 1
    }
    await Promise.all(Array.from({length: 10}, visit))
    expect(existsSync(path)).toBe(false)
  })

  it('is taken from a contender that is alive but does not acquire the free lock', async () => {
    const path = newPath()
    using _turn = await takeLocalTurn(path, {...options(), clock: hastyClock})
    let asked = 0
    const isFree = async () => {
      asked += 1
      return asked > 1
    }
    using _other = await takeLocalTurn(path, {...options(), isFree, patienceMs: 20})
    expect(asked).toBe(2)
  })

  it('is not taken from a contender that is alive while Consul does not answer', async () => {
    const path = newPath()
    const turn = await takeLocalTurn(path, options())
    let asked = 0
    let isOver = false
    const isFree = async () => {
      asked += 1
      if (asked === 2) turn[Symbol.dispose]()
      throw new Error('no answer')
    }
    using _other = await takeLocalTurn(path, {...options(), isFree, patienceMs: 20})
    isOver = true
    expect({asked, isOver}).toEqual({asked: 2, isOver: true})
  })

  it.each([
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a directory', (path: string) => mkdirSync(path)],
  ])('is not delayed by %s at the path of the socket', async (_what, put) => {
    const path = newPath()
    put(path)
    using _turn = await takeLocalTurn(path, options())
  })

  it('has no socket if the path of the socket would be too long for Node', () => {
    expect(turnPath(join(directory, 'x'.repeat(100)), 'test')).toBeUndefined()
  })
})
