import {deflateRawSync} from 'node:zlib'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {decodeFrame, decodeResult, encodeFrame, encodeResult} from '../../../../src/exec/native/frames.js'

describe('frames (numbered pieces) of output', () => {
  it('can contain any bytes of stdout and stderr, in order', () => {
    const part = fc.record({
      stream: fc.constantFrom('stdout' as const, 'stderr' as const),
      chunk: fc.uint8Array({maxLength: 600}).map(bytes => Buffer.from(bytes)),
    })
    fc.assert(
      fc.property(fc.array(part, {minLength: 1, maxLength: 5}), parts => {
        expect(decodeFrame(encodeFrame(parts))).toEqual({parts, isStopping: false})
      }),
    )
  })

  it('can announce that the command is being stopped, with or without output', () => {
    const parts = [{stream: 'stdout' as const, chunk: Buffer.from('last words')}]
    expect(decodeFrame(encodeFrame(parts, true))).toEqual({parts, isStopping: true})
    expect(decodeFrame(encodeFrame([], true))).toEqual({parts: [], isStopping: true})
  })

  it('are compressed if that makes them smaller', () => {
    expect(encodeFrame([{stream: 'stdout', chunk: Buffer.alloc(60_000, 'a')}]).length).toBeLessThan(1000)
  })

  it.each([
    ['no header', Buffer.from('rubbish')],
    ['another version', Buffer.from('{"v":2,"s":[]}\n')],
    ['a length above the number of bytes', Buffer.from('{"v":1,"s":[[1,99]]}\nabc')],
    ['a negative length', Buffer.from('{"v":1,"s":[[1,-1]]}\nabc')],
    ['a length that is not a whole number', Buffer.from('{"v":1,"s":[[1,1.5]]}\nabc')],
    ['an unknown stream', Buffer.from('{"v":1,"s":[[9,1]]}\nabc')],
    ['broken compression', Buffer.from('{"v":1,"s":[[1,1]],"z":true}\nabc')],
    [
      'compressed data that would expand to 50 MB',
      Buffer.concat([Buffer.from('{"v":1,"s":[[1,1]],"z":true}\n'), deflateRawSync(Buffer.alloc(50_000_000))]),
    ],
  ])('are refused with %s', (_, value) => {
    expect(decodeFrame(value)).toBeUndefined()
  })
})

describe('the results of jobs', () => {
  const times = {outputBytes: 1, droppedBytes: 0, startedAtMs: 1, endedAtMs: 2}
  it('contain exit code, signal, timeout and number of output frames', () => {
    const result = {code: 137, signal: 'SIGKILL', isTimedOut: true, frameCount: 4, ...times}
    expect(decodeResult(encodeResult(result))).toEqual({
      code: 137,
      signal: 'SIGKILL',
      isTimedOut: true,
      frameCount: 4,
      ranMs: 1,
    })
  })

  it.each([
    '',
    '{}',
    '{"v":2,"code":0,"frames":0}',
    '{"v":1,"code":"0","frames":0}',
    '{"v":1,"code":0.5,"frames":0}',
    '{"v":1,"code":1e308,"frames":0}',
    '{"v":1,"code":0,"frames":-1}',
    '{"v":1,"code":0,"frames":1e308}',
  ])('are refused if encoded as %j', text => {
    expect(decodeResult(Buffer.from(text))).toBeUndefined()
  })
})
