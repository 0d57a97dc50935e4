import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'
import {cases} from '../../gotemplate/cases.js'
import {type Case, execute} from '../../gotemplate/ours.js'

type Recorded = Case & {readonly output?: string; readonly error?: string}

const recorded = JSON.parse(readFileSync(new URL('fixtures/go.json', import.meta.url), 'utf8')) as readonly Recorded[]

describe('the recorded results of real Go', () => {
  it('exist for every template of the test', () => {
    expect(recorded.map(({output: _output, error: _error, ...given}) => given)).toEqual(cases)
  })

  it.each(recorded.map((given, i) => [i, given.template, given] as const))(
    "equal baton's result for template %i: %s",
    (_i, _template, given) => {
      const {output = '', error = '', ...rest} = given
      expect(execute(rest)).toEqual({output, error})
    },
  )
})
