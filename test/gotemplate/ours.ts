import type {MissingKey} from '../../src/gotemplate/exec/scope.js'
import {TemplateError} from '../../src/gotemplate/parse/errors.js'
import {parseTemplate} from '../../src/gotemplate/template.js'
import {data, functions} from './data.js'

/** A template with the options for its execution. */
export interface Case {
  readonly template: string
  readonly left?: string
  readonly right?: string
  readonly missingKey?: MissingKey
}

/** The result of a case: the output, or the error's message. */
export interface Answer {
  readonly output: string
  readonly error: string
}

/** Executes a case with baton's engine. */
export function execute(given: Case): Answer {
  const {template, left = '', right = '', missingKey = 'default'} = given
  try {
    const parsed = parseTemplate(template, {
      name: 't',
      leftDelimiter: left,
      rightDelimiter: right,
      functions: functions.keys(),
    })
    return {output: plain(parsed.execute(data, {functions, missingKey})), error: ''}
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return {output: '', error: plain(error.message)}
  }
}

/**
 * Replaces bytes that are not UTF-8, which JSON from Go cannot show, and memory addresses, which differ between runs.
 * With `%x`, an address has no `0x`: those of functions follow the keys `Fn`, `FnE` and `FnV`.
 */
export function plain(text: string): string {
  return text
    .replace(/[\uDC80-\uDCFF]/g, '\uFFFD')
    .replace(/0x[0-9a-f]{6,}/gi, '0xADDRESS')
    .replace(/(466e(?:45|56)?:[ +-]?)[0-9a-f]{6,}/gi, '$1ADDRESS')
    .replace(/\bc000[0-9a-f]{6}\b/gi, 'ADDRESS')
}
