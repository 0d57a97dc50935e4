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
  hidden: 0,
  held: [],
  refused: [],
  error: undefined,
  durationMs: 1,
  ...more,
})
const held = (count: number, reason: Held['reason'] = 'limit'): Held => ({
  id: `id${count}`,
  reason,
  count,
  sample: [],
  message: `${count} deletes held: a/1`,
})

function setUp({namesKeys = false} = {}) {
  const lines: string[] = []
  const out = {
    say: () => {},
    warn: (text: string) => lines.push(`baton: ${text}`),
    error: (text: string) => lines.push(text),
  }
  const progress = new Progress({stderr: {write: () => true}, isQuiet: true})
  return {lines, reporter: new Reporter({out, progress, namesKeys})}
}

describe('the reporter of replicate', () => {
  it('lists held deletes once, and then reports their number each time it has doubled', () => {
    const {lines, reporter} = setUp()
    for (let count = 11; count <= 50; count += 1)
      reporter.observe({type: 'pass.finished', pass: pass({held: [held(count)]})})
    reporter.observe({type: 'pass.finished', pass: pass()})
    reporter.observe({type: 'pass.finished', pass: pass()})
    expect(lines).toEqual([
      'baton: 11 deletes held: a/1; to delete them: --once --approve id11',
      expect.stringMatching(/^baton: replicate a\/@dc1 -> b\/: 22 deletes held by now \(--dry-run shows them/),
      expect.stringMatching(/: 44 deletes held by now/),
      'baton: replicate a/@dc1 -> b/: no deletes are held any more',
    ])
  })

  it('does not offer an approval for deletes that cannot be approved', () => {
    const {lines, reporter} = setUp()
    reporter.observe({type: 'pass.finished', pass: pass({held: [held(2, 'hidden')]})})
    expect(lines).toEqual(['baton: 2 deletes held: a/1'])
  })

  it('names refused keys and keys whose names cannot be decoded, once and at most ten of each', () => {
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

  it('names each written and deleted key if asked to', () => {
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
