import {describe, expect, it} from 'vitest'
import {parseGoUint} from '../../../src/cli/flags.js'

describe('a whole number on the command line', () => {
  it.each([
    ['0', 0n],
    ['42', 42n],
    ['18446744073709551615', 2n ** 64n - 1n],
    ['010', 8n],
    ['0o17', 15n],
    ['0x1F', 31n],
    ['0b101', 5n],
    ['1_000', 1000n],
    ['0x_ff', 255n],
  ])('is read as the consul command reads it: %s', (text, value) => {
    expect(parseGoUint(text)).toBe(value)
  })

  it.each(['', '-1', '+1', '08', '1.5', '1e3', '1__0', '_1', '1_', '0x', 'ten', ' 1', '18446744073709551616'])(
    'is refused if the consul command would refuse it: %j',
    text => {
      expect(parseGoUint(text)).toBeUndefined()
    },
  )
})
