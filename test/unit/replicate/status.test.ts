import {describe, expect, it} from 'vitest'
import {isAlive, type ReplicatorReport, withReport} from '../../../src/replicate/status/replicator-report.js'
import {decodeStatus, encodeStatus, statusKey} from '../../../src/replicate/status/status-document.js'

const mapping = {source: 'global', datacenter: 'dc1', destination: 'backup'}

describe('the status key', () => {
  it('has the path at which consul-replicate reads it', () => {
    expect(statusKey('service/consul-replicate/statuses/', mapping)).toBe(
      'service/consul-replicate/statuses/b1fdb178ff4ad54ff5fbdc893919badd',
    )
  })

  it('contains the three fields of consul-replicate first, followed by those of baton', () => {
    const record = {lastReplicated: 2n ** 63n + 1n, datacenter: 'dc1', keys: 3}
    const document = {source: 'a<b>&c', destination: 'backup', record, updatedAtMs: 1000, replicators: []}
    const text = encodeStatus(document).toString()
    expect(text).toBe(
      [
        '{',
        '  "LastReplicated": 9223372036854775809,',
        '  "Source": "a\\u003cb\\u003e\\u0026c",',
        '  "Destination": "backup",',
        '  "Datacenter": "dc1",',
        '  "Keys": 3,',
        '  "UpdatedAt": "1970-01-01T00:00:01.000Z",',
        '  "Version": 1',
        '}',
      ].join('\n'),
    )
    expect(decodeStatus(Buffer.from(text))).toEqual(document)
  })

  it('is read if consul-replicate wrote it, and ignored if it is invalid', () => {
    const theirs = '{\n  "LastReplicated": 18446744073709551615,\n  "Source": "global",\n  "Destination": "backup"\n}'
    expect(decodeStatus(Buffer.from(theirs))).toMatchObject({
      record: {lastReplicated: 2n ** 64n - 1n, datacenter: undefined, keys: -1},
      updatedAtMs: undefined,
      replicators: [],
    })
    for (const bad of ['', 'null', '[]', '{}', '{"LastReplicated": -1', 'x'])
      expect(decodeStatus(Buffer.from(bad))).toBeUndefined()
  })
})

const report = (more: Partial<ReplicatorReport> = {}): ReplicatorReport => ({
  id: 'a1',
  host: 'web-1',
  pid: 7,
  phase: 'running',
  datacenter: 'dc1',
  startedAtMs: 1000,
  heartbeatMs: 5000,
  everyMs: 30_000,
  state: 'retrying',
  lagMs: 1500,
  currentAtMs: 3000,
  equalAtMs: undefined,
  held: 2,
  refused: 1,
  hidden: 0,
  retrying: {part: 'source', sinceMs: 4000, reason: 'connection refused'},
  ...more,
})
const record = {lastReplicated: 1n, datacenter: 'dc1', keys: 3}

describe("the replicators' reports in a status key", () => {
  it('are read as they were written', () => {
    const document = {source: 'a', destination: 'b', record, updatedAtMs: undefined, replicators: [report()]}
    expect(decodeStatus(encodeStatus(document))).toEqual(document)
  })

  it.each([
    ['another version', {Version: 2}],
    ['no heartbeat', {Heartbeat: 'soon'}],
    ['an unknown phase', {Phase: 'resting'}],
    ['no id', {ID: 3}],
  ])('are ignored in the case of %s', (_, change) => {
    const document = {source: 'a', destination: 'b', record, updatedAtMs: undefined, replicators: [report()]}
    const fields = JSON.parse(encodeStatus(document).toString()) as {Replicators: object[]}
    fields.Replicators = [{...fields.Replicators[0], ...change}, null as unknown as object, 3 as unknown as object]
    expect(decodeStatus(Buffer.from(JSON.stringify(fields)))?.replicators).toEqual([])
  })

  it('replace the earlier report of the same replicator, and stay while that replicator runs and for an hour afterwards', () => {
    const nowMs = 10_000_000
    const alive = report({id: 'alive', heartbeatMs: nowMs - 60_000})
    const dead = report({id: 'dead', heartbeatMs: nowMs - 120_000})
    const long = report({id: 'long', heartbeatMs: nowMs - 7_200_000})
    const own = report({heartbeatMs: nowMs})
    expect([alive, dead, long].map(each => isAlive(each, nowMs))).toEqual([true, false, false])
    expect(isAlive(report({phase: 'stopped', heartbeatMs: nowMs}), nowMs)).toBe(false)
    expect(withReport([report(), alive, dead, long], own, nowMs).map(({id}) => id)).toEqual(['alive', 'dead', 'a1'])
  })
})
