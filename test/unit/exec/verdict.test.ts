import {expect, it} from 'vitest'
import {judgeResults} from '../../../src/exec/initiator/verdict.js'
import type {NodeOutcome, NodeResult} from '../../../src/exec/types.js'

const toResults = (outcomes: readonly NodeOutcome[]): readonly NodeResult[] =>
  outcomes.map((outcome, at) => ({
    node: `n${at}`,
    via: 'rexec',
    outcome,
    isExpected: true,
    isAcked: true,
    isSigned: false,
    isLate: false,
  }))
const judge = (...outcomes: NodeOutcome[]): string => judgeResults(toResults(outcomes))

const ok: NodeOutcome = {type: 'ok'}
const failed: NodeOutcome = {type: 'failed', code: 1}
const silent: NodeOutcome = {type: 'no-answer', reason: ''}
const lost: NodeOutcome = {type: 'lost', reason: ''}
const timedOut: NodeOutcome = {type: 'timed-out', afterMs: 1}
const refused: NodeOutcome = {type: 'refused', code: 'expired', reason: ''}

it('judgeResults never counts zero matching nodes as a success', () => {
  expect(judge()).toBe('no-nodes')
})

it('judgeResults returns the worst outcome of all nodes', () => {
  expect(judge(ok, ok)).toBe('ok')
  expect(judge(ok, failed)).toBe('failed')
  expect(judge(failed, silent)).toBe('silent')
  expect(judge(silent, lost, failed)).toBe('incomplete')
  expect(judge(silent, timedOut)).toBe('incomplete')
  expect(judge(failed, silent, lost, refused)).toBe('refused')
})

it('judgeResults returns `stopped` only if the run left a node out', () => {
  const left: NodeOutcome = {type: 'not-run', reason: ''}
  expect(judgeResults(toResults([ok, failed, left]), true)).toBe('stopped')
  expect(judgeResults(toResults([ok, failed]), true)).toBe('failed')
  expect(judgeResults(toResults([refused, left]), true)).toBe('refused')
})
