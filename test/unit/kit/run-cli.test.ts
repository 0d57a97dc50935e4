import {describe, expect, it} from 'vitest'
import {runCommand, startCommand} from '../../kit/run-cli.js'

const warned = ['-e', "process.emitWarning('leak')"]

describe('a warning from Node on the stderr of a command', () => {
  it('makes runCommand reject', async () => {
    await expect(runCommand(process.execPath, warned)).rejects.toThrow(
      /Node wrote on stderr: \(node:\d+\) Warning: leak/,
    )
  })

  it('makes the disposal of a started command reject', async () => {
    const use = async (): Promise<void> => {
      await using command = startCommand(process.execPath, warned)
      await command.processExit
      await command.waitForOutput(/leak/)
    }
    await expect(use()).rejects.toThrow(/Node wrote on stderr/)
  })

  it('is the only reason to reject: without it, runCommand resolves', async () => {
    expect(await runCommand(process.execPath, ['-e', ''])).toMatchObject({exitCode: 0, stderr: ''})
  })
})
