import {describe, expect, it} from 'vitest'
import type {ConsulClient} from '../../../src/core/client.js'
import {createReplicator} from '../../../src/replicate/replicator.js'
import type {ReplicatorOptions} from '../../../src/replicate/types.js'
import {FakeClock} from '../../kit/fake-clock.js'

const mappings = [{source: 'a/', datacenter: 'dc1', destination: 'b/'}]
/** A client that makes the test fail if it sends a request. */
const client = {clock: new FakeClock(), logger: {}, scope: {}, random: Math.random} as unknown as ConsulClient

describe('the options of createReplicator', () => {
  it.each([
    ['mappings', undefined],
    ['mappings', 'a/@dc1'],
    ['mappings', [{source: 'a/'}]],
    ['excludes', 'a'],
    ['lockKeys', 'keep'],
    ['canDelete', 'no'],
    ['maxDelete', {ratio: 2}],
    ['maxDelete', {count: Number.NaN}],
    ['statusDir', ''],
    ['maxStaleMs', Number.NaN],
    ['waitMs', '60s'],
    ['waitMs', 1e20],
    ['quiescence', {minMs: 5, maxMs: 1}],
    ['concurrency', 0],
    ['concurrency', 1.5],
    ['attempts', -1],
    ['graceMs', null],
    ['heartbeatMs', 10],
    ['observer', 'log'],
  ])('are refused if they contain %s = %j', (option, value) => {
    const options = {mappings, [option]: value} as unknown as ReplicatorOptions
    expect(() => createReplicator(client, options)).toThrow(
      expect.objectContaining({code: 'BATON_USAGE', details: expect.objectContaining({option})}),
    )
  })

  it('may be omitted, and `attempts` may be Infinity', () => {
    expect(() => createReplicator(client, {mappings, attempts: Number.POSITIVE_INFINITY})).not.toThrow()
  })
})
