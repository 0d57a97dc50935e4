import type {Config} from '@oclif/core/interfaces'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {isHelpFlag} from '../../src/cli/argv.js'
import {type BaseCommand, ownFlags} from '../../src/cli/base-command.js'
import {isBatonError} from '../../src/core/errors.js'
import type {CommandClass} from '../../src/main/command-table.js'
import {toMessage} from '../../src/main/exit-codes.js'
import {faultsOf, linesOf, type MeantLine, meaningOf, nameOf, whatIsSet} from './argv-model.js'
import {loadCommands} from './command-files.js'

const commands = await loadCommands()
const numRuns = Number(process.env['BATON_TEST_RUNS'] ?? 100)
const config = {bin: 'baton', runHook: async () => ({successes: [], failures: []})} as unknown as Config

type Reader = {
  readonly flags: Readonly<Record<string, unknown>>
  readonly words: readonly string[]
  readonly child: MeantLine['child']
  readFlags: () => Promise<void>
}

/** Returns the arguments as the command reads them, without variables and files. */
async function read(id: string, CommandOf: CommandClass, argv: readonly string[]): Promise<Reader> {
  CommandOf.id = id
  const command = new CommandOf([...argv], config) as unknown as BaseCommand & Reader
  Object.defineProperty(command, 'host', {value: {env: {}, stderr: {}, stdout: {}}})
  await command.readFlags()
  return command
}

/** Expects an error of one line that shows at most 20 characters of any given value. */
function expectBrief(error: unknown, line: MeantLine): void {
  expect(isBatonError(error, 'BATON_USAGE') || isBatonError(error, 'BATON_CONFIG'), String(error)).toBe(true)
  const message = toMessage(error)
  expect(message).not.toMatch(/[\n\r]/)
  expect(message, 'is not a text of the parser').not.toMatch(/^(?:Parsing|Expected|Missing required|The following)/)
  const given = [...line.given.map(({value}) => String(value)), ...line.positionals, ...(line.child?.words ?? [])]
  const all = given.map(one => one.replaceAll(/\s+/g, ' ')).filter(one => one.length > 20)
  // The name of a flag may be shown completely, even if it is also the text of another argument.
  const names = line.given.map(({name}) => `--${name}`)
  for (let at = 0; at + 21 <= message.length; at += 1) {
    const part = message.slice(at, at + 21)
    if (names.some(name => name.includes(part))) continue
    if (all.some(text => text.includes(part))) expect.fail(`shows '${part}' and more of an argument: ${message}`)
  }
}

describe('each argument on a command line', () => {
  it.each([...commands])('is used as intended or refused by baton %s', async (id, command) => {
    let usedCount = 0
    await fc.assert(
      fc.asyncProperty(linesOf(command), async line => {
        expect(ownFlags(line.argv, command).filter(isHelpFlag), 'help is not asked for').toEqual([])
        const faults = await faultsOf(line, command)
        let seen: Reader
        try {
          seen = await read(id, command, line.argv)
        } catch (error) {
          expectBrief(error, line)
          expect(faults, toMessage(error)).not.toEqual([])
          return
        }
        expect(faults).toEqual([])
        usedCount += 1
        expect(whatIsSet(seen.flags)).toEqual(await meaningOf(line, command))
        expect({words: seen.words, child: seen.child}).toEqual({words: line.positionals, child: line.child})
      }),
      {numRuns},
    )
    expect(usedCount, 'lines that the command accepts').toBeGreaterThan(numRuns / 50)
  })

  it.each([...commands])('is refused by baton %s if it looks like a flag but is unknown', async (id, command) => {
    const word = fc.stringMatching(/^--?[a-z0-9][a-z0-9-]{0,8}$/).filter(one => !isHelpFlag(one))
    await fc.assert(
      fc.asyncProperty(linesOf(command), word, async (line, unknown) => {
        fc.pre(!nameOf(command, unknown))
        const refusal = await read(id, command, [unknown, ...line.argv]).catch((error: unknown) => error)
        expectBrief(refusal, line)
        // If a value on the line is invalid, too, the error may name that value instead of the unknown flag.
        if ((await faultsOf(line, command)).length === 0)
          expect(toMessage(refusal)).toContain(`unknown flag: ${unknown}`)
      }),
      {numRuns: numRuns / 5},
    )
  })
})
