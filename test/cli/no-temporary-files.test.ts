import {describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {runCli} from '../kit/run-cli.js'

const agent = sharedAgent(backends[0]!)

/** Commands that need a directory for temporary files. */
const rows = ['tour', 'kv edit temporary']

describe('a command that cannot create temporary files', () => {
  it.each(rows)('is refused in one line that names the directory: baton %s', async line => {
    await raw(agent.address).kvPut('temporary', '1')
    const env = {TMPDIR: '/no/such', EDITOR: 'true'}
    const {exitCode, stderr} = await runCli(line.split(' '), {agent, env})
    expect({exitCode, stderr}).toEqual({
      exitCode: 64,
      stderr:
        'baton: temporary files: cannot create a directory in /no/such: ENOENT (set TMPDIR to a directory that this user can write)\n',
    })
  })
})
