import {describe, expect, it} from 'vitest'
import {parsePolicy, toPolicyFile} from '../../../../src/exec/native/policy.js'

const file = {
  nodes: '^web-',
  shell: false,
  argv: true,
  argv_allow: [['/usr/bin/systemctl', 'restart|status']],
  max_timeout: 60_000,
  max_output: 65_536,
  needs_m: 2,
}

describe('a policy file', () => {
  it('is converted to a policy of the library, and back without a change', async () => {
    const policy = await parsePolicy(JSON.stringify(file), 'p.json')
    expect(policy).toEqual({
      nodes: '^web-',
      canUseShell: false,
      canRunAnyProgram: true,
      allowedCommands: [['/usr/bin/systemctl', 'restart|status']],
      maxTimeoutMs: 60_000,
      maxOutputBytes: 65_536,
      requiredSignatures: 2,
    })
    expect(toPolicyFile(policy)).toEqual(file)
  })

  it('allows nothing if it is empty', async () => {
    expect(await parsePolicy('{}', 'p.json')).toMatchObject({
      canUseShell: false,
      canRunAnyProgram: false,
      allowedCommands: [],
      requiredSignatures: 1,
    })
  })

  it.each([
    ['[]', 'it is not a JSON object'],
    ['{"may_reboot": true}', "it has an unknown field 'may_reboot'"],
    ['{"nodes": "("}', 'filter'],
    ['{"max_timeout": "1m"}', 'max_timeout: must be a number'],
    ['{"canUseShell": true}', "it has an unknown field 'canUseShell'"],
  ])('is refused with an error that names the file and the fault if it is %s', async (text, fault) => {
    await expect(parsePolicy(text, 'p.json')).rejects.toThrow(new RegExp(`p\\.json.*${fault}`))
  })
})
