import {describe, expect, it} from 'vitest'
import {runCommand, startCommand} from '../../kit/run-cli.js'

const warned = ['-e', "process.emitWarning('leak')"]

describe('a command whose Node writes a warning on stderr', () => {
  it('rejects', async () => {
    await expect(runCommand(process.execPath, warned)).rejects.toThrow(
      /Node wrote on stderr: \(node:\d+\) Warning: leak/,
    )
  })

  it('rejects when it is disposed of', async () => {
    const use = async (): Promise<void> => {
      await using command = startCommand(process.execPath, warned)
      await command.processExit
      await command.waitForOutput(/leak/)
    }
    await expect(use()).rejects.toThrow(/Node wrote on stderr/)
  })

  it('resolves without one', async () => {
    expect(await runCommand(process.execPath, ['-e', ''])).toMatchObject({exitCode: 0, stderr: ''})
  })
})
