import {describe, expect, it} from 'vitest'
import {findUser, limitWords} from '../../../../src/cli/exec/run-as.js'

describe('the limits of commands', () => {
  it('are set by prlimit, which is not used if there are no limits', () => {
    expect(limitWords(['nproc=100', 'core=unlimited'])).toEqual(['prlimit', '--nproc=100', '--core=unlimited', '--'])
    expect(limitWords([])).toEqual([])
  })

  it.each(['nproc', 'nproc=', 'nproc=-1', 'shell=1', 'nproc=1 --pid=1', ''])('are refused if they are %j', limit => {
    expect(() => limitWords([limit])).toThrow(/is not a limit/)
  })
})

describe('the user as which commands are run', () => {
  it.runIf(process.geteuid?.() === 0)('is found by name, and refused if there is no user of that name', async () => {
    const {words, env} = await findUser('nobody', {PATH: process.env['PATH']})
    expect([words[1], env['USER']]).toEqual([expect.stringMatching(/^--reuid=\d+$/), 'nobody'])
    await expect(findUser('no-such-user', {PATH: process.env['PATH']})).rejects.toThrow(/there is no user no-such-user/)
  })

  it.runIf(process.geteuid?.() !== 0)('can be chosen only by root', async () => {
    await expect(findUser('nobody', {})).rejects.toThrow(/only root/)
  })
})
