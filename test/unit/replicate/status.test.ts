import {describe, expect, it} from 'vitest'
import {decodeStatus, encodeStatus, statusKey} from '../../../src/replicate/pass/status.js'

const mapping = {source: 'global', datacenter: 'dc1', destination: 'backup'}

describe('the status key', () => {
  it('has the path at which consul-replicate reads it', () => {
    expect(statusKey('service/consul-replicate/statuses/', mapping)).toBe(
      'service/consul-replicate/statuses/b1fdb178ff4ad54ff5fbdc893919badd',
    )
  })

  it('contains the three fields of consul-replicate first, and then those of baton', () => {
    const record = {lastReplicated: 2n ** 63n + 1n, datacenter: 'dc1', keys: 3}
    const text = encodeStatus({...mapping, source: 'a<b>&c'}, record, 0).toString()
    expect(text).toBe(
      [
        '{',
        '  "LastReplicated": 9223372036854775809,',
        '  "Source": "a\\u003cb\\u003e\\u0026c",',
        '  "Destination": "backup",',
        '  "Datacenter": "dc1",',
        '  "Keys": 3,',
        '  "UpdatedAt": "1970-01-01T00:00:00.000Z",',
        '  "Version": 1',
        '}',
      ].join('\n'),
    )
    expect(decodeStatus(Buffer.from(text))).toEqual(record)
  })

  it('is read if consul-replicate wrote it, and ignored if it is invalid', () => {
    const theirs = '{\n  "LastReplicated": 18446744073709551615,\n  "Source": "global",\n  "Destination": "backup"\n}'
    expect(decodeStatus(Buffer.from(theirs))).toEqual({lastReplicated: 2n ** 64n - 1n, datacenter: undefined, keys: -1})
    for (const bad of ['', 'null', '[]', '{}', '{"LastReplicated": -1', 'x'])
      expect(decodeStatus(Buffer.from(bad))).toBeUndefined()
  })
})
