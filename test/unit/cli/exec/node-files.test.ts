import {createHash} from 'node:crypto'
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, expect, it} from 'vitest'
import {NodeFiles} from '../../../../src/cli/exec/node-files.js'
import type {NodeResult} from '../../../../src/exec/types.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-files-'))
})
afterEach(() => rmSync(folder, {recursive: true}))

it('the output files of nodes contain every byte, and the manifest contains their sizes and hashes', () => {
  const directory = join(folder, 'new')
  const bytes = Buffer.from([0, 255, 10, 195])
  using files = new NodeFiles(directory)
  files.take({type: 'output', node: '../a', seq: 0, stream: 'stdout', chunk: bytes})
  files.take({type: 'output', node: '../a', seq: 1, stream: 'stderr', chunk: Buffer.from('err')})
  files.take({type: 'output', node: '../a', seq: 2, stream: 'stdout', chunk: bytes})
  const node: NodeResult = {
    node: '../a',
    via: 'native',
    outcome: {type: 'ok'},
    isExpected: true,
    isAcked: true,
    isSigned: false,
    isLate: false,
  }
  const totals = {ackedCount: 1, completedCount: 1, durationMs: 1, isDryRun: false}
  files.finish('job', {kind: 'shell', line: 'x'}, {verdict: 'ok', nodes: [node], ...totals})
  const [out, err] = ['%2E.%2Fa.out', '%2E.%2Fa.err']
  expect(readdirSync(directory)).toEqual([err, out, 'manifest.json'])
  const all = Buffer.concat([bytes, bytes])
  expect(readFileSync(join(directory, out))).toEqual(all)
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as unknown
  const sha256 = createHash('sha256').update(all).digest('hex')
  expect(manifest).toMatchObject({
    v: 1,
    job: 'job',
    command: {kind: 'shell', line: 'x'},
    nodes: [
      {
        node: '../a',
        outcome: {type: 'ok'},
        files: [
          {name: out, bytes: 8, sha256},
          {name: err, bytes: 3},
        ],
      },
    ],
  })
  expect(() => new NodeFiles(directory)).toThrow('is not empty')
})
