import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {type CommandHandle, startCli} from '../kit/run-cli.js'
import {waitUntil} from '../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-units-'))
const socket = join(folder, 'notify')
afterAll(() => rmSync(folder, {recursive: true}))

/** Node cannot receive datagrams of Unix sockets, so a program in place of systemd-notify writes them to a file. */
beforeAll(() => {
  const program = join(folder, 'systemd-notify')
  writeFileSync(program, '#!/bin/sh\nfor word; do echo "$word"; done >>"$NOTIFY_SOCKET"\n')
  chmodSync(program, 0o755)
  mkdirSync(join(folder, 'trust'))
  writeFileSync(join(folder, 'in'), '{{ key "app/name" }}')
})

interface Unit {
  readonly type: string
  readonly command: readonly string[]
  /** Exit codes of a unit that was stopped as intended. */
  readonly successes: readonly number[]
}

/** Reads a unit, and replaces variables and specifiers in its command as systemd does. */
function readUnit(name: string, variables: Readonly<Record<string, string>>): Unit {
  const text = readFileSync(join('packaging/systemd', name), 'utf8')
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? ''
  const words = value('ExecStart')
    .replaceAll('%i', 'night')
    .split(' ')
    .flatMap(word => (word.startsWith('$') ? (variables[word.slice(1)] ?? '').split(' ') : [word]))
  expect(words[0]).toBe('/usr/bin/baton')
  return {
    type: value('Type'),
    command: words.slice(1),
    successes: [0, ...value('SuccessExitStatus').split(' ').map(Number)],
  }
}

const units: readonly (readonly [name: string, args: string, works: RegExp])[] = [
  ['baton-responder', `--trust-dir ${folder}/trust --state-dir ${folder}/state --name web-1`, /ready/],
  ['baton-replicate', `app/@dc1:copy/ --listen 127.0.0.1:0`, /.?/],
  ['baton-discover', 'app/services --listen 127.0.0.1:0', /"msg":"listening"/],
  ['baton-template', `${folder}/in:${folder}/out`, /.?/],
]

describe.each(backends.slice(-1))('the systemd units on $name', backend => {
  const agent = sharedAgent(backend)
  const isDone: Readonly<Record<string, () => Promise<boolean> | boolean>> = {
    'baton-replicate': async () => (await raw(agent.address).kvGet('copy/name')) !== undefined,
    'baton-template': () => readFileSync(join(folder, 'out'), 'utf8') === 'baton',
  }

  beforeAll(async () => {
    await raw(agent.address).kvPut('app/name', 'baton')
    await raw(agent.address).kvPut('app/services', '{"services":[]}')
  })

  it.each(units)(
    '%s works, can be started again after a SIGKILL, and ends on TERM with an exit code that counts as success',
    async (name, args, works) => {
      const unit = readUnit(`${name}.service`, {ARGUMENTS: args})
      const env = {
        PATH: `${folder}:${process.env['PATH'] ?? ''}`,
        ...(unit.type === 'notify' && {NOTIFY_SOCKET: socket}),
      }
      const start = async (): Promise<CommandHandle> => {
        const command = startCli(unit.command, {agent, env})
        await command.waitForOutput(works)
        await waitUntil(isDone[name] ?? (() => true), {what: `${name} to work`, timeoutMs: 60_000})
        return command
      }
      {
        await using killed = await start()
        killed.kill('SIGKILL')
        await killed.exited
      }
      writeFileSync(socket, '')
      rmSync(join(folder, 'out'), {force: true})
      await using again = await start()
      if (unit.type === 'notify') {
        await waitUntil(() => readFileSync(socket, 'utf8').includes('READY=1'), {what: 'READY=1'})
      }
      again.kill('SIGTERM')
      expect(unit.successes).toContain((await again.exited).exitCode)
      if (unit.type === 'notify') expect(readFileSync(socket, 'utf8')).toContain('STOPPING=1')
    },
  )

  it('baton-locked@ runs its command under the lock, counts as successful if another host holds the lock or if it is stopped, and can be started again', async () => {
    const unit = readUnit('baton-locked@.service', {ARGUMENTS: '--try=1s', COMMAND: 'sleep 30'})
    await using holder = startCli(unit.command, {agent})
    const isHeld = async (): Promise<boolean> =>
      (await raw(agent.address).kvGet('jobs/night/.lock'))?.session !== undefined
    await waitUntil(isHeld, {what: 'the lock to be held'})
    await using other = startCli(unit.command, {agent, env: {XDG_RUNTIME_DIR: join(folder, 'other-host')}})
    expect(unit.successes).toContain((await other.exited).exitCode)
    holder.kill('SIGTERM')
    expect(unit.successes).toContain((await holder.exited).exitCode)
    expect(await isHeld()).toBe(false)
    await using again = startCli(unit.command, {agent})
    await waitUntil(isHeld, {what: 'the lock to be held again'})
    again.kill('SIGKILL')
    await again.exited
    await waitUntil(async () => !(await isHeld()), {what: 'the guardian to release the lock', timeoutMs: 30_000})
  })

  it('baton-locked@.timer starts the service of its own name', () => {
    const timer = readFileSync('packaging/systemd/baton-locked@.timer', 'utf8')
    expect(timer).toMatch(/^OnCalendar=\S/m)
    expect(timer).not.toMatch(/^Unit=/m)
  })
})
