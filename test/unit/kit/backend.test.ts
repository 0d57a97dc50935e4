import {describe, expect, it} from 'vitest'
import {chooseBackends} from '../../kit/backend.js'

const names = (env: NodeJS.ProcessEnv, installed: boolean): string[] =>
  chooseBackends(env, () => installed).map(backend => backend.name)

describe('chooseBackends', () => {
  it('selects both backends if Consul is installed, and otherwise only the embedded agent', () => {
    expect(names({}, true)).toEqual(['embedded', 'real'])
    expect(names({}, false)).toEqual(['embedded'])
  })
  it('selects the backend that the environment variable names', () => {
    expect(names({BATON_TEST_BACKEND: 'embedded'}, true)).toEqual(['embedded'])
    expect(names({BATON_TEST_BACKEND: 'real'}, true)).toEqual(['real'])
    expect(names({BATON_TEST_BACKEND: 'both'}, true)).toEqual(['embedded', 'real'])
  })
  it('throws if the real agent is required but Consul is not installed', () => {
    expect(() => names({BATON_REQUIRE_CONSUL: '1'}, false)).toThrow(/not on PATH/)
    expect(() => names({BATON_TEST_BACKEND: 'both'}, false)).toThrow(/not on PATH/)
    expect(() => names({BATON_TEST_BACKEND: 'reel'}, true)).toThrow(/'reel' is none of/)
  })
})
