import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {connectionVariables} from '../../../src/config/environment.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

/** The forms in which code may read an environment variable by name. */
const readings = [
  /\benv(?:ironment)?(?:\.|\[')([A-Z][A-Z_]+)/g,
  /\binHome\(env, '([A-Z_]+)'/g,
  /\['(CR_LOG)', '(CONSUL_REPLICATE_LOG)'\]/g,
  /const \{([A-Z]+), ([A-Z]+)\} = .*\benv\b/g,
]

function variablesIn(folder: string): string[] {
  const files = readdirSync(`${root}${folder}`, {recursive: true, encoding: 'utf8'})
  const sources = files.filter(file => /\.(?:ts|cjs)$/.test(file)).map(file => read(`${folder}/${file}`))
  const found = sources.flatMap(text => readings.flatMap(pattern => [...text.matchAll(pattern)]))
  return found.flatMap(([, ...names]) => names)
}

describe('docs/reference/environment.md', () => {
  const page = read('docs/reference/environment.md')
  const documented = new Set([...page.matchAll(/`([A-Z][A-Z_]+)(?:=[^`]*)?`/g)].map(([, name = '']) => name))
  const used = [...new Set(['src', 'commands', 'bin'].flatMap(variablesIn))]

  it('lists every variable that sets the connection, even those without a flag', () => {
    expect(connectionVariables).toContain('BATON_HTTP_SSL_VERIFY')
    expect(connectionVariables.filter(name => !documented.has(name))).toEqual([])
  })

  it('lists every variable that the code reads', () => {
    expect(used).toContain('XDG_STATE_HOME')
    expect(used.filter(name => !documented.has(name))).toEqual([])
  })

  it('lists no variable that does not exist', () => {
    const known = new Set([...connectionVariables, ...used])
    const proxies = /^(?:HTTP|HTTPS|ALL)_PROXY$/
    expect([...documented].filter(name => !known.has(name) && !proxies.test(name))).toEqual(['BATON_LOG_FORMAT'])
  })
})
