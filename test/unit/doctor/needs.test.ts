import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {aclRuleText} from '../../../src/core/api/acl-rule.js'
import {commandNeeds} from '../../../src/doctor/needs.js'

const page = (command: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../docs/commands/${command}.md`, import.meta.url)), 'utf8')

describe('the ACL rules that a command needs', () => {
  it.each(commandNeeds('KEY'))('are listed in the docs of $command', ({command, rules}) => {
    const [name = ''] = command.split(' ')
    const text = page(name)
    const key = name === 'replicate' ? 'DESTINATION' : 'KEY'
    const missing = rules
      .map(rule => aclRuleText({...rule, segment: rule.segment === 'KEY' ? key : rule.segment}))
      .filter(rule => !text.includes(rule))
    expect(missing).toEqual([])
  })
})
