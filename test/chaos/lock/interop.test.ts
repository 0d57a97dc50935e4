import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {checkNoOverlap, criticalSection} from '../../kit/history.js'
import {useLeakCheck} from '../../kit/leaks.js'
import {raw} from '../../kit/raw-consul.js'
import {runCli, runCommand} from '../../kit/run-cli.js'

const [real] = backends.filter(backend => backend.name === 'real')

describe.runIf(real !== undefined)('baton lock and consul lock on one key', () => {
  const agent = sharedAgent(real!)
  // The Go tool ends its session in the background while it exits, and sometimes exits first.
  const leaks = useLeakCheck({agent, graceMs: 10_000, mayStay: ({Name}) => / consul-\d/.test(Name)})
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'baton-test-'))
  })
  afterEach(() => rmSync(folder, {recursive: true}))

  const section = (id: string) => [criticalSection, join(folder, 'history'), id, '0.05']
  const exclusive = () => join(folder, 'exclusive')

  it('with 10 contenders of each tool, never hold the lock at the same time, and all run their command', async () => {
    const key = `${leaks.prefix}mixed`
    const ids = Array.from({length: 10}, (_, index) => String(index))
    const results = await Promise.all(
      ids.flatMap(id => [
        runCli(['lock', key, '--', ...section(`baton-${id}`), exclusive()], {agent}),
        runCommand('consul', ['lock', '-shell=false', key, ...section(`consul-${id}`), exclusive()], {agent}),
      ]),
    )
    expect(results.map(result => result.exitCode)).toEqual(results.map(() => 0))
    expect(checkNoOverlap(join(folder, 'history')).finished).toHaveLength(20)
    await raw(agent.address).kvDelete(`${key}/.lock`)
  })

  // Each contender of baton has its own temporary directory, so that it acts as if on a host of its own.
  it.each([
    [3, 150, 0.2],
    [10, 400, 0.1],
  ])(
    'with --fair=share and %d contenders of each tool that wait all the time, share %d turns between 40:60 and 60:40',
    async (count, most, seconds) => {
      const prefix = `${leaks.prefix}shared-${count}`
      const turns = join(folder, 'turns')
      writeFileSync(turns, '')
      const taken = (): string => readFileSync(turns, 'utf8').slice(0, most)
      // The last argument is part of the session's name.
      const turn = (tool: string): string[] => [
        'sh',
        '-c',
        `printf ${tool} >> "${turns}"; sleep ${seconds}`,
        'consul-1',
      ]
      const repeat = async (run: () => ReturnType<typeof runCommand>): Promise<void> => {
        while (taken().length < most) expect(await run()).toMatchObject({exitCode: 0})
      }
      const contenders = Array.from({length: count}, (_, at) => {
        const TMPDIR = join(folder, String(at))
        mkdirSync(TMPDIR)
        const ours = ['lock', '--fair=share', prefix, '--', ...turn('b')]
        const theirs = ['lock', '-shell=false', prefix, ...turn('g')]
        return [repeat(() => runCli(ours, {agent, env: {TMPDIR}})), repeat(() => runCommand('consul', theirs, {agent}))]
      })
      await Promise.all(contenders.flat())
      const series = taken().match(/(.)\1*/g) ?? []
      // After the last turns of consul lock, baton may not have had its own yet, however many they are.
      const settled = taken().replace(/g+b*$/, '')
      const had = settled.split('b').length - 1
      process.stdout.write(
        `${had} of ${settled.length} turns of baton: ${series.map(one => `${one[0]}${one.length}`).join(' ')}\n`,
      )
      expect(settled.length).toBeGreaterThan(most / 3)
      expect(had / settled.length).toBeGreaterThanOrEqual(0.4)
      expect(had / settled.length).toBeLessThanOrEqual(0.6)
      await raw(agent.address).kvDelete(`${prefix}/.lock`)
    },
    300_000,
  )

  it("with 5 contenders of each tool, never exceed a semaphore's limit of 3, and all run their command", async () => {
    const key = `${leaks.prefix}semaphore`
    const ids = Array.from({length: 5}, (_, index) => String(index))
    const results = await Promise.all(
      ids.flatMap(id => [
        runCli(['lock', '-n', '3', key, '--', ...section(`baton-${id}`)], {agent}),
        runCommand('consul', ['lock', '-n', '3', '-shell=false', key, ...section(`consul-${id}`)], {agent}),
      ]),
    )
    expect(results.map(result => result.exitCode)).toEqual(results.map(() => 0))
    expect(checkNoOverlap(join(folder, 'history'), {limit: 3}).finished).toHaveLength(10)
    await raw(agent.address).kvDelete(`${key}/.lock`)
  })
})
