import {describe, expect, it} from 'vitest'
import {painter} from '../../../src/cli/colour.js'

const red = (isTTY: boolean, env: Readonly<Record<string, string>>): boolean =>
  painter({isTTY}, env)('red', 'x') === '\u001b[31mx\u001b[39m'

describe('output in colour', () => {
  it.each([
    ['on a terminal', true, {}, true],
    ['in a pipe', false, {}, false],
    ['with NO_COLOR', true, {NO_COLOR: '1'}, false],
    ['with an empty NO_COLOR', true, {NO_COLOR: ''}, true],
    ['on a dumb terminal', true, {TERM: 'dumb'}, false],
    ['in a pipe with FORCE_COLOR', false, {FORCE_COLOR: '1'}, true],
    ['on a terminal with FORCE_COLOR=0', true, {FORCE_COLOR: '0'}, false],
    ['with NO_COLOR and FORCE_COLOR', true, {NO_COLOR: '1', FORCE_COLOR: '1'}, false],
  ])('depends on the terminal and on NO_COLOR, FORCE_COLOR and TERM (case: %s)', (_where, isTTY, env, isColoured) => {
    expect(red(isTTY, env)).toBe(isColoured)
  })
})
