import {describe, expect, it} from 'vitest'
import {type TextOptions, TextOutput} from '../../../../src/cli/exec/text-output.js'
import type {ExecEvent, NodeOutcome, NodeResult, OutputStream} from '../../../../src/exec/types.js'

const output = (node: string, text: string | Buffer, stream: OutputStream = 'merged'): ExecEvent => ({
  type: 'output',
  node,
  seq: 0,
  stream,
  chunk: Buffer.from(text),
})
const show = (events: ExecEvent[], options: Partial<TextOptions> = {}): string => {
  const text = new TextOutput({isVerbose: false, isCompat: false, isTerminal: false, paint, ...options})
  const summary = {
    verdict: 'ok' as const,
    nodes: [],
    ackedCount: 2,
    completedCount: 1,
    durationMs: 5147,
    isDryRun: false,
  }
  return Buffer.concat([...events.map(event => text.show(event)), text.finish(summary)]).toString()
}

const paint = (_style: unknown, text: string): string => text

describe('TextOutput, which prints the results of exec', () => {
  it('prefixes every line with the name of its node, and ends with the summary', () => {
    const lines = show([output('c1', 'a\nb\n'), {type: 'exit', node: 'c1', code: 3}])
    expect(lines).toBe(
      '    c1: a\n    c1: b\n==> c1: finished with exit code 3\n1 / 2 node(s) completed / acknowledged\n',
    )
  })

  it('prints the nodes that failed and those that did not answer at the end', () => {
    const text = new TextOutput({isVerbose: false, isCompat: false, isTerminal: false, paint})
    const result = (node: string, outcome: NodeOutcome): NodeResult => ({
      node,
      via: 'native',
      outcome,
      isExpected: true,
      isAcked: true,
      isSigned: false,
      isLate: false,
    })
    const nodes = [
      result('a', {type: 'ok'}),
      result('b', {type: 'failed', code: 3}),
      result('c', {type: 'failed', code: -1, signal: 'SIGKILL'}),
      result('d', {type: 'timed-out', afterMs: 5}),
      result('e', {type: 'no-answer', reason: 'nothing'}),
    ]
    const summary = {
      verdict: 'silent' as never,
      nodes,
      ackedCount: 4,
      completedCount: 3,
      durationMs: 1,
      isDryRun: false,
    }
    expect(text.finish(summary).toString()).toBe(
      '3 / 4 node(s) completed / acknowledged\n1 ok; 3 failed: b (exit code 3), c (SIGKILL), d (timed out); 1 silent: e\n',
    )
    const compat = new TextOutput({isVerbose: false, isCompat: true, isTerminal: false, paint})
    expect(compat.finish(summary).toString()).toBe('3 / 4 node(s) completed / acknowledged\n')
  })

  it("never mixes two nodes in one line, and prints unfinished lines before the node's exit", () => {
    const events: ExecEvent[] = [output('a', 'one '), output('b', 'two\n'), output('a', 'half')]
    const lines = show([...events, {type: 'exit', node: 'a', code: 0}])
    expect(lines).toBe(
      '    b: two\n    a: one half\n==> a: finished with exit code 0\n1 / 2 node(s) completed / acknowledged\n',
    )
  })

  it('prints a character correctly if its bytes arrive in two chunks', () => {
    const euro = Buffer.from('€\n')
    expect(show([output('a', euro.subarray(0, 1)), output('a', euro.subarray(1))])).toContain('    a: €\n')
  })

  it("escapes control characters in a node's name or a reason", () => {
    const node = 'c1\u001b[2K: x\n==> c9: finished\u009b0m\u202e'
    const outcome = {type: 'refused' as const, code: 'a\rb', reason: 'c\u0007d'}
    const lines = show([output(node, 'hello\n'), {type: 'exit', node, code: 0}, {type: 'outcome', node, outcome}])
    const shown = 'c1\\x1b[2K: x\\x0a==> c9: finished\\x9b0m\\u202e'
    expect(lines).toBe(
      `    ${shown}: hello\n==> ${shown}: finished with exit code 0\n==> ${shown}: refused: a\\x0db: c\\x07d\n` +
        '1 / 2 node(s) completed / acknowledged\n',
    )
  })

  it('escapes control characters of output on a terminal, but writes output unchanged to files and pipes', () => {
    const raw = Buffer.concat([
      Buffer.from('\u001b]0;title\u0007\tä\r\nover\rwritten\u009b1m'),
      Buffer.from([0xff, 10]),
    ])
    expect(show([output('a', raw)], {isTerminal: true})).toContain(
      '    a: \\x1b]0;title\\x07\tä\n    a: over\\x0dwritten\\x9b1m\ufffd\n',
    )
    expect(show([output('a', raw)], {isTerminal: true, isCompat: true})).not.toMatch(/[\u001b\u0007\r\u009b]/)
    const text = new TextOutput({isVerbose: false, isCompat: false, isTerminal: false, paint})
    expect(text.show(output('a', raw)).includes(Buffer.from('over\rwritten\u009b1m'))).toBe(true)
    expect(text.show(output('a', raw)).includes(Buffer.from([0xff, 10]))).toBe(true)
  })

  it('does not join unfinished lines of stdout and stderr', () => {
    const lines = show([output('a', 'out', 'stdout'), output('a', 'err\n', 'stderr'), output('a', 'put\n', 'stdout')])
    expect(lines).toMatch(/^ {4}a: err\n {4}a: output\n/)
  })

  it('prints the same text as consul exec if isCompat is true, including the empty last line', () => {
    const compat = {isVerbose: true, isCompat: true}
    const lines = show(
      [
        {type: 'session-created', id: 'S'},
        {type: 'job-written'},
        {type: 'event-fired', id: 'E'},
        {type: 'ack', node: 's1'},
        output('s1', 'a\n\nb  \n'),
        {type: 'heartbeat', node: 's1'},
        {type: 'exit', node: 's1', code: 3},
        {type: 'outcome', node: 's2', outcome: {type: 'no-answer', reason: 'x'}},
      ],
      compat,
    )
    expect(lines).toBe(
      [
        'Created remote execution session: S',
        'Uploaded remote execution spec',
        'Fired remote execution event: E',
        '==> s1: acknowledged',
        '    s1: a',
        '    s1: ',
        '    s1: b  ',
        '    s1:',
        '==> s1: heartbeat received',
        '==> s1: finished with exit code 3',
        '1 / 2 node(s) completed / acknowledged',
        'Completed in 5.15 seconds',
        '',
      ].join('\n'),
    )
  })

  it('shows the outcome of every node on which the command did not exit', () => {
    const lines = show([
      {type: 'outcome', node: 'a', outcome: {type: 'timed-out', afterMs: 10_000}},
      {type: 'outcome', node: 'b', outcome: {type: 'no-answer', reason: 'no ack within 5s'}},
      {type: 'outcome', node: 'c', outcome: {type: 'refused', code: 'expired', reason: 'expired 3s ago'}},
      {type: 'outcome', node: 'd', outcome: {type: 'lost', reason: 'silent'}},
    ])
    expect(lines.split('\n').slice(0, 4)).toEqual([
      '==> a: timed out after 10s',
      '==> b: no answer: no ack within 5s',
      '==> c: refused: expired: expired 3s ago',
      '==> d: lost: silent',
    ])
  })

  it('colours failures and nodes that did not answer, after escaping the text that comes from nodes', () => {
    const marked = (style: string, text: string): string => `<${style}>${text}</>`
    const text = new TextOutput({isVerbose: false, isCompat: false, isTerminal: true, paint: marked})
    expect(text.show({type: 'exit', node: 'a\u001b[2J', code: 0}).toString()).toBe(
      '==> <bold>a\\x1b[2J</>: finished with exit code 0\n',
    )
    expect(text.show({type: 'exit', node: 'b', code: 3}).toString()).toBe(
      '==> <bold>b</>: <red>finished with exit code 3</>\n',
    )
    const compat = new TextOutput({isVerbose: false, isCompat: true, isTerminal: true, paint: marked})
    expect(compat.show({type: 'exit', node: 'b', code: 3}).toString()).toBe('==> b: finished with exit code 3\n')
  })
})
