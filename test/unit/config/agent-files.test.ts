import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {readDefinitions} from '../../../src/config/agent-files.js'
import type {UsageError} from '../../../src/core/errors.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-agent-files-'))
afterAll(() => rmSync(folder, {recursive: true}))

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const json = (content: unknown): string => write('a.json', JSON.stringify(content))
const outcomeOf = (path: string): Promise<readonly unknown[]> =>
  readDefinitions([path]).then(
    ({definitions}) => [definitions.length],
    (error: unknown) => {
      const {message, hint} = error as UsageError
      return [message.replace(`config: ${path}: `, ''), hint]
    },
  )

describe('a file of an agent', () => {
  it('defines services before checks, with the fields of the HTTP API', async () => {
    const first = write('1.hcl', 'check { name = "c" ServiceID = "web-1" ttl = "1.5s" scriptArgs = ["a", "b"] }')
    const second = write(
      '2.hcl',
      `service { id = "web-1" name = "web" meta { A = "b" } weights { warning = 2 }
         tagged_addresses { lan { address = "10.0.0.1" port = 5 } }
         check { id = "x" http = "http://h" interval = "1m" header { a = ["b"] } } }`,
    )
    const {definitions} = await readDefinitions([first, second])
    const plain = JSON.parse(JSON.stringify(definitions.map(({kind, name, body}) => ({kind, name, body}))))
    expect(plain).toEqual([
      {
        kind: 'service',
        name: 'web-1',
        body: {
          ID: 'web-1',
          Name: 'web',
          Meta: {A: 'b'},
          Weights: {Passing: 1, Warning: 2},
          TaggedAddresses: {lan: {Address: '10.0.0.1', Port: 5}},
          Checks: [{CheckID: 'x', HTTP: 'http://h', Interval: '60000ms', Header: {a: ['b']}}],
        },
      },
      {kind: 'check', name: 'c', body: {Name: 'c', ServiceID: 'web-1', TTL: '1500ms', Args: ['a', 'b']}},
    ])
  })

  // What Consul 1.8.7 refuses.
  it.each([
    [{service: {name: 'a', enableTagOverride: true}}, "unknown setting 'service.enabletagoverride'"],
    [{check: {name: 'a', script: 'x'}}, "unknown setting 'check.script'"],
    [{service: {name: 'a', tags: 'b'}}, 'service.tags must be a list of texts'],
    [{service: {name: 'a', meta: {b: 1}}}, 'service.meta must be a block of texts'],
    [{service: {name: 'a', port: '80'}}, 'service.port must be a number'],
    [{service: [{name: 'a'}, {name: 'b'}]}, 'service must be one block: write several as services'],
    [{check: {name: 'a', header: {b: 'c'}}}, 'check.header.b must be a list of texts'],
    [{servce: {}}, "unknown setting 'servce'"],
    [[1], 'the file must be a block'],
  ])('is refused if an agent refuses it: %j', async (content, why) => {
    expect((await outcomeOf(json(content)))[0]).toBe(why)
  })

  it('is refused with advice if it contains a definition without its block', async () => {
    const service = {name: 'web', address: '10.0.0.1', port: 80}
    const check = {id: 'web', name: 'web', http: 'http://h', interval: '1s'}
    const advice = (kind: string): string => `put the definition into a block: {"${kind}": {…}}`
    expect(await outcomeOf(json(service))).toEqual(["unknown setting 'name'", advice('service')])
    expect(await outcomeOf(json(check))).toEqual(["unknown setting 'id'", advice('check')])
  })

  it('must contain JSON if its name ends in .json', async () => {
    expect(await outcomeOf(write('b.json', 'service { name = "a" }'))).toEqual([
      expect.stringMatching(/JSON/),
      undefined,
    ])
  })
})
