import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent, type TestAgent} from '../kit/backend.js'
import {type CommandResult, cliPath, runCommand} from '../kit/run-cli.js'
import {type Script, scripts} from './corpus-scripts.js'

const directory = mkdtempSync(join(tmpdir(), 'baton-scripts-'))
afterAll(() => rmSync(directory, {recursive: true}))
const real = backends.find(({name}) => name === 'real')

async function run(tool: 'consul' | 'baton', agent: TestAgent, {text}: Script, number: number): Promise<CommandResult> {
  const runs = tool === 'baton' ? `consul() { "${process.execPath}" "${cliPath}" "$@"; }\n` : ''
  const env = {K: `scripts/${number}/${tool}`, D: directory, SHELL: '/bin/sh'}
  return runCommand('sh', ['-c', `${runs}${text}`], {agent, env})
}

const neutral = ({stdout}: CommandResult): string => stdout.replaceAll(/\/(?:consul|baton)(?=\/)/g, '/TOOL')

describe.skipIf(!real).concurrent('scripts that users have written for Consul', () => {
  const agent = real && sharedAgent(real, {config: {disable_remote_exec: false}})
  it.each(scripts.map((one, number) => ({...one, number})))(
    'print the same with consul and with baton: $text',
    async one => {
      if (!agent) return
      const go = await run('consul', agent, one, one.number)
      const own = await run('baton', agent, one, one.number)
      expect([neutral(own), own.stderr]).toEqual([neutral(go), expect.any(String)])
      expect(own.exitCode).toBe(one.exitCode ?? go.exitCode)
    },
  )
})
