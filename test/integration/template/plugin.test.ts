import {describe, expect, it} from 'vitest'
import {parseTemplate} from '../../../src/gotemplate/template.js'
import {pluginFunction} from '../../../src/template/functions/plugin.js'

function run(text: string, env: Readonly<Record<string, string>> = {}): string {
  const functions = new Map([['plugin', pluginFunction({PATH: process.env['PATH'], ...env})]])
  return parseTemplate(text, {name: 't', functions: functions.keys()}).execute(undefined, {functions})
}

describe('plugin', () => {
  it('runs a program with trimmed arguments and the environment of the template, and returns its trimmed output', () => {
    expect(run('{{plugin "printf" "%s|" " a b " "" "$HOME"}}')).toBe('a b|$HOME|')
    expect(run('{{plugin "sh" "-c" "echo; echo \\"$COLOUR\\"; cat"}}', {COLOUR: 'red'})).toBe('red')
    expect(run('{{plugin ""}}')).toBe('')
  })

  it.each([
    ['{{plugin "/no/such" "a"}}', 'exec "/no/such": the program does not exist'],
    ['{{plugin "sh" "-c" "echo out; echo why >&2; exit 3"}}', 'exec "sh": exit code 3: why'],
    ['{{plugin "sh" "-c" "kill -9 $$"}}', 'exec "sh": killed by SIGKILL'],
  ])('ends the template with an error if the program fails: %s', (text, why) => {
    expect(() => run(text)).toThrow(why)
  })
})
