import {existsSync, readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {runCli} from '../kit/run-cli.js'

interface Instruction {
  readonly name: string
  readonly words: readonly string[]
}

/** The instructions of a Dockerfile, without comments. Lines that end with a backslash are joined. */
function readInstructions(text: string): readonly Instruction[] {
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
  return lines
    .filter(line => line.trim() !== '')
    .map(line => {
      const [name = '', ...words] = line.trim().split(/\s+/)
      return {name, words: words[0]?.startsWith('["') ? (JSON.parse(words.join(' ')) as string[]) : words}
    })
}

const instructions = readInstructions(readFileSync('packaging/Dockerfile', 'utf8'))
const all = (name: string): readonly (readonly string[])[] =>
  instructions.filter(one => one.name === name).map(({words}) => words)
const shell = all('RUN').map(words => words.join(' '))

describe('the Dockerfile', () => {
  it('copies what the clone has, and what its first stage makes', () => {
    const copies = all('COPY')
    const ignored = readFileSync('.dockerignore', 'utf8').split('\n')
    for (const [source = ''] of copies.filter(words => !words[0]?.startsWith('--from='))) {
      expect(existsSync(source)).toBe(true)
      expect(ignored).not.toContain(source)
    }
    const script = /node (bin\/[\w.-]+) "[^"]+" (\/\w+)/.exec(shell[0] ?? '')
    expect(existsSync(script?.[1] ?? '')).toBe(true)
    expect(copies.find(words => words[0] === '--from=build')?.[1]).toBe(`${script?.[2]}/baton`)
  })

  it('runs as a user that it creates, in the home of that user', () => {
    const [user] = all('USER')[0] ?? []
    const [home] = all('WORKDIR').at(-1) ?? []
    expect(shell.join('\n')).toMatch(new RegExp(`useradd .*--home-dir ${home} .*--create-home ${user}\\b`))
  })

  it('starts the file that it has copied, and shows help without arguments', async () => {
    expect(all('ENTRYPOINT')[0]).toEqual([all('COPY').at(-1)?.at(-1)])
    const {stdout, exitCode} = await runCli(all('CMD')[0] ?? [])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('baton COMMAND')
  })
})
