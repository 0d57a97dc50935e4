import {describe, expect, it} from 'vitest'
import {
  abortSignal,
  boolean,
  bytes,
  callback,
  checkOptions,
  count,
  duration,
  name,
  type OptionRule,
  oneOf,
  text,
  texts,
  uint64,
} from '../../../src/core/check-options.js'
import {isBatonError} from '../../../src/core/errors.js'

function refusalOf(act: () => void): {readonly message: string; readonly details: unknown} | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (!isBatonError(error, 'BATON_USAGE')) throw error
    return {message: error.message, details: error.details}
  }
}

const neverNumbers = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e20, '15s', '1', null, true, {}, [], 1n]

const rules: readonly [string, OptionRule, {readonly good: readonly unknown[]; readonly bad: readonly unknown[]}][] = [
  ['duration', duration(), {good: [0, 0.5, 15_000, 2 ** 31 - 1], bad: [...neverNumbers, 2 ** 31]}],
  ['duration from 1 ms', duration({minMs: 1}), {good: [1], bad: [0, 0.5, Number.NaN]}],
  [
    'endless duration',
    duration({isEndless: true}),
    {good: [0, Number.POSITIVE_INFINITY], bad: [Number.NEGATIVE_INFINITY, Number.NaN, 2 ** 31]},
  ],
  ['count', count({min: 0}), {good: [0, 5, Number.MAX_SAFE_INTEGER], bad: [...neverNumbers, 0.5]}],
  ['count in a range', count({min: 1, max: 64, unit: 'keys'}), {good: [1, 64], bad: [0, 65]}],
  ['endless count', count({min: 1, isEndless: true}), {good: [1, Number.POSITIVE_INFINITY], bad: [0, Number.NaN]}],
  ['uint64', uint64, {good: [0n, 2n ** 64n - 1n], bad: [-1n, 2n ** 64n, 1, '1', null]}],
  ['text', text, {good: ['', 'a'], bad: [1, null, {}, Buffer.from('a')]}],
  ['name', name, {good: ['a'], bad: ['', 1, null]}],
  ['texts', texts, {good: [[], ['a']], bad: ['a', [1], null]}],
  ['boolean', boolean, {good: [true, false], bad: ['true', 1, null]}],
  ['callback', callback, {good: [() => {}], bad: ['f', {}, null]}],
  ['bytes', bytes, {good: [Buffer.from('a'), new Uint8Array()], bad: ['a', [1], null]}],
  ['abortSignal', abortSignal, {good: [new AbortController().signal], bad: [{}, null, new AbortController()]}],
  ['oneOf', oneOf(['stale', 'default']), {good: ['stale'], bad: ['Stale', '', null]}],
]

describe('checkOptions', () => {
  it.each(rules)('accepts valid values and refuses others (rule: %s)', (_, rule, {good, bad}) => {
    for (const value of good) expect(refusalOf(() => checkOptions('f', {value}, {value: rule}))).toBeUndefined()
    for (const value of bad) {
      const refusal = refusalOf(() => checkOptions('f', {value}, {value: rule}))
      expect(refusal?.message, String(value)).toContain(`f: expected the option \`value\` to be ${rule.expected}, got `)
      expect(refusal?.details).toMatchObject({option: 'value', expected: rule.expected})
    }
  })

  it('names the allowed range of a count', () => {
    expect(count({min: 1}).expected).toBe('a whole number of at least 1')
    expect(count({min: 1, max: 64}).expected).toBe('a whole number from 1 to 64')
    expect(count({min: 1, unit: 'bytes', isEndless: true}).expected).toBe(
      'a whole number of bytes of at least 1, or Infinity',
    )
  })

  it('refuses a missing option only if the option is required', () => {
    expect(refusalOf(() => checkOptions('f', {ttlMs: undefined}, {ttlMs: duration()}))).toBeUndefined()
    expect(refusalOf(() => checkOptions('f', {key: undefined}, {key: text}, ['key']))?.details).toEqual({
      option: 'key',
      expected: 'a string',
      value: 'undefined',
    })
  })

  it('refuses options that are not an object', () => {
    expect(refusalOf(() => checkOptions('f', null as unknown as object, {}))).toEqual({
      message: 'f: expected the options to be an object, got null',
      details: {option: 'options', expected: 'an object', value: 'null'},
    })
  })

  it('shortens a long value in the message, and shows only the type of a secret', () => {
    const long = 'v'.repeat(1000)
    const refusal = refusalOf(() => checkOptions('f', {ms: long}, {ms: duration()}))
    expect(refusal?.details).toMatchObject({value: `"${'v'.repeat(19)}…" (a string)`})
    const secret: OptionRule = {...text, isSecret: true}
    expect(refusalOf(() => checkOptions('f', {token: 1234}, {token: secret}))?.message).toBe(
      'f: expected the option `token` to be a string, got a number',
    )
    expect(refusalOf(() => checkOptions('f', {token: ['s']}, {token: secret}))?.message).toContain('got an array')
  })
})
