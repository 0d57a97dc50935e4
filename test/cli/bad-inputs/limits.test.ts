import {describe, expect, it} from 'vitest'
import {flagShapes} from '../../../src/cli/base-command.js'
import {runInProcess} from '../../kit/run-in-process.js'
import {loadCommands} from '../../surface/command-files.js'

const commands = await loadCommands()

/** Durations that no timer counts, because they are compared with the wall clock or are not used. */
const endless = new Set([
  'lock --once-per',
  'lock overdue --every',
  'replicate --consul-retry-backoff',
  'replicate --consul-retry-max-backoff',
  'replicate status --max-lag',
  'replicate undo --since',
])
/** Durations with a lower maximum. */
const most: Readonly<Record<string, string>> = {'exec --keep': '24h'}

const durations = [...commands].flatMap(([id, command]) =>
  Object.entries(flagShapes(command) as Readonly<Record<string, {readonly helpValue?: string}>>)
    .filter(([, {helpValue}]) => helpValue === 'DURATION' || helpValue === '[DURATION]')
    .map(([name]) => ({id, name})),
)

describe.concurrent('a duration that is too long', () => {
  it.each(durations.filter(({id, name}) => !endless.has(`${id} --${name}`)))(
    'is refused in one line that names the maximum: baton $id --$name',
    async ({id, name}) => {
      const {exitCode, stderr} = await runInProcess([...id.split(' '), `--${name}=99999999h`])
      expect({exitCode, stderr}).toEqual({
        exitCode: id === 'replicate' ? 13 : 64,
        stderr: `baton: --${name}: '99999999h' is above ${most[`${id} --${name}`] ?? '596h31m'}\n`,
      })
    },
  )

  it('is refused unless no timer counts it', () => {
    const known = durations.map(({id, name}) => `${id} --${name}`)
    expect(known).toEqual(expect.arrayContaining([...endless]))
  })
})

describe.concurrent('a limit of holders that is too large', () => {
  it.each(['lock', 'lock hold'])('is refused in one line: baton %s', async id => {
    const {exitCode, stderr} = await runInProcess([...id.split(' '), '-n', '9'.repeat(20), 'k', 'true'])
    expect({exitCode, stderr}).toEqual({
      exitCode: 64,
      stderr: `baton: --limit: '${'9'.repeat(20)}' is more than ${Number.MAX_SAFE_INTEGER} (see baton ${id} --help)\n`,
    })
  })
})
