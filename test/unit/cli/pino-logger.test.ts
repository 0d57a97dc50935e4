import {PassThrough} from 'node:stream'
import {describe, expect, it} from 'vitest'
import {createPinoLogger} from '../../../src/cli/pino-logger.js'

describe('the logger with text output', () => {
  const stderr = new PassThrough({encoding: 'utf8'})
  const logger = createPinoLogger('info', {format: 'text', write: text => stderr.write(text), wallMs: () => 0})

  it('writes time, level, message and fields in one line, but no stack trace', () => {
    const error = new Error('refused:\n  no key')
    logger
      .child({component: 'replicate'})
      .warn({err: error, count: 3, index: 7n, list: ['a', 1n]}, 'status not written')
    expect(stderr.read()).toMatch(
      /^\d\d:\d\d:\d\d WARN {2}status not written component=replicate err="refused: no key" count=3 index=7 list=\S+\n$/,
    )
  })

  it('omits entries below the minimum level', () => {
    logger.debug({}, 'detail')
    expect(stderr.read()).toBeNull()
  })

  it('escapes control characters in fields', () => {
    logger.info({key: 'a\u001b[2J'}, 'seen')
    expect(stderr.read()).toMatch(/ INFO {2}seen key=a\?\[2J\n$/)
  })
})
