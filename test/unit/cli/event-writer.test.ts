import {closeSync, openSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {expect, it} from 'vitest'
import {EventWriter} from '../../../src/cli/event-writer.js'

it('a writer of events refuses a descriptor that is open, but not for output', () => {
  // A directory stands for the descriptors that Node opens for itself.
  const fd = openSync(tmpdir(), 'r')
  try {
    expect(() => new EventWriter(`fd:${fd}`, 'events', () => {})).toThrow(
      `--events: cannot write to fd:${fd}: it is not open for output`,
    )
  } finally {
    closeSync(fd)
  }
})
