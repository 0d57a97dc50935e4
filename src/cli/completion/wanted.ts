import type {ArgFacts, Candidate, CompletableCommand, FlagFacts, Wanted} from './types.js'

/**
 * Returns the possible values of the last argument. `words` are the arguments after the command's name.
 */
export function wantedOf(command: CompletableCommand, words: readonly string[]): Wanted {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const {flags} = command
  let positionals = 0
  let pending: FlagFacts | undefined
  for (const word of before) {
    if (pending) {
      pending = undefined
      continue
    }
    if (word === '--') return nothing
    if (word.startsWith('-') && word !== '-') {
      const flag = flagOf(word, flags)
      if (flag?.type === 'option' && flag.bare === undefined && !word.includes('=')) pending = flag
      continue
    }
    positionals += 1
    if (command.childForm && positionals > command.childForm.ownArgs) return nothing
  }
  if (pending) return ofValue(pending, current, '')
  if (current.startsWith('-')) return ofFlag(command, current)
  const arg = command.args[positionals]
  return arg ? {...ofValue(arg, current, ''), isPositional: true} : nothing
}

const nothing: Wanted = {candidates: [], current: '', lead: ''}

function ofFlag({flags}: CompletableCommand, current: string): Wanted {
  const equals = current.indexOf('=')
  if (equals >= 0) {
    const flag = flagOf(current, flags)
    return flag ? ofValue(flag, current.slice(equals + 1), current.slice(0, equals + 1)) : nothing
  }
  const dashes = current.startsWith('--') || current === '-' ? '--' : '-'
  const candidates = flags.flatMap(({name, description, allowNo}): Candidate[] => [
    {value: `${dashes}${name}`, description},
    ...(allowNo ? [{value: `${dashes}no-${name}`, description}] : []),
  ])
  return {candidates, current, lead: ''}
}

const ofValue = (facts: ArgFacts, current: string, lead: string): Wanted => ({
  candidates: (facts.choices ?? []).map(value => ({value, description: ''})),
  current,
  lead,
  ...(facts.choices === undefined && {source: sourceOf(facts.name)}),
})

function flagOf(word: string, flags: readonly FlagFacts[]): FlagFacts | undefined {
  const [name = ''] = word.replace(/^--?/, '').split('=')
  return flags.find(flag => flag.name === name || flag.char === name || flag.aliases?.includes(name))
}

/** Returns the kind of a flag's or argument's value, if Consul knows the possible values. */
function sourceOf(name: string): Wanted['source'] {
  if (name === 'key' || name === 'prefix') return 'key'
  if (name === 'node' || name === 'service' || name === 'datacenter') return name
  return undefined
}
