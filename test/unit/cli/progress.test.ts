import {describe, expect, it} from 'vitest'
import {Progress} from '../../../src/cli/progress.js'
import {FakeClock} from '../../kit/fake-clock.js'

function setUp({isTTY, isQuiet = false, columns = 0}: {isTTY: boolean; isQuiet?: boolean; columns?: number}) {
  const clock = new FakeClock()
  const written: string[] = []
  const stderr = {isTTY, columns, write: (text: string) => written.push(text)}
  return {clock, written, progress: new Progress({stderr, isQuiet, clock})}
}

describe('the progress line', () => {
  it('is redrawn in place on a terminal, and removed at the end', async () => {
    const {clock, written, progress} = setUp({isTTY: true})
    progress.update('', 0, 1000)
    await clock.advance(2000)
    progress.update('', 400, 1000)
    progress.update('', 410, 1000)
    progress.end()
    progress.end()
    expect(written).toEqual(['\r\u001b[Jbaton: 400 of 1000 keys, 200/s, 3s left', '\r\u001b[J'])
  })

  it.each([
    [40, '200000/1000000, 8s left'],
    [59, '200000/1000000, 8s left'],
    [60, '200000 of 1000000 keys, 100000/s, 8s left'],
  ])('shows done, total and remaining time on a terminal of %d columns', async (columns, numbers) => {
    const {clock, written, progress} = setUp({isTTY: true, columns})
    progress.update('', 0, 1_000_000)
    await clock.advance(2000)
    progress.update('', 200_000, 1_000_000)
    expect(written).toEqual([`\r\u001b[Jbaton: ${numbers}`])
  })

  it('is printed every ten seconds if the output is not a terminal', async () => {
    const {clock, written, progress} = setUp({isTTY: false})
    for (let done = 0; done <= 2500; done += 100) {
      progress.update('app/: ', done, 10_000)
      await clock.advance(1000)
    }
    progress.end()
    expect(written).toEqual([
      'baton: app/: 1000 of 10000 keys, 100/s, 1m30s left\n',
      'baton: app/: 2000 of 10000 keys, 100/s, 1m20s left\n',
    ])
  })

  it('is not shown with --quiet', async () => {
    const {clock, written, progress} = setUp({isTTY: true, isQuiet: true})
    progress.update('', 0, 10)
    await clock.advance(1000)
    progress.update('', 5, 10)
    progress.end()
    expect(written).toEqual([])
  })
})
