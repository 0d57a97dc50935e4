import {expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {listNew} from '../../../src/replicate/pass/list-entries.js'
import {FakeTransport} from '../../kit/fake-transport.js'

const entry = (key: string, modifyIndex: number, flags: string): string =>
  `{"LockIndex":0,"Key":"${key}","Flags":${flags},"Value":"YQ==","CreateIndex":1,"ModifyIndex":${modifyIndex}}`

it.each(['7', '18446744073709551615'])(
  'a list of which only changed entries are decoded contains all names, and flags of %s exactly',
  async flags => {
    const body = `[${entry('p/a', 3, '1')},${entry('p/b', 5, flags)},${entry('p/c', 6, flags)}]`
    const transport = new FakeTransport(() => ({headers: {'x-consul-index': '6'}, body}))
    await using client = createClient({address: 'http://127.0.0.1:1', transport})
    const versions = new Map([
      ['p/a', 3],
      ['p/b', 4],
    ])
    const {value} = await listNew(client, 'p/', {compress: false, versions})
    expect(value.names).toEqual(['p/a', 'p/b', 'p/c'])
    expect(value.changed.map(({key, flags: found, modifyIndex}) => [key, found, modifyIndex])).toEqual([
      ['p/b', BigInt(flags), 5n],
      ['p/c', BigInt(flags), 6n],
    ])
  },
)
