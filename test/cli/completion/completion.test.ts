import {execFile, execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync, symlinkSync} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {delimiter, join} from 'node:path'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {startEmbeddedAgent} from '../../../src/embedded/index.js'
import {completions} from '../../../src/main/complete.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {raw} from '../../kit/raw-consul.js'
import {cliPath, runCli} from '../../kit/run-cli.js'
import {loadCommands} from '../../surface/command-files.js'

const run = promisify(execFile)
const bin = mkdtempSync(join(tmpdir(), 'baton-completion-'))
symlinkSync(cliPath, join(bin, 'baton'))
afterAll(() => rmSync(bin, {recursive: true}))

const table = Object.fromEntries(
  [...(await loadCommands())].map(([id, command]) => [id, async () => ({default: command})]),
)
/** Returns the lines that `baton complete` would print for these words. */
const answer = (words: readonly string[], address: string): Promise<string> =>
  completions(table, words, {env: {CONSUL_HTTP_ADDR: address}, isQuoted: false})

const putKeys = async (address: string): Promise<void> => {
  for (const key of ['tab/db/url', 'tab/name', 'table', 'tab/$(reboot)']) await raw(address).kvPut(key, 'x')
}

describe.each(backends)('the words that `baton complete` offers, on $name', backend => {
  const agent = sharedAgent(backend)
  beforeAll(() => putKeys(agent.address))

  it.each([
    ['comple', ['completion']],
    ['keys rev', ['revoke']],
    ['completion z', ['zsh']],
    ['lock --lock-d', ['--lock-delay']],
    ['exec --via re', ['rexec']],
    ['watch service cons', ['consul']],
    ['kv get --datacenter dc', ['dc1']],
    ['kv get ta', ['tab/', 'table']],
    ['kv get tab/', ['tab/db/', 'tab/name']],
  ])('are those that begin with the last typed word: %j', async (line, expected) => {
    const lines = (await answer(line.split(' '), agent.address)).split('\n').slice(0, -1)
    expect(lines.map(one => one.split('\t')[0]).sort()).toEqual(expected)
  })
})

describe('baton complete', () => {
  it('reads the words from stdin', async () => {
    const {exitCode, stdout, stderr} = await runCli(['complete'], {input: 'kv\npu\n'})
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(stdout).toMatch(/^put\t\S.*\n$/)
  })

  it('leaves out names with characters that a shell would interpret, unless the script quotes what it inserts', async () => {
    await using agent = await startEmbeddedAgent()
    await putKeys(agent.address)
    const env = {CONSUL_HTTP_ADDR: agent.address}
    expect(await completions(table, ['kv', 'get', 'tab/$'], {env, isQuoted: false})).toBe('')
    expect(await completions(table, ['kv', 'get', 'tab/$'], {env, isQuoted: true})).toBe('tab/$(reboot)\n')
  })

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

  it('prints nothing for the arguments of a child, because the shell completes those', async () => {
    expect(await answer(['lock', 'k', '--', 'l'], '127.0.0.1:1')).toBe('')
    expect(await answer(['lock', 'k', 'l'], '127.0.0.1:1')).toBe('')
  })

  it('prints each suggestion with a description', async () => {
    expect(await answer(['kv', 'pu'], '127.0.0.1:1')).toMatch(/^put\t\S.*\n$/)
    expect(await answer(['lock', '--li'], '127.0.0.1:1')).toMatch(/^--limit\t\S.*\n$/)
    expect(await answer(['kv', 'get', '-ba'], '127.0.0.1:1')).toMatch(/^-base64\t\S.*\n$/)
  })
})

const isInstalled = (shell: string): boolean => {
  try {
    execFileSync(shell, ['-c', 'true'])
    return true
  } catch {
    return false
  }
}

/**
 * For each shell, a script that completes each line in $TYPED and prints the candidates of each line on a line of its
 * own.
 */
const shells = {
  bash: [
    '--norc',
    '-c',
    `source <(baton completion bash)
     complete -p baton >/dev/null || exit 1
     while IFS= read -r COMP_LINE; do
       COMP_POINT=\${#COMP_LINE}; _baton; echo "\${COMPREPLY[*]}"
     done <<<"$TYPED"`,
  ],
  // The completion of zsh needs zsh's line editor, so compadd is replaced by a function that stores its arguments.
  zsh: [
    '-f',
    '-c',
    `found=(); compdef() { : }; _files() { : }; compadd() { found+=("\${(P)@[-1]}") }
     source <(baton completion zsh)
     for line in "\${(f)TYPED}"; do
       found=(); words=("\${(@)\${(z)line}}"); CURRENT=$#words; _baton; echo $found
     done`,
  ],
  fish: [
    '--no-config',
    '-c',
    `baton completion fish | source
     for line in (string split \\n $TYPED); complete -C $line | string replace -r "\\t.*" "" | string join " "; end; true`,
  ],
} as const

describe.each(['bash', 'zsh', 'fish'] as const)('the completion script for %s', shell => {
  const agent = sharedAgent(backends[0]!)
  beforeAll(() => putKeys(agent.address))

  async function complete(lines: readonly string[]): Promise<readonly string[]> {
    const env = {
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      HOME: bin,
      TYPED: lines.join('\n'),
      CONSUL_HTTP_ADDR: agent.address,
    }
    const {stdout} = await run(shell, shells[shell], {env, cwd: bin})
    return stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split(' ').sort().join(' '))
  }

  const missing = isInstalled(shell) ? '' : ` (not tested: there is no ${shell} here)`
  it.skipIf(missing !== '')(`offers what baton complete prints${missing}`, async () => {
    const found = await complete([
      'baton comple',
      'baton lock --lock-d',
      'baton kv get tab/',
      `baton lock 'a b' --timeout "5s" --lock-d`,
    ])
    const special = {bash: 'tab/\\$\\(reboot\\)', zsh: 'tab/$(reboot)', fish: 'tab/$(reboot)'}[shell]
    expect(found).toEqual(['completion', '--lock-delay', `${special} tab/db/ tab/name`, '--lock-delay'])
  })

  it.skipIf(missing !== '')(`completes within quotes and after a backslash${missing}`, async () => {
    await raw(agent.address).kvPut('quoted/a-b', 'x')
    const found = await complete(['baton kv get "quoted/a', "baton kv get 'quoted/a", 'baton kv get quoted/a\\-'])
    expect(found.slice(shell === 'zsh' ? 2 : 0)).toEqual(Array(shell === 'zsh' ? 1 : 3).fill('quoted/a-b'))
  })

  if (shell === 'bash') {
    it('quotes the names that it inserts, and within open quotes offers no name that needs a different kind of quotes', async () => {
      for (const key of ['q/a b', "q/c'd", 'q/e$f']) await raw(agent.address).kvPut(key, 'x')
      const found = await complete(['baton kv get q/a', 'baton kv get q/c', 'baton kv get "q/a', 'baton kv get "q/e'])
      expect(found).toEqual(['b q/a\\', "q/c\\'d", 'b q/a'])
    })

    it('offers only the part after the last = or :, because bash replaces only that part', async () => {
      const line = `baton kv get --http-addr=${agent.address} tab/n`
      expect(await complete(['baton exec --via=re', line])).toEqual(['rexec', 'tab/name'])
    })
  }
})
