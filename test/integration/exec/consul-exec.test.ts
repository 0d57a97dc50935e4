import {describe, expect, it} from 'vitest'
import {hasReal, real, sharedAgent} from '../../kit/backend.js'
import {runCommand} from '../../kit/run-cli.js'
import {openFolder, startResponder} from './support.js'

describe.runIf(hasReal)('a responder beside an agent that runs no jobs itself', () => {
  const agent = sharedAgent(real)

  it('runs nothing for consul exec, which reports no node', async () => {
    await using folder = await openFolder()
    await using _responder = await startResponder(agent.address, {stateDirectory: folder.path})
    const env = {CONSUL_HTTP_ADDR: agent.address}
    const {stdout} = await runCommand('consul', ['exec', `echo ran >>${folder.path}/ran`], {env})
    expect(stdout).toBe('0 / 0 node(s) completed / acknowledged\n')
    expect(folder.lines('ran')).toEqual([])
  })
})
