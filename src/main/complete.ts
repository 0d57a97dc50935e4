import {flagShapes} from '../cli/base-command.js'
import {namesFromConsul} from '../cli/completion/from-consul.js'
import type {Candidate, CompletableCommand} from '../cli/completion/types.js'
import {wantedOf} from '../cli/completion/wanted.js'
import type {Environment} from '../config/environment.js'
import {type CommandClass, type CommandTable, resolveCommand} from './command-table.js'

/** Matches names that mean the same in every shell without quotes. */
const insertable = /^[\w./:@%+=,-]+$/

/** Matches the characters that a line of the answer cannot contain. */
const control = /\p{Cc}/u

/**
 * Returns the answer of `complete`: a value, a tab and a description on each line. `words` are those before the cursor.
 * Names that a shell would interpret are left out unless `isQuoted` says that the script quotes them.
 */
export async function completions(
  table: CommandTable,
  words: readonly string[],
  {env, isQuoted}: {readonly env: Environment; readonly isQuoted: boolean},
): Promise<string> {
  const found = await candidates(table, words, env)
  const current = words.at(-1) ?? ''
  const lines = found
    .filter(({value}) => value.startsWith(current) && (isQuoted ? !control.test(value) : insertable.test(value)))
    .map(({value, description}) => (description === '' ? value : `${value}\t${description.replaceAll(/\s+/g, ' ')}`))
  return [...new Set(lines)].map(line => `${line}\n`).join('')
}

async function candidates(
  table: CommandTable,
  words: readonly string[],
  env: Environment,
): Promise<readonly Candidate[]> {
  const before = words.slice(0, -1)
  const isHelp = before[0] === 'help'
  const typed = isHelp ? before.slice(1) : before
  const names = await namesAfter(table, typed)
  const atTop =
    typed.length === 0 && !isHelp
      ? [
          {value: 'help', description: 'show help'},
          {value: 'version', description: 'print the version'},
        ]
      : []
  const resolved = resolveCommand(table, before)
  const load = resolved && table[resolved.id]
  if (!load || isHelp) return [...names, ...atTop]
  const {default: command} = await load()
  const rest = [...resolved.rest, words.at(-1) ?? '']
  const wanted = wantedOf(factsOf(command), rest)
  const known = await namesFromConsul(wanted, {words: resolved.rest, env})
  const values = [...wanted.candidates, ...known.map(value => ({value, description: ''}))]
  return [...names, ...values.map(({value, description}) => ({value: `${wanted.lead}${value}`, description}))]
}

/** Returns the next words of all commands whose names begin with the typed words. */
async function namesAfter(table: CommandTable, typed: readonly string[]): Promise<readonly Candidate[]> {
  const start = typed.map(word => `${word} `).join('')
  const ids = Object.keys(table).filter(id => id.startsWith(start))
  const words = [...new Set(ids.map(id => id.slice(start.length).split(' ')[0] ?? ''))]
  return Promise.all(
    words.map(async value => ({value, description: (await table[`${start}${value}`]?.())?.default.summary ?? ''})),
  )
}

function factsOf(command: CommandClass): CompletableCommand {
  const shapes = Object.entries(flagShapes(command)).filter(([, flag]) => !(flag as {hidden?: boolean}).hidden)
  return {
    flags: shapes.map(([name, flag]) => ({...flag, name, description: descriptionOf(flag), choices: choicesOf(flag)})),
    args: Object.entries(command.args).map(([name, arg]) => ({name, choices: choicesOf(arg)})),
    childForm: command.childForm,
  }
}

const descriptionOf = (definition: object): string =>
  'description' in definition && typeof definition.description === 'string' ? definition.description : ''

const choicesOf = (definition: object): readonly string[] | undefined =>
  'options' in definition && Array.isArray(definition.options) ? (definition.options as readonly string[]) : undefined
