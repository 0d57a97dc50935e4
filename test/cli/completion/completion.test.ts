import {execFile, execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync, symlinkSync} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCli} from '../../kit/run-cli.js'

const run = promisify(execFile)
const bin = mkdtempSync(join(tmpdir(), 'baton-completion-'))
symlinkSync(cliPath, join(bin, 'baton'))
afterAll(() => rmSync(bin, {recursive: true}))

const isInstalled = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'true'])
    return true
  } catch {
    return false
  }
}

/** For each shell, a script that completes the line in $LINE and prints one candidate a line. */
const shells = {
  bash: [
    'bash',
    '--norc',
    '-c',
    `source <(baton completion bash)
     complete -p baton >/dev/null || exit 1
     COMP_LINE=$LINE COMP_POINT=\${#LINE}; _baton; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  // The completion of zsh needs its line editor, so compadd is replaced by a function that prints its arguments.
  zsh: [
    'zsh',
    '-f',
    '-c',
    `compdef() { : }; _files() { : }; compadd() { print -rl -- \${(P)@[-1]} }
     source <(baton completion zsh)
     words=("\${(@s: :)LINE}"); CURRENT=$#words; _baton`,
  ],
  fish: [
    'fish',
    '--no-config',
    '-c',
    'baton completion fish | source; complete -C "$LINE" | string replace -r "\\t.*" ""; true',
  ],
} as const

async function complete(shell: keyof typeof shells, line: string, address: string): Promise<readonly string[]> {
  const [program, ...argv] = shells[shell]
  const env = {
    PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
    HOME: bin,
    LINE: line,
    CONSUL_HTTP_ADDR: address,
  }
  const {stdout} = await run(program, argv, {env, cwd: bin})
  return stdout.split('\n').filter(candidate => candidate !== '')
}

describe.each(backends)('baton completion on $name', backend => {
  const agent = sharedAgent(backend)
  beforeAll(async () => {
    const consul = raw(agent.address)
    for (const key of ['tab/db/url', 'tab/name', 'table', 'tab/$(reboot)']) await consul.kvPut(key, 'x')
  })

  describe.each(['bash', 'zsh', 'fish'] as const)('in %s', shell => {
    it.skipIf(!isInstalled(shell)).each([
      ['baton comple', ['completion']],
      ['baton keys rev', ['revoke']],
      ['baton completion z', ['zsh']],
      ['baton lock --lock-d', ['--lock-delay']],
      ['baton exec --via re', ['rexec']],
      ['baton watch service cons', ['consul']],
      ['baton kv get --datacenter dc', ['dc1']],
      ['baton kv get ta', ['tab/', 'table']],
      ['baton kv get tab/', ['tab/db/', 'tab/name']],
    ])('completes %j', async (line, expected) => {
      const found = await complete(shell, line, agent.address)
      expect([...found].sort()).toEqual(expected)
    })
  })

  it('offers only the part after the last = or :, which bash replaces', async () => {
    expect(await complete('bash', 'baton exec --via=re', agent.address)).toEqual(['rexec'])
    const line = `baton kv get --http-addr=${agent.address} tab/n`
    expect(await complete('bash', line, '127.0.0.1:1')).toEqual(['tab/name'])
  })
})

describe('baton complete', () => {
  const answer = async (words: readonly string[], address: string): Promise<string> => {
    const {exitCode, stdout, stderr} = await runCli(['complete'], {
      input: words.map(word => `${word}\n`).join(''),
      env: {CONSUL_HTTP_ADDR: address},
    })
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    return stdout
  }

  it('prints nothing if the agent does not answer', async () => {
    const silent = createServer(() => {})
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    try {
      const {port} = silent.address() as {port: number}
      expect(await answer(['kv', 'get', ''], `127.0.0.1:${port}`)).toBe('')
    } finally {
      silent.close()
    }
  })

  it('prints nothing for the arguments of a child, which the shell completes', async () => {
    expect(await answer(['lock', 'k', '--', 'l'], '127.0.0.1:1')).toBe('')
    expect(await answer(['lock', 'k', 'l'], '127.0.0.1:1')).toBe('')
  })

  it('prints each suggestion with a description', async () => {
    expect(await answer(['kv', 'pu'], '127.0.0.1:1')).toMatch(/^put\t\S.*\n$/)
    expect(await answer(['lock', '--li'], '127.0.0.1:1')).toMatch(/^--limit\t\S.*\n$/)
    expect(await answer(['kv', 'get', '-ba'], '127.0.0.1:1')).toMatch(/^-base64\t\S.*\n$/)
  })
})
