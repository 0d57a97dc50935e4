import {describe, expect, it} from 'vitest'
import {connectionHelp, helpWidth, topicHelp, wrap} from '../../../src/main/help.js'

const longest = (text: string): number => Math.max(...text.split('\n').map(line => line.length))

describe('helpWidth', () => {
  it.each([
    [undefined, 100],
    [0, 100],
    [20, 40],
    [80, 80],
    [300, 120],
  ])('is that of the terminal within reason: %s columns give %d', (columns, width) => {
    expect(helpWidth(columns)).toBe(width)
  })
})

describe('help', () => {
  it('breaks lines between words only', () => {
    expect(wrap('one two three', 8)).toBe('one two\nthree')
    expect(wrap('extraordinary word', 5)).toBe('extraordinary\nword')
  })

  it.each([60, 80, 120])('keeps within %d columns', async width => {
    const summary = 'a summary that is much longer than a narrow terminal is wide, as some are'
    const table = {'kv get': async () => ({default: {summary, hidden: false}})}
    const options = {config: {version: '1.0.0'}, width} as unknown as Parameters<typeof topicHelp>[2]
    const text = await topicHelp(table as unknown as Parameters<typeof topicHelp>[0], '', options)
    expect(longest(text)).toBeLessThanOrEqual(width)
    expect(longest(connectionHelp(width))).toBeLessThanOrEqual(width)
  })

  it('names the variable of each connection flag that has one', () => {
    expect(connectionHelp(120)).toMatch(/--ca-file=FILE .*\[CONSUL_CACERT\]/)
  })
})
