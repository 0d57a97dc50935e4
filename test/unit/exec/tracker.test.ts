import {describe, expect, it} from 'vitest'
import {Tracker, type TrackerOptions} from '../../../src/exec/initiator/tracker.js'
import type {Report} from '../../../src/exec/reports.js'
import type {ExecEvent} from '../../../src/exec/types.js'

const track = (options: Partial<TrackerOptions> & {nodes?: string[]; down?: string[]} = {}): Tracker =>
  new Tracker({
    expected: [
      ...(options.nodes ?? ['a', 'b']).map(node => ({node, via: 'rexec' as const})),
      ...(options.down ?? []).map(node => ({node, via: 'rexec' as const, isDown: true})),
    ],
    unchecked: [],
    refused: [],
    startMs: 0,
    ackTimeoutMs: 5000,
    timeoutMs: undefined,
    heartbeatMs: {native: 15_000, rexec: 2000},
    timeoutGraceMs: {native: 10_000, rexec: 0},
    ...options,
  })

const ack = (node: string): Report => ({type: 'ack', node})
const exit = (node: string, code = 0): Report => ({type: 'exit', node, exit: {code}})
const outcomes = (tracker: Tracker): Record<string, string> =>
  Object.fromEntries(tracker.results.map(({node, outcome}) => [node, outcome.type]))
const types = (events: readonly ExecEvent[]): string[] => events.map(event => event.type)

describe('the tracker, which determines the outcome of each node', () => {
  it('is done when the command of every expected node has exited, and not before', () => {
    const tracker = track()
    tracker.handle(ack('a'), 'rexec', 10)
    expect(types(tracker.handle(exit('a'), 'rexec', 20))).toEqual(['exit', 'outcome'])
    expect(tracker.isDone).toBe(false)
    tracker.handle(exit('b', 3), 'rexec', 30)
    expect(tracker.isDone).toBe(true)
    expect(outcomes(tracker)).toEqual({a: 'ok', b: 'failed'})
    expect(tracker.completedCount).toBe(2)
  })

  it('reports a node that never answered', () => {
    const tracker = track()
    tracker.handle(exit('a'), 'rexec', 20)
    expect(tracker.nextDeadlineMs).toBe(5000)
    expect(tracker.tick(4999)).toEqual([])
    expect(tracker.tick(5000)).toMatchObject([{type: 'outcome', node: 'b', outcome: {type: 'no-answer'}}])
    expect(tracker.isDone).toBe(true)
  })

  it('restarts the deadlines of nodes if Consul could not be read', () => {
    const tracker = track({nodes: ['a', 'b'], timeoutMs: 8000})
    tracker.handle(ack('a'), 'rexec', 10)
    tracker.forgive(20_000)
    expect(tracker.suspects(20_000)).toEqual([])
    expect(tracker.tick(9000)).toEqual([])
    expect(tracker.tick(34_999)).toMatchObject([{node: 'a', outcome: {type: 'timed-out'}}])
    expect(tracker.tick(35_000)).toMatchObject([{node: 'b', outcome: {type: 'no-answer'}}])
    expect(tracker.isDone).toBe(true)
  })

  it("passes a node's late answer on, but does not change the node's outcome", () => {
    const tracker = track({nodes: ['a']})
    tracker.tick(5000)
    expect(types(tracker.handle(ack('a'), 'rexec', 6000))).toEqual(['late', 'ack'])
    expect(types(tracker.handle(exit('a'), 'rexec', 6100))).toEqual(['exit'])
    expect(tracker.results).toMatchObject([{node: 'a', outcome: {type: 'no-answer'}, isLate: true}])
  })

  it('reports an answer from a node that was not expected, and waits for that node', () => {
    const tracker = track({nodes: ['a']})
    expect(types(tracker.handle(ack('x'), 'rexec', 10))).toEqual(['unexpected', 'ack'])
    tracker.handle(exit('a'), 'rexec', 20)
    expect(tracker.isDone).toBe(false)
    tracker.handle(exit('x', 1), 'rexec', 30)
    expect(tracker.isDone).toBe(true)
    expect(tracker.results.find(result => result.node === 'x')).toMatchObject({isExpected: false})
  })

  it('does not wait for a node that is down, but reports it', () => {
    const tracker = track({nodes: ['a'], down: ['d']})
    tracker.handle(exit('a'), 'rexec', 20)
    expect(tracker.isDone).toBe(true)
    expect(tracker.finish()).toMatchObject([{node: 'd', outcome: {type: 'no-answer'}}])
  })

  it('waits for a node that was reported as down if the node has answered', () => {
    const tracker = track({nodes: ['a'], down: ['d']})
    tracker.handle(ack('d'), 'rexec', 10)
    tracker.handle(exit('a'), 'rexec', 20)
    expect(tracker.isDone).toBe(false)
    tracker.handle(exit('d'), 'rexec', 30)
    expect(outcomes(tracker)).toEqual({a: 'ok', d: 'ok'})
  })

  it('waits for an answer if all nodes are down', () => {
    const tracker = track({nodes: [], down: ['d']})
    expect(tracker.isDone).toBe(false)
    tracker.tick(5000)
    expect(tracker.isDone).toBe(true)
  })

  it("reports a node as timed out when the timeout has passed since the node's ack", () => {
    const tracker = track({nodes: ['a'], timeoutMs: 1000})
    tracker.handle(ack('a'), 'rexec', 500)
    expect(tracker.tick(1499)).toEqual([])
    expect(tracker.tick(1500)).toMatchObject([{outcome: {type: 'timed-out', afterMs: 1000}}])
  })

  it('shows how long the command ran if a node reports a timeout although the job has none', () => {
    const tracker = track({nodes: ['a']})
    const report: Report = {type: 'exit', node: 'a', exit: {code: 143, isTimedOut: true, ranMs: 700}}
    expect(tracker.handle(report, 'native', 1000)).toContainEqual({
      type: 'outcome',
      node: 'a',
      outcome: {type: 'timed-out', afterMs: 700},
    })
  })

  it('waits 10 s longer than the timeout for a responder that does not announce when it stops a command', () => {
    const native = [{node: 'a', via: 'native' as const}]
    const tracker = track({expected: native, timeoutMs: 1000})
    tracker.handle(ack('a'), 'native', 0)
    expect(tracker.tick(10_999)).toEqual([])
    tracker.handle({type: 'exit', node: 'a', exit: {code: 137, isTimedOut: true}}, 'native', 10_999)
    expect(outcomes(tracker)).toEqual({a: 'timed-out'})
  })

  it('reports a node as lost 3 s after the timeout unless the node reports that it is stopping the command', () => {
    const native = ['dead', 'slow'].map(node => ({node, via: 'native' as const}))
    const tracker = track({expected: native, timeoutMs: 1000})
    for (const {node} of native) tracker.handle({type: 'ack', node, announcesStop: true}, 'native', 0)
    tracker.handle({type: 'output', node: 'slow', seq: 0, parts: [], isStopping: true}, 'native', 1100)
    expect(tracker.tick(3999)).toEqual([])
    expect(tracker.tick(4000)).toMatchObject([{node: 'dead', outcome: {type: 'lost'}}])
    tracker.handle({type: 'exit', node: 'slow', exit: {code: 137, isTimedOut: true}}, 'native', 10_999)
    expect(outcomes(tracker)).toEqual({dead: 'lost', slow: 'timed-out'})
  })

  it('suspects a node after three missed heartbeats, and again after each further missed heartbeat', () => {
    const tracker = track({nodes: ['a']})
    tracker.handle(ack('a'), 'rexec', 0)
    expect(tracker.suspects(5999)).toEqual([])
    expect(tracker.suspects(6000)).toEqual([{node: 'a', via: 'rexec'}])
    expect(tracker.suspects(6001)).toEqual([])
    expect(tracker.suspects(8000)).toHaveLength(1)
  })

  it("reports a silent node as lost only if the node's health check fails", () => {
    const tracker = track({nodes: ['a']})
    tracker.handle(ack('a'), 'rexec', 0)
    expect(tracker.judge('a', true, 7000)).toEqual([])
    expect(tracker.judge('a', false, 7000)).toMatchObject([{outcome: {type: 'lost'}}])
  })

  it("reports a node as lost after 30 s of silence, even if the node's agent is healthy", () => {
    const tracker = track({nodes: ['a']})
    tracker.handle(ack('a'), 'rexec', 0)
    expect(tracker.judge('a', true, 29_000)).toEqual([])
    expect(tracker.judge('a', true, 31_000)).toMatchObject([{outcome: {type: 'lost'}}])
  })

  it('does not suspect a node that has sent a heartbeat', () => {
    const tracker = track({nodes: ['a']})
    tracker.handle({type: 'heartbeat', node: 'a', seq: 0}, 'rexec', 5000)
    expect(tracker.suspects(10_000)).toEqual([])
  })

  it('reports a node as lost if part of its output never arrived, whatever its exit code', () => {
    const tracker = track({nodes: ['a']})
    tracker.handle({type: 'heartbeat', node: 'a', seq: 1}, 'rexec', 0)
    tracker.handle(exit('a'), 'rexec', 0)
    expect(types(tracker.tick(2000))).toEqual(['missing', 'heartbeat', 'exit', 'outcome'])
    expect(outcomes(tracker)).toEqual({a: 'lost'})
  })

  it('distinguishes a refusal, an interruption and a cancellation from a failure', () => {
    const tracker = track({nodes: ['a', 'b', 'c']})
    tracker.handle({type: 'refused', node: 'a', code: 'expired', reason: 'x'}, 'native', 0)
    tracker.handle({type: 'exit', node: 'b', exit: {code: -2, isInterrupted: true}}, 'native', 0)
    tracker.handle({type: 'exit', node: 'c', exit: {code: 143, isCancelled: true}}, 'native', 0)
    expect(outcomes(tracker)).toEqual({a: 'refused', b: 'lost', c: 'cancelled'})
  })

  it('gives an outcome at once to nodes that cannot answer', () => {
    const tracker = track({
      expected: [
        {node: 'a', via: 'native'},
        {node: 'b', via: 'native', absence: 'unknown'},
        {node: 'c', via: 'rexec'},
      ],
      unchecked: ['c'],
    })
    expect(tracker.begin()).toMatchObject([
      {node: 'b', outcome: {type: 'no-answer', reason: 'Consul knows no such node'}},
      {node: 'c', outcome: {type: 'unchecked', reason: 'agents do not check jobs'}},
    ])
    expect(tracker.isDone).toBe(false)
    tracker.handle({type: 'allowed', node: 'a', reason: 'signed'}, 'native', 10)
    expect(outcomes(tracker)).toEqual({a: 'allowed', b: 'no-answer', c: 'unchecked'})
    expect(tracker.isDone).toBe(true)
  })

  it('gives the same outcome to all unfinished nodes, or only to those to which one protocol delivers the job', () => {
    const tracker = track({
      expected: [
        {node: 'a', via: 'rexec'},
        {node: 'b', via: 'native'},
      ],
    })
    tracker.settleRest({type: 'cancelled'}, {via: 'rexec', nodes: undefined})
    expect(tracker.isDone).toBe(false)
    tracker.settleRest({type: 'lost', reason: 'session gone'})
    expect(outcomes(tracker)).toEqual({a: 'cancelled', b: 'lost'})
  })
})
