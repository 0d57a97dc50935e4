import {describe, expect, it} from 'vitest'
import {WaitingLine} from '../../../../src/cli/lock/waiting-line.js'
import {FakeClock} from '../../../kit/fake-clock.js'

function setUp(options: {isTTY: boolean; isVerbose?: boolean; isQuiet?: boolean; columns?: number}) {
  const {isTTY, isVerbose = false, isQuiet = false, columns = 200} = options
  const clock = new FakeClock()
  const written: string[] = []
  const stderr = {isTTY, columns, write: (text: string) => written.push(text)}
  return {clock, written, line: new WaitingLine({stderr, isVerbose, isQuiet, clock})}
}

const text = 'waiting for jobs/n: held by sleep on vm, pid 7'

describe('the line shown while waiting for a lock', () => {
  it('is redrawn each second on a terminal, and removed at the end', async () => {
    const {clock, written, line} = setUp({isTTY: true})
    line.show({text, heldSinceMs: clock.wallMs() - 251_000})
    line.show({text, heldSinceMs: clock.wallMs() - 251_000})
    await clock.advance(1000)
    await clock.advance(1000)
    line.end()
    line.end()
    await clock.advance(5000)
    expect(written).toEqual([
      `\r\u001b[Jbaton: ${text} for 4m11s`,
      `\r\u001b[Jbaton: ${text} for 4m12s; waiting 1s`,
      `\r\u001b[Jbaton: ${text} for 4m13s; waiting 2s`,
      '\r\u001b[J',
    ])
  })

  it('is cut to the width of the terminal', () => {
    const {written, line} = setUp({isTTY: true, columns: 20})
    line.show({text, heldSinceMs: undefined})
    expect(written).toEqual(['\r\u001b[Jbaton: w...m, pid 7'])
    line.end()
  })

  it('on a narrow terminal, leaves out other parts before the holder', () => {
    const shorter = [
      'waiting for jobs/n: held by sleep on vm, pid 7',
      'jobs/n: held by sleep on vm, pid 7',
      'held by sleep on vm, pid 7',
    ]
    const shown = [100, 80, 60, 45, 40, 30, 20].map(columns => {
      const {clock, written, line} = setUp({isTTY: true, columns})
      line.show({text, place: 'place 2 in the queue', shorter, heldSinceMs: clock.wallMs() - 251_000})
      line.end()
      return written[0]?.replace('\r\u001b[J', '')
    })
    expect(shown).toEqual([
      `baton: ${text} for 4m11s, place 2 in the queue`,
      `${text} for 4m11s`,
      `${text} for 4m11s`,
      'jobs/n: held by sleep on vm, pid 7 for 4m11s',
      'jobs/n: held by sleep on vm, pid 7',
      'held by sleep on vm, pid 7',
      'held by ...m, pid 7',
    ])
  })

  it('with --verbose, if stderr is not a terminal, is printed each minute and for each new holder', async () => {
    const {clock, written, line} = setUp({isTTY: false, isVerbose: true})
    line.show({text, heldSinceMs: undefined})
    await clock.advance(60_000)
    line.show({text: 'waiting for jobs/n: held by other', heldSinceMs: undefined})
    line.end()
    await clock.advance(120_000)
    expect(written).toEqual([
      `baton: ${text}\n`,
      `baton: ${text}; waiting 1m\n`,
      'baton: waiting for jobs/n: held by other; waiting 1m\n',
    ])
  })

  it.each([{isTTY: false}, {isTTY: true, isQuiet: true}])('is not shown with the options %j', async options => {
    const {clock, written, line} = setUp(options)
    line.show({text, heldSinceMs: undefined})
    await clock.advance(120_000)
    line.end()
    expect(written).toEqual([])
  })
})
