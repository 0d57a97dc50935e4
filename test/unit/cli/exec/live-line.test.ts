import {expect, it} from 'vitest'
import {LiveLine} from '../../../../src/cli/exec/live-line.js'
import {StatusLine} from '../../../../src/cli/status-line.js'
import {FakeClock} from '../../../kit/fake-clock.js'

it('the live line of a run names the silent and the running nodes, and is erased at the end', async () => {
  const clock = new FakeClock()
  const written: string[] = []
  const stderr = {isTTY: true, columns: 100, write: (text: string) => void written.push(text)}
  const live = new LiveLine({stderr, line: new StatusLine(stderr), clock})
  const nodes = ['web1', 'web2', 'web3', 'db'].map(node => ({node, via: 'native' as const}))
  live.take({type: 'targets', nodes, serviceNamesMatched: []})
  live.take({type: 'ack', node: 'db'})
  live.take({type: 'outcome', node: 'web1', outcome: {type: 'failed', code: 1}})
  await clock.advance(1000)
  expect(written.at(-1)).toContain('baton: silent: web[2-3]; running: db; 1 of 4 ended, 1 failed, 1s')
  live[Symbol.dispose]()
  const count = written.length
  await clock.advance(5000)
  expect(written.length).toBe(count)
  expect(clock.pendingCount).toBe(0)
})
