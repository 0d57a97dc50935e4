import {describe, expect, it} from 'vitest'
import {runCommand, startCommand} from '../../kit/run-cli.js'

const warned = ['-e', "process.emitWarning('leak')"]

describe('warnings of Node on the stderr of a command', () => {
  it('make runCommand reject', async () => {
    await expect(runCommand(process.execPath, warned)).rejects.toThrow(
      /Node wrote on stderr: \(node:\d+\) Warning: leak/,
    )
  })

  it('make the disposal of a started command reject', async () => {
    const use = async (): Promise<void> => {
      await using command = startCommand(process.execPath, warned)
      await command.processExit
      await command.waitForOutput(/leak/)
    }
    await expect(use()).rejects.toThrow(/Node wrote on stderr/)
  })

  it('let runCommand resolve if there are none', async () => {
    expect(await runCommand(process.execPath, ['-e', ''])).toMatchObject({exitCode: 0, stderr: ''})
  })
})
