import {describe, expect, it} from 'vitest'
import type {TemplateFunction} from '../../../src/gotemplate/builtin/functions.js'
import {Budget, type BudgetLimits} from '../../../src/gotemplate/exec/budget.js'
import {parseTemplate} from '../../../src/gotemplate/template.js'
import {stringType} from '../../../src/gotemplate/value/types.js'
import {makeString, makeStrings} from '../../../src/gotemplate/value/values.js'

function run(text: string, limits?: BudgetLimits): string {
  return parseTemplate(text, {name: 't'}).execute(makeStrings(['a', 'b']), {budget: new Budget(limits)})
}

describe('a hostile template ends with an error', () => {
  it('if it calls itself without end', () => {
    expect(() => run('{{define "r"}}{{template "r" .}}{{end}}{{template "r" .}}')).toThrow(
      'template: t:1:25: executing "r" at <{{template "r" .}}>: exceeded maximum template depth (1000)',
    )
  })

  it('if it calls itself within conditions and loops', () => {
    const inner = '{{if true}}{{range 1}}{{with 1}}{{template "r"}}{{end}}{{end}}{{end}}'
    expect(() => run(`{{define "r"}}${inner}{{end}}{{template "r"}}`)).toThrow(
      /maximum template depth|nested too deeply/,
    )
  })

  it('if nested loops have too many iterations', () => {
    expect(() => run('{{range 9223372036854775807}}{{end}}', {steps: 1000})).toThrow(
      /template: t:1:\d+: .*needs more than 1000 steps/,
    )
  })

  it('if a variable doubles its text in each iteration', () => {
    const text = `{{$x := "0123456789"}}{{range 60}}{{$x = print $x $x}}{{end}}{{$x}}`
    expect(() => run(text)).toThrow(/the text is longer than 16777216 characters/)
  })

  it('if a loop makes long strings again and again', () => {
    const text = `{{$x := printf "%100000d" 1}}{{range 9223372036854775807}}{{$y := print $x $x}}{{end}}`
    expect(() => run(text, {steps: 100_000})).toThrow(/needs more than 100000 steps/)
  })

  it('if it takes too long', () => {
    let ms = 0
    expect(() =>
      run('{{range 9223372036854775807}}{{end}}', {timeMs: 50, steps: Infinity, now: () => (ms += 1)}),
    ).toThrow(/template: t:1:\d+: .*needs more than 50 ms/)
  })

  it('if it writes too much', () => {
    expect(() => run('{{range 9223372036854775807}}xxxxxxxxxx{{end}}', {outputBytes: 1000})).toThrow(
      /the output is longer than 1000 bytes/,
    )
  })

  it('if a format makes a huge string', () => {
    expect(() => run(`{{printf "${'%999999d'.repeat(100)}" ${'1 '.repeat(100)}}}`)).toThrow(/is longer than/)
  })

  it('if parentheses are nested too deeply', () => {
    expect(() => run(`{{${'('.repeat(30_000)}1${')'.repeat(30_000)}}}`)).toThrow(/nested too deeply/)
  })
})

describe('functions passed to execute', () => {
  it('may throw an error that is not a GoError, which the caller receives unchanged', () => {
    const interruption = new Error('not known yet')
    const wait: TemplateFunction = {
      in: [],
      out: stringType,
      call: () => {
        throw interruption
      },
    }
    const template = parseTemplate('{{wait}}', {name: 't', functions: ['wait']})
    expect(() => template.execute(undefined, {functions: new Map([['wait', wait]])})).toThrow(interruption)
  })

  it('may differ between executions of the same template', () => {
    const template = parseTemplate('{{name}}', {name: 't', functions: ['name']})
    const named = (name: string): string =>
      template.execute(undefined, {
        functions: new Map([['name', {in: [], out: stringType, call: () => makeString(name)}]]),
      })
    expect([named('a'), named('b')]).toEqual(['a', 'b'])
  })
})
