import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {FlightRecorder, readFlights} from '../../../../src/cli/lock/flight-recorder.js'
import {endOf, toFlights, whyLines} from '../../../../src/cli/lock/why-text.js'

const facts = {command: 'backup', ttlMs: 15_000, lockDelayMs: 15_000, graceMs: 5000}
let directory = ''
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'baton-test-')), 'locks')
})
afterEach(() => rmSync(join(directory, '..'), {recursive: true}))

const event = (type: string, fields: object = {}): string =>
  JSON.stringify({time: '2026-01-02T03:00:00.000Z', prefix: 'a/b', type, ...fields})
const newest = () => toFlights(readFlights(directory, 'a/b'))[0]!

describe('the record of locks on a machine', () => {
  it('shows when the command would have been stopped, as times of the wall clock', () => {
    const recorder = new FlightRecorder(directory, 'a/b', facts)
    recorder.record(event('lock.acquired', {waitMs: 1200, token: '81'}))
    recorder.record(event('lease.renewed', {deadline: {termAtMs: 0, killAtMs: 0, freeAtMs: 0}}))
    recorder.record(
      event('lease.degraded', {error: 'ECONNREFUSED', deadline: {termAtMs: 0, killAtMs: 5000, freeAtMs: 6000}}),
    )
    const [line] = readFlights(directory, 'a/b').filter(({type}) => type === 'lease.degraded')
    const shown = whyLines(newest(), true).join('\n')
    const at = (ms: number): string =>
      new Date(Date.parse('2026-01-02T03:00:00.000Z') + ms - line!.bootMs).toISOString()
    expect(shown).toContain('a/b: backup, pid ')
    expect(shown).toContain('acquired after 1.2s, token 81')
    expect(shown).toContain(
      `not proven: ECONNREFUSED; TERM at ${at(0)}, + grace 5s = KILL at ${at(5000)}, + margin 1s = free for others at ${at(6000)}`,
    )
    expect(endOf(newest(), true)).toBe('running')
    expect(endOf(newest(), false)).toBe('killed')
    recorder[Symbol.dispose]()
  })

  it.each([
    ['lock.lost', 'lost'],
    ['lock.released', 'released'],
    ['lock.waiting', 'failed'],
  ])('shows how an acquisition or hold ended (last event: %s)', (type, end) => {
    const recorder = new FlightRecorder(directory, 'a/b', facts)
    recorder.record(event(type, {error: 'gone'}))
    recorder[Symbol.dispose]()
    expect(endOf(newest(), false)).toBe(end)
  })

  it('leaves out damaged lines, and lines of other locks', () => {
    new FlightRecorder(directory, 'a/b', facts)[Symbol.dispose]()
    const [file = ''] = readdirSync(directory)
    writeFileSync(
      join(directory, file),
      'not JSON\n{"type":1}\n{"time":"x","type":"begin","prefix":"c","process":1,"bootMs":1}\n',
      {flag: 'a'},
    )
    expect(toFlights(readFlights(directory, 'a/b'))).toHaveLength(1)
  })

  it('keeps at most 200 files, and begins a new file when the current one is large', () => {
    for (let at = 0; at < 210; at += 1) new FlightRecorder(directory, `k/${at}`, facts)[Symbol.dispose]()
    expect(readdirSync(directory)).toHaveLength(200)
    const recorder = new FlightRecorder(directory, 'a/b', facts)
    for (let at = 0; at < 600; at += 1) recorder.record(event('lock.waiting', {reason: 'x'.repeat(1000)}))
    recorder[Symbol.dispose]()
    new FlightRecorder(directory, 'a/b', facts)[Symbol.dispose]()
    expect(readdirSync(directory).filter(name => name.startsWith('a%2Fb'))).toEqual([
      'a%2Fb.ndjson',
      'a%2Fb.ndjson.old',
    ])
    expect(toFlights(readFlights(directory, 'a/b'))).toHaveLength(2)
  })

  it('causes no error if it cannot be written', () => {
    const recorder = new FlightRecorder('/proc/self/nowhere', 'a/b', facts)
    recorder.record(event('lock.waiting'))
    recorder[Symbol.dispose]()
    expect(readFlights('/proc/self/nowhere')).toEqual([])
  })
})
