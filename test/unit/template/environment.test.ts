import {describe, expect, it} from 'vitest'
import type {ConsulIndex, KvEntry} from '../../../src/core/types.js'
import {toVariables} from '../../../src/template/environment.js'

const entry = (key: string, value: string | Uint8Array): KvEntry => {
  const index = 1n as ConsulIndex
  return {
    key,
    value: Buffer.from(value),
    flags: 0n,
    createIndex: index,
    modifyIndex: index,
    lockIndex: 0n,
    session: undefined,
  }
}
const folder = (path: string, keys: Readonly<Record<string, string | Uint8Array>>) => ({
  path,
  entries: Object.entries(keys).map(([key, value]) => entry(path + key, value)),
})
const safe = {sanitize: true, upcase: false}

describe('toVariables', () => {
  it('replaces characters that are unsafe in names, and converts names to upper case if requested', () => {
    const folders = [folder('app/', {'db/host': 'h', 'max-size': '1', '2nd': 'x', é: 'y', '': 'folder', 'sub/': ''})]
    expect(toVariables(folders, safe).variables).toEqual({_: 'y', _2nd: 'x', db_host: 'h', max_size: '1'})
    expect(toVariables(folders, {sanitize: true, upcase: true}).variables).toMatchObject({DB_HOST: 'h', MAX_SIZE: '1'})
    expect(toVariables(folders, {sanitize: false, upcase: false}).variables).toMatchObject({'db/host': 'h'})
  })

  it('lets later folders override earlier ones', () => {
    const folders = [folder('all/', {a: '1', b: '1'}), folder('web/', {b: '2'})]
    expect(toVariables(folders, safe)).toEqual({variables: {a: '1', b: '2'}, skipped: []})
  })

  it('skips keys that cannot become variables, and reports the reason for each', () => {
    const folders = [folder('app/', {'a-b': '1', 'a/b': '2', null: 'x\0y', bytes: Buffer.from([0xff]), 'x=y': 'z'})]
    const {variables, skipped} = toVariables(folders, {sanitize: true, upcase: false})
    expect(variables).toEqual({a_b: '1', x_y: 'z'})
    expect(skipped.map(({key, why}) => `${key}: ${why}`)).toEqual([
      'app/a/b: another key is a_b already',
      'app/null: its value contains a null byte',
      'app/bytes: its value is not UTF-8',
    ])
    expect(toVariables(folders, {sanitize: false, upcase: false}).skipped.map(({key}) => key)).toContain('app/x=y')
  })
})
