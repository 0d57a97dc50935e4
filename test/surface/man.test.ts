import {spawnSync} from 'node:child_process'
import {beforeAll, describe, expect, it} from 'vitest'
import {type ManPage, manPages} from '../../src/main/help/man.js'
import {loadCommands} from './command-files.js'

const groff = (text: string): {readonly out: string; readonly err: string} | undefined => {
  const {error, stdout, stderr} = spawnSync('groff', ['-man', '-Tascii', '-P-c', '-ww'], {
    input: text,
    encoding: 'utf8',
  })
  return error ? undefined : {out: stdout.replaceAll(/.\x08/g, ''), err: stderr}
}

let pages: readonly ManPage[] = []
beforeAll(async () => {
  const commands = await loadCommands()
  const table = Object.fromEntries([...commands].map(([id, command]) => [id, async () => ({default: command})]))
  pages = await manPages(table, '1.2.3')
})

const textOf = (file: string): string => pages.find(page => page.file === file)?.text ?? ''

describe('the manual pages', () => {
  it('consist of one for each command, one for the connection, and one that lists all commands', async () => {
    const commands = await loadCommands()
    const files = [...commands.keys()].map(id => `baton-${id.replaceAll(' ', '-')}.1`)
    expect(pages.map(({file}) => file).sort()).toEqual(['baton.1', 'baton-connection.1', ...files].sort())
    for (const id of commands.keys()) expect(textOf('baton.1')).toContain(`.B baton ${id.replaceAll('-', '\\-')}\n`)
  })

  it('contain each flag with its value, description and default, and each example', async () => {
    const limit = (await loadCommands()).get('lock')?.flags['limit']?.description ?? ''
    const text = textOf('baton-lock.1')
    expect(text).toContain(`.TP\n.B \\-n, \\-\\-limit=N\n${limit} [default: 1; env: BATON_LIMIT]\n`)
    expect(text).toContain('.B \\-\\-checks=none|serf\n')
    expect(text).toContain('baton lock \\-\\-try jobs/backup \\-\\- ./backup.sh\n')
    expect(text).toContain('.SH "EXIT STATUS"\n')
    expect(text).toContain('.B 75\nthe lock was not acquired in time\n')
    expect(text).not.toContain('<%=')
  })

  it.skipIf(groff('') === undefined)('are formatted by groff without a warning', () => {
    // The line numbers in a warning of groff refer to all pages together.
    expect(groff(pages.map(({text}) => text).join('\n'))?.err).toBe('')
    const shown = groff(textOf('baton-kv-put.1'))?.out ?? ''
    expect(shown).toMatch(/^NAME\n +baton-kv-put - write a key$/m)
    expect(shown).toContain('baton kv put --cas --modify-index=123 app/max-conns 6')
  })
})
