import {chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {openServiceNotifier} from '../../../src/process/service-notifier.js'

let folder = ''
let warnings: string[] = []
const warn = (text: string): unknown => warnings.push(text)
beforeEach(() => {
  warnings = []
})
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'baton-notify-'))
  const program = join(folder, 'systemd-notify')
  writeFileSync(
    program,
    '#!/bin/sh\nfor word; do printf "%s|" "$word"; done >>"$NOTIFY_SOCKET"\necho >>"$NOTIFY_SOCKET"\n',
  )
  chmodSync(program, 0o755)
})
afterAll(() => rmSync(folder, {recursive: true}))

describe('messages to the service manager', () => {
  it('are sent in order, each in one line, and the ready message names the main process', async () => {
    const socket = join(folder, 'socket')
    const notifier = openServiceNotifier({NOTIFY_SOCKET: socket, PATH: `${folder}:/bin:/usr/bin`}, warn, 42)
    void notifier.notify('READY=1', '2 up\nto date')
    void notifier.notify('WATCHDOG=1')
    await notifier.notify('STOPPING=1')
    expect(readFileSync(socket, 'utf8')).toBe('READY=1|STATUS=2 up to date|MAINPID=42|\nWATCHDOG=1|\nSTOPPING=1|\n')
    expect(warnings).toEqual([])
  })

  it('are not sent if no service manager listens, or if systemd-notify is missing, which is reported as a problem', async () => {
    await openServiceNotifier({PATH: folder}, warn).notify('READY=1')
    expect(warnings).toEqual([])
    await openServiceNotifier({NOTIFY_SOCKET: '/run/x', PATH: join(folder, 'none')}, warn).notify('READY=1')
    expect(warnings).toEqual(['NOTIFY_SOCKET is set, but systemd-notify is not on the PATH'])
  })

  it.each([
    [{WATCHDOG_USEC: '30000000'}, 30_000],
    [{WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42'}, 30_000],
    [{WATCHDOG_USEC: '30000000', WATCHDOG_PID: '43'}, undefined],
    [{WATCHDOG_USEC: 'x'}, undefined],
    [{WATCHDOG_USEC: '-5'}, undefined],
    [{}, undefined],
  ])('are expected at the watchdog interval that the environment sets (case: %j)', (env, watchdogMs) => {
    const given = {NOTIFY_SOCKET: join(folder, 'socket'), PATH: `${folder}:/bin:/usr/bin`, ...env}
    expect(openServiceNotifier(given, warn, 42).watchdogMs).toBe(watchdogMs)
  })

  it('do not reject if they cannot be delivered, which is reported once', async () => {
    const env = {NOTIFY_SOCKET: join(folder, 'no/such/socket'), PATH: `${folder}:/bin:/usr/bin`}
    const notifier = openServiceNotifier(env, warn)
    await notifier.notify('READY=1')
    await notifier.notify('STOPPING=1')
    expect(warnings).toEqual([
      expect.stringMatching(/^the service manager gets no messages: systemd-notify: .*no\/such\/socket/),
    ])
  })
})
