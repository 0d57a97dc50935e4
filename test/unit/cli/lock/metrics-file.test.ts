import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import type {AnyLockEvent} from '../../../../src/cli/lock/event-lines.js'
import {MetricsFile} from '../../../../src/cli/lock/metrics-file.js'
import type {FencingToken} from '../../../../src/core/types.js'

const acquired: AnyLockEvent = {type: 'lock.acquired', token: 7n as FencingToken, waitMs: 1500}
const exited = (code: number): AnyLockEvent => ({type: 'child.exited', code, signal: undefined})
const released: AnyLockEvent = {
  type: 'lock.released',
  report: {lock: 'released', isSessionDestroyed: true, error: undefined},
}
const lost: AnyLockEvent = {type: 'lock.lost', error: new Error('lost')}

describe('the metrics file of a lock', () => {
  let folder = ''
  let wallMs = 1_000_000
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
  })
  afterEach(() => rmSync(folder, {recursive: true}))
  const path = () => join(folder, 'lock.prom')
  const open = (warnings: string[] = []) =>
    new MetricsFile({path: path(), prefix: 'a"b\\c', wallMs: () => wallMs, warn: text => warnings.push(text)})
  const values = (): Record<string, number> =>
    Object.fromEntries(
      readFileSync(path(), 'utf8')
        .split('\n')
        .flatMap(line => {
          const [, name, value] = /^baton_lock_(\w+)\{key="a\\"b\\\\c"\} (\S+)$/.exec(line) ?? []
          return name === undefined ? [] : [[name, Number(value)]]
        }),
    )

  it('shows the run from the wait to the release, and leaves no other file', () => {
    const file = open()
    expect(values()).toEqual({waiting: 1, held: 0, lost: 0})
    file.handle(acquired)
    expect(values()).toEqual({waiting: 0, held: 1, lost: 0, wait_seconds: 1.5, acquired_timestamp_seconds: 1000})
    wallMs = 1_002_000
    for (const event of [exited(0), released]) file.handle(event)
    expect(values()).toMatchObject({
      held: 0,
      command_exit_code: 0,
      released_timestamp_seconds: 1002,
      last_success_timestamp_seconds: 1002,
    })
    expect(readdirSync(folder)).toEqual(['lock.prom'])
  })

  it.each([
    ['failed', [acquired, exited(3), released], {command_exit_code: 3, lost: 0}],
    ['lost the lock', [acquired, lost, exited(0), released], {command_exit_code: 0, lost: 1}],
    ['did not acquire the lock', [], {waiting: 0, held: 0}],
  ] as const)('keeps the time of the last success if a later run %s', (_what, events, expected) => {
    const first = open()
    for (const event of [acquired, exited(0), released]) first.handle(event)
    const success = values()['last_success_timestamp_seconds']
    wallMs += 60_000
    const second = open()
    for (const event of events) second.handle(event)
    second[Symbol.dispose]()
    expect(values()).toMatchObject({...expected, last_success_timestamp_seconds: success})
  })

  it('is refused if it cannot be written at the start, and reported once if it cannot be written later', () => {
    const warnings: string[] = []
    const file = open(warnings)
    rmSync(path())
    mkdirSync(join(path(), 'in-the-way'), {recursive: true})
    for (const event of [acquired, exited(0), released]) file.handle(event)
    expect(warnings).toEqual([expect.stringContaining('--metrics-file: cannot write')])
    expect(() => open()).toThrow('--metrics-file: cannot write')
    expect(existsSync(join(path(), 'in-the-way'))).toBe(true)
  })
})
