import {describe, expect, it} from 'vitest'
import {type ConfiguredWatch, parseWatches} from '../../../src/watch/config.js'
import {WatchSet} from '../../../src/watch/watch-set.js'
import {settle} from '../../kit/fake-clock.js'

interface Ends {
  resolve(how: 'ended' | 'refused'): void
  reject(error: unknown): void
}

/**
 * Opens a set whose watches run until the test ends them or makes them fail. `log` lists their starts and
 * ends.
 */
function openSet() {
  const log: string[] = []
  const stop = new AbortController()
  const held = new Map<string, Ends>()
  const set = new WatchSet(async (watch, signal) => {
    const name = nameOf(watch)
    log.push(`+${name}`)
    return new Promise<'ended' | 'refused'>((resolve, reject) => {
      held.set(name, {resolve, reject})
      // Watches whose name begins with `slow` stop only when the test allows it.
      if (!name.startsWith('slow')) signal.addEventListener('abort', () => resolve('ended'))
    }).finally(() => log.push(`-${name}`))
  }, stop.signal)
  return {set, log, stop, end: (name: string) => held.get(name)!}
}

const nameOf = ({run}: ConfiguredWatch): string => (run.kind === 'exec' ? run.argv.join(' ') : '')

/** Returns watches for short names: `a/x` watches key a and runs x. */
const watches = (...names: readonly string[]): readonly ConfiguredWatch[] =>
  parseWatches(
    names.map(name => ({type: 'key', key: name.split('/')[1] ?? name, args: [name.split('/')[0]]})),
    'test',
  )

describe('WatchSet', () => {
  it('keeps unchanged watches in any order, and starts and stops the others', async () => {
    const {set, log, stop} = openSet()
    expect(set.replace(watches('a', 'b', 'b', 'c'))).toEqual({kept: 0, started: 4, stopped: 0})
    await settle()
    expect(set.replace(watches('c', 'b', 'a', 'd'))).toEqual({kept: 3, started: 1, stopped: 1})
    await settle()
    expect(log.toSorted()).toEqual(['+a', '+b', '+b', '+c', '+d', '-b'])
    stop.abort(new Error('over'))
    await set.ended()
    expect(log.slice(6).toSorted()).toEqual(['-a', '-b', '-c', '-d'])
  })

  it('starts a changed watch after its previous version has stopped, and other new watches at once', async () => {
    const {set, log, end} = openSet()
    set.replace(watches('slow/k', 'other'))
    await settle()
    set.replace(watches('new/k', 'other'))
    // The next `replace` comes before these watches can start.
    set.replace(watches('newer/k', 'other', 'third'))
    await settle()
    expect(log).toEqual(['+slow', '+other', '+third'])
    end('slow').resolve('ended')
    await settle()
    expect(log).toEqual(['+slow', '+other', '+third', '-slow', '+newer'])
  })

  it('does not restart a watch that ended by itself, but restarts one that was refused', async () => {
    const {set, log, stop, end} = openSet()
    set.replace(watches('a', 'b'))
    await settle()
    end('a').resolve('ended')
    end('b').resolve('refused')
    await settle()
    let isOver = false
    const ended = set.ended().then(() => {
      isOver = true
    })
    await settle()
    expect(isOver).toBe(false)
    expect(set.replace(watches('a', 'b'))).toEqual({kept: 1, started: 1, stopped: 0})
    await settle()
    expect(log).toEqual(['+a', '+b', '-a', '-b', '+b'])
    stop.abort(new Error('over'))
    await ended
  })

  it('stops all other watches if one fails, and rejects once they have stopped', async () => {
    const {set, log, end} = openSet()
    set.replace(watches('a', 'slow', 'c'))
    const ended = expect(set.ended()).rejects.toThrow('broken')
    await settle()
    end('a').reject(new Error('broken'))
    await settle()
    expect(log).toEqual(['+a', '+slow', '+c', '-a', '-c'])
    end('slow').resolve('ended')
    await ended
  })
})
