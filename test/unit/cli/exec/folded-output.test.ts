import {describe, expect, it} from 'vitest'
import {FoldedOutput} from '../../../../src/cli/exec/folded-output.js'
import {diffLines} from '../../../../src/cli/exec/line-diff.js'
import type {ExecSummary, NodeOutcome, NodeResult} from '../../../../src/exec/types.js'

const paint = (_style: unknown, text: string): string => text
const ok: NodeOutcome = {type: 'ok'}

function fold(outputs: Readonly<Record<string, readonly [string, NodeOutcome]>>, isDiff = false): string {
  const text = new FoldedOutput({isVerbose: false, isTerminal: false, paint, isDiff})
  const shown: Buffer[] = []
  for (const [node, [output, outcome]] of Object.entries(outputs)) {
    // Passes the output in small parts, because it may arrive in parts of any size.
    for (const part of output.match(/[\s\S]{1,3}/g) ?? []) {
      const chunk = Buffer.from(part)
      shown.push(text.show({type: 'output', node, seq: 0, stream: 'stdout', chunk}))
    }
    shown.push(text.show({type: 'outcome', node, outcome}))
  }
  const nodes = Object.entries(outputs).map(
    ([node, [, outcome]]): NodeResult => ({
      node,
      via: 'native',
      outcome,
      isExpected: true,
      isAcked: true,
      isSigned: false,
      isLate: false,
    }),
  )
  const totals = {ackedCount: nodes.length, completedCount: nodes.length, durationMs: 1, isDryRun: false}
  const summary: ExecSummary = {verdict: 'ok', nodes, ...totals}
  return Buffer.concat([...shown, text.finish(summary)]).toString()
}

describe('folded output', () => {
  it('shows equal output only once, and the largest group of nodes first', () => {
    const text = fold({
      web1: ['a\nb\n', ok],
      db: ['c', ok],
      web2: ['a\nb\n', ok],
      web3: ['a\nb\n', {type: 'failed', code: 2}],
    })
    expect(text).toBe(
      '==> web[1-2] (2 nodes): finished with exit code 0\n    a\n    b\n' +
        '==> db: finished with exit code 0\n    c\n' +
        '==> web3: finished with exit code 2\n    a\n    b\n' +
        '4 / 4 node(s) completed / acknowledged\n3 ok; 1 failed: web3 (exit code 2)\n',
    )
  })

  it('shows only the differences from the largest group if asked to', () => {
    const text = fold(
      {a1: ['1\n2\n3\n', ok], a2: ['1\n2\n3\n', ok], b: ['1\nx\n3\n', ok], c: ['1\n2\n3\n', {type: 'failed', code: 1}]},
      true,
    )
    expect(text).toContain('==> b: finished with exit code 0\n     1\n    -2\n    +x\n     3\n')
    expect(text).toContain('==> c: finished with exit code 1\n    the same output as a[1-2]\n')
  })
})

describe('diffLines, which compares two texts', () => {
  it.each([
    [['a'], ['a'], []],
    [[], ['a'], ['+a']],
    [
      ['a', 'b', 'c', 'd', 'e', 'f'],
      ['a', 'b', 'c', 'd', 'e', 'X'],
      [' d', ' e', '-f', '+X'],
    ],
  ])('returns for %j and %j the lines %j', (before, after, lines) => {
    expect(diffLines(before, after)).toEqual(lines)
  })

  it('returns undefined if a text is too long for the comparison', () => {
    expect(diffLines(Array.from({length: 5000}, String), [])).toBeUndefined()
  })
})
