import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {aclRuleText} from '../../../src/core/api/acl-rule.js'
import {commandsWithRules, rulesOf} from '../../../src/doctor/command-rules.js'
import {commandNeeds} from '../../../src/doctor/needs.js'
import {offlineCommands} from '../../kit/command-lines.js'
import exitCodes from '../../kit/exit-codes.json' with {type: 'json'}

const page = (command: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../docs/commands/${command}.md`, import.meta.url)), 'utf8')

/** The placeholder that the docs of each command use for its target. */
const placeholders: Readonly<Record<string, string>> = {
  replicate: 'DESTINATION',
  env: 'PREFIX',
  event: 'NAME',
  service: 'NAME',
  status: '',
  ui: '',
}

describe('the ACL rules that a command needs', () => {
  it('are known for each command that talks to Consul', () => {
    expect([...commandsWithRules, ...offlineCommands].sort()).toEqual(Object.keys(exitCodes).sort())
  })

  it.each(commandsWithRules)('are listed in the documentation of %s', command => {
    const [name = ''] = command.split(' ')
    const target = placeholders[name] ?? 'KEY'
    const text = page(name)
    // The documentation of events gives one rule for the logs of all event names.
    const rules = rulesOf(command, command === 'event prune' ? '' : target, 'WRITTEN').map(aclRuleText)
    expect(rules.filter(rule => !text.includes(rule))).toEqual([])
  })

  it.each(commandNeeds('KEY'))('are the same as those that doctor checks for $command', ({command, rules}) => {
    const [name = ''] = command.split(' ')
    const text = page(name)
    const key = name === 'replicate' ? 'DESTINATION' : 'KEY'
    const missing = rules
      .map(rule => aclRuleText({...rule, segment: rule.segment === 'KEY' ? key : rule.segment}))
      .filter(rule => !text.includes(rule))
    expect(missing).toEqual([])
  })
})
