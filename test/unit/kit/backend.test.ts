import {describe, expect, it} from 'vitest'
import {chooseBackends} from '../../kit/backend.js'

const names = (env: NodeJS.ProcessEnv, installed: boolean): string[] =>
  chooseBackends(env, () => installed).map(backend => backend.name)

describe('chooseBackends', () => {
  it('takes both where Consul is, and the embedded agent alone elsewhere', () => {
    expect(names({}, true)).toEqual(['embedded', 'real'])
    expect(names({}, false)).toEqual(['embedded'])
  })
  it('does as told', () => {
    expect(names({BATON_TEST_BACKEND: 'embedded'}, true)).toEqual(['embedded'])
    expect(names({BATON_TEST_BACKEND: 'real'}, true)).toEqual(['real'])
    expect(names({BATON_TEST_BACKEND: 'both'}, true)).toEqual(['embedded', 'real'])
  })
  it('fails rather than leave the real agent out where it was asked for', () => {
    expect(() => names({BATON_REQUIRE_CONSUL: '1'}, false)).toThrow(/not on PATH/)
    expect(() => names({BATON_TEST_BACKEND: 'both'}, false)).toThrow(/not on PATH/)
    expect(() => names({BATON_TEST_BACKEND: 'reel'}, true)).toThrow(/'reel' is none of/)
  })
})
