import {describe, expect, it} from 'vitest'
import {parseEventWords} from '../../../src/status/local-watchers.js'

describe('parseEventWords', () => {
  it.each([
    ['event watch', {events: [], stateFile: undefined}],
    ['event watch --name a -name=b --state /s -- sh -c --name', {events: ['a', 'b'], stateFile: '/s'}],
    ['watch event --name a', {events: ['a'], stateFile: undefined}],
    ['watch -type=event -name=a ./run', {events: ['a'], stateFile: undefined}],
    ['watch --type event', {events: [], stateFile: undefined}],
  ])('reads the events and the state file of a watcher from its command line: %s', (line, expected) => {
    expect(parseEventWords(line.split(' '))).toEqual(expected)
  })

  it.each(['event fire a', 'event -name=a b', 'event list', 'watch key event', 'lock event watch', ''])(
    'ignores a command that does not watch events: %j',
    line => {
      expect(parseEventWords(line.split(' '))).toBeUndefined()
    },
  )
})
