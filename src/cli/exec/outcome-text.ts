import {formatDuration} from '../../core/time/duration.js'
import {foldNodes} from '../../exec/node-set.js'
import type {ExecSummary, NodeOutcome} from '../../exec/types.js'
import type {Paint, Style} from '../colour.js'
import {printable} from './printable.js'

/** Returns the last line of a dry run. */
export function dryRunLine({nodes}: ExecSummary): string {
  const allowed = nodes.filter(({outcome}) => outcome.type === 'allowed').length
  return `dry run: nothing ran; ${allowed} of ${nodes.length} node(s) would run it`
}

/**
 * Names the nodes that failed, those that never answered, and those that the roll-out did not reach. Returns undefined
 * if there are none.
 */
export function describeFailures({nodes}: ExecSummary, paint: Paint): string | undefined {
  const of = (...types: readonly NodeOutcome['type'][]): readonly string[] =>
    nodes.filter(({outcome}) => types.includes(outcome.type)).map(({node}) => node)
  const [silent, unrun, fine] = [of('no-answer'), of('not-run'), of('ok', 'allowed', 'unchecked')]
  const unfinished = of('unfinished')
  const rest = new Set([...silent, ...unrun, ...unfinished, ...fine])
  const failed = nodes
    .filter(({node}) => !rest.has(node))
    .map(({node, outcome}) => `${node} (${describeBriefly(outcome)})`)
  const parts = [
    ...(failed.length > 0 ? [paint('red', printable(`${failed.length} failed: ${failed.join(', ')}`))] : []),
    ...(silent.length > 0 ? [paint('yellow', printable(`${silent.length} silent: ${silent.join(', ')}`))] : []),
    ...(unfinished.length > 0
      ? [paint('yellow', printable(`${unfinished.length} unfinished: ${foldNodes(unfinished)}`))]
      : []),
    ...(unrun.length > 0 ? [paint('yellow', printable(`${unrun.length} not run: ${foldNodes(unrun)}`))] : []),
  ]
  return parts.length === 0 ? undefined : [`${fine.length} ok`, ...parts].join('; ')
}

/** Styles of outcomes that are not failures. */
export const outcomeStyles: Partial<Record<NodeOutcome['type'], Style>> = {
  'no-answer': 'yellow',
  'not-run': 'yellow',
  unchecked: 'yellow',
  unfinished: 'yellow',
  allowed: 'bold',
}

/** Describes an outcome in a few words. */
export const describeBriefly = (outcome: NodeOutcome): string =>
  outcome.type === 'failed' ? (outcome.signal ?? `exit code ${outcome.code}`) : outcome.type.replace('-', ' ')

/** Describes an outcome that the exit code does not explain. Returns undefined for all others. */
export function describeOutcome(outcome: NodeOutcome): string | undefined {
  switch (outcome.type) {
    case 'timed-out':
      return `timed out after ${formatDuration(outcome.afterMs)}`
    case 'lost':
      return `lost: ${outcome.reason}`
    case 'no-answer':
      return `no answer: ${outcome.reason}`
    case 'refused':
      return `refused: ${outcome.code}: ${outcome.reason}`
    case 'cancelled':
      return 'cancelled'
    case 'not-run':
      return `not run: ${outcome.reason}`
    case 'unfinished':
      return `not ended: ${outcome.reason}`
    case 'allowed':
      return `would run it: ${outcome.reason}`
    case 'unchecked':
      return `unknown whether it would run it: ${outcome.reason}`
    default:
      return undefined
  }
}
