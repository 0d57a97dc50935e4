import {describe, expect, it} from 'vitest'
import {type CommandTable, resolveCommand} from '../../../src/main/command-table.js'

const table = Object.fromEntries(
  ['lock', 'lock status', 'kv get', 'watch', 'watch key', 'exec', 'exec ls', 'exec show'].map(id => [
    id,
    () => Promise.reject(new Error(id)),
  ]),
) as CommandTable
const resolve = (words: string, env = {}) => resolveCommand(table, words.split(' '), env)

describe('resolveCommand', () => {
  it.each([
    ['lock jobs/x -- cmd', 'lock', ['jobs/x', '--', 'cmd']],
    ['kv get a', 'kv get', ['a']],
    ['watch key a -- cmd', 'watch key', ['a', '--', 'cmd']],
    ['lock status jobs/x', 'lock status', ['jobs/x']],
    ['lock status', 'lock status', []],
    ['exec ls', 'exec ls', []],
    ['exec show 0199', 'exec show', ['0199']],
  ])('chooses the command with the longest matching name: %s', (words, id, rest) => {
    expect(resolve(words)).toEqual({id, rest})
  })

  it.each(['lock status -- cmd', 'lock status --try -- cmd', 'lock status --'])(
    "treats the name of a sub-command as a lock's key if -- follows: %s",
    words => {
      expect(resolve(words)?.id).toBe('lock')
    },
  )

  it.each(['exec -- ls -l', 'exec ls -- -l', 'exec --node web-1 ls', 'exec -node=web-1 show'])(
    'treats the name of a sub-command as a program if -- or a flag comes before it: %s',
    words => {
      expect(resolve(words)?.id).toBe('exec')
    },
  )

  it("treats the name of a sub-command as a lock's key with BATON_COMPAT=consul", () => {
    expect(resolve('lock status ./cmd', {BATON_COMPAT: 'consul'})?.id).toBe('lock')
  })

  it('returns undefined if no command has this name', () => {
    expect(resolve('nope')).toBeUndefined()
  })
})
