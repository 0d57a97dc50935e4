import {existsSync, readFileSync} from 'node:fs'
import {Parser} from '@oclif/core'
import type {FlagInput} from '@oclif/core/interfaces'
import {beforeAll, describe, expect, it} from 'vitest'
import type {CommandClass} from '../../src/main/command-table.js'
import {loadCommands, root} from './command-files.js'
import {expectCommitted} from './committed.js'
import {describeSurface, surfaceText} from './surface.js'

let commands: ReadonlyMap<string, CommandClass> = new Map()
beforeAll(async () => {
  commands = await loadCommands()
})

describe('the commands of baton', () => {
  it('are the same as in the committed list, with flags, arguments and defaults', async () => {
    expectCommitted('test/surface/commands.json', surfaceText(await describeSurface(commands)))
  })

  it('each have a summary, an example, and a short description for each flag', () => {
    const faults: string[] = []
    for (const [id, command] of commands) {
      if (command.summary === undefined) faults.push(`${id}: no summary`)
      const {examples} = command
      if (examples.length === 0) faults.push(`${id}: no example`)
      for (const example of examples) {
        const text = typeof example === 'string' ? example : example.command
        if (!text.includes(`<%= config.bin %> ${id}`)) faults.push(`${id}: an example of something else: ${text}`)
      }
      const texts = {...command.baseFlags, ...command.flags, ...command.args}
      for (const [name, {description = ''}] of Object.entries(texts)) {
        if (description === '') faults.push(`${id} ${name}: no description`)
        if (/[.!]$/.test(description) || /^[A-Z][a-z]/.test(description.replace(/^(Enterprise|Consul|Serf)\b/, '')))
          faults.push(`${id} ${name}: not a fragment in lower case: ${description}`)
      }
    }
    expect(faults).toEqual([])
  })

  it('have no flag that treats the arguments after its value as further values', async () => {
    const greedy: string[] = []
    for (const [id, command] of commands) {
      for (const [name, flag] of Object.entries({...command.baseFlags, ...command.flags})) {
        if (flag.type !== 'option' || !flag.multiple) continue
        const value = flag.options?.[0] ?? '5'
        const flags = {[name]: {...flag, dependsOn: [], exclusive: []}} as FlagInput
        const {argv} = await Parser.parse([`--${name}`, value, 'word'], {flags, strict: false})
        if (argv[0] !== 'word') greedy.push(`${id} --${name}`)
      }
    }
    expect(greedy).toEqual([])
  })

  it('each have a page or a section under docs/commands', () => {
    const missing = [...commands.keys()].filter(id => {
      const page = `${root}docs/commands/${id.split(' ')[0] ?? ''}.md`
      return !existsSync(page) || !readFileSync(page, 'utf8').includes(id)
    })
    expect(missing).toEqual([])
  })
})
