import {describe, expect, it} from 'vitest'
import {Progress} from '../../../../src/cli/progress.js'
import {Reporter} from '../../../../src/cli/replicate/reporter.js'
import type {Held, ReplicationPass} from '../../../../src/replicate/types.js'

const mapping = {source: 'a/', datacenter: 'dc1', destination: 'b/'}
const pass = (more: Partial<ReplicationPass> = {}): ReplicationPass => ({
  mapping,
  index: 1n,
  written: 0,
  deleted: 0,
  unchanged: 0,
  skipped: 0,
  unreadable: [],
  drifted: [],
  hidden: 0,
  held: [],
  refused: [],
  error: undefined,
  durationMs: 1,
  ...more,
})
const held = (count: number, reason: Held['reason'] = 'limit', isKept = false): Held => ({
  id: `id${count}`,
  reason,
  isKept,
  count,
  sample: [],
  message: `${count} deletes held: a/1`,
})

function setUp({namesKeys = false} = {}) {
  const lines: string[] = []
  const out = {
    say: () => {},
    warn: (text: string) => lines.push(`baton: ${text}`),
    error: (text: string) => lines.push(`baton: ${text}`),
  }
  const progress = new Progress({stderr: {write: () => true}, isQuiet: true})
  return {lines, reporter: new Reporter({out, progress, namesKeys})}
}

describe('the reporter of `baton replicate`', () => {
  it('reports deletes held back for approval once, and the number of further ones each time that number has doubled', () => {
    const {lines, reporter} = setUp()
    const first = held(11, 'limit', true)
    reporter.observe({type: 'pass.finished', pass: pass({held: [first]})})
    for (let count = 1; count <= 5; count += 1)
      reporter.observe({type: 'pass.finished', pass: pass({held: [first, held(count)]})})
    reporter.observe({type: 'pass.finished', pass: pass({held: [first, held(5, 'limit', true)]})})
    reporter.observe({type: 'pass.finished', pass: pass()})
    reporter.observe({type: 'pass.finished', pass: pass()})
    expect(lines).toEqual([
      'baton: 11 deletes held: a/1; to delete them: baton replicate approve id11',
      expect.stringMatching(/^baton: replicate a\/@dc1 -> b\/: 2 more deletes held; they get an id of their own/),
      expect.stringMatching(/: 4 more deletes held; they get an id of their own/),
      'baton: 5 deletes held: a/1; to delete them: baton replicate approve id5',
      'baton: replicate a/@dc1 -> b/: no deletes are held any more',
    ])
  })

  it('reports the result of an approval', () => {
    const {lines, reporter} = setUp()
    reporter.observe({type: 'approval.finished', mapping, id: '3f2a91c0', deleted: 3, kept: 0})
    reporter.observe({type: 'approval.finished', mapping, id: '3f2a91c0', deleted: 2, kept: 1})
    reporter.observe({type: 'approval.refused', mapping, id: '3f2a91c0', reason: 'no held set has this id'})
    expect(lines).toEqual([
      'baton: replicate a/@dc1 -> b/: 3f2a91c0 approved: 3 deleted',
      expect.stringMatching(/2 deleted, 1 kept: they were written since/),
      'baton: replicate a/@dc1 -> b/: the approval of 3f2a91c0 is not valid: no held set has this id',
    ])
  })

  it('offers no approval for deletes that cannot be approved', () => {
    const {lines, reporter} = setUp()
    reporter.observe({type: 'pass.finished', pass: pass({held: [held(2, 'hidden')]})})
    expect(lines).toEqual(['baton: 2 deletes held: a/1'])
  })

  it('lists refused keys and undecodable names once, at most ten of each', () => {
    const {lines, reporter} = setUp()
    const refused = Array.from({length: 12}, (_, at) => ({key: `b/${at}`, reason: 'no'}))
    const one = pass({refused, unreadable: ['a/\ufffd']})
    reporter.observe({type: 'pass.finished', pass: one})
    reporter.observe({type: 'pass.finished', pass: one})
    expect(lines).toHaveLength(12)
    expect(lines[0]).toBe('baton: replicate a/@dc1 -> b/: b/0 refused: no')
    expect(lines[10]).toMatch(/2 more keys refused/)
    expect(lines[11]).toMatch(/"a\/\ufffd" skipped: /)
  })

  it('names each written and each deleted key if asked to', () => {
    const quiet = setUp()
    const loud = setUp({namesKeys: true})
    for (const {reporter} of [quiet, loud]) {
      reporter.observe({type: 'key.written', mapping, key: 'b/1'})
      reporter.observe({type: 'key.deleted', mapping, key: 'b/2'})
    }
    expect(quiet.lines).toEqual([])
    expect(loud.lines).toEqual(['baton: a/@dc1 -> b/: written b/1', 'baton: a/@dc1 -> b/: deleted b/2'])
  })
})
