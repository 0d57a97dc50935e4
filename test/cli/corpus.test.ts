import {describe, expect, it} from 'vitest'
import {backends, sharedAgent, type TestAgent} from '../kit/backend.js'
import {raw} from '../kit/raw-consul.js'
import {type CommandOptions, runCli, runCommand} from '../kit/run-cli.js'
import {runInProcess} from '../kit/run-in-process.js'
import {differences, type Line, reads, type Seen, writes} from './corpus-lines.js'
import {scripts} from './corpus-scripts.js'

type Tool = 'consul' | 'baton'

async function see(tool: Tool, agent: TestAgent, line: Line): Promise<Seen> {
  const words = line.words.map(word => word.replace(/^(\/?)@\//, `$1${tool}/`).replaceAll('"@/', `"${tool}/`))
  const options: CommandOptions = {agent, ...(line.input !== undefined && {input: line.input})}
  const run = line.hasChild ? runCli : runInProcess
  const result = await (tool === 'consul' ? runCommand('consul', words, options) : run(words, options))
  // The catalog collects the tags of a service in a Go map, so their order is random.
  const stdout = result.stdout.replace(/"v1",(\s*)"blue"/g, '"blue",$1"v1"')
  return {stdout, stderr: result.stderr, exitCode: result.exitCode}
}

const ids = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** Replaces the parts that differ between two runs of the same tool. */
const normalise = (seen: Seen): Seen => ({
  exitCode: seen.exitCode,
  stdout: seen.stdout
    .replace(/\b(consul|baton)\//g, '@/')
    .replace(/^((?:Create|Modify)Index +)\d+$/gm, '$1N')
    .replace(ids, 'ID'),
  stderr: seen.stderr.replace(/\b(consul|baton)\//g, '@/'),
})

const nameOf = ({words, differs}: Line): string => {
  const text = words.map(word => (word === '' || /[\s"]/.test(word) ? `'${word.slice(0, 60)}'` : word.slice(0, 60)))
  return `${text.join(' ')}${differs ? `: ${differs}` : ''}`
}

const expected = (line: Line, go: Seen): Partial<Seen> => (line.differs ? differences[line.differs](go) : go)

async function furnish(agent: TestAgent): Promise<void> {
  const consul = raw(agent.address)
  await consul.kvPut('d/a', '1')
  await consul.kvPut('d/b/c', 'x<y>&"z"')
  await consul.kvPut('d/binary', Buffer.from([0, 255, 10, 128]))
  await consul.kvPut('d/empty', '')
  await consul.kvPut('d/flags', 'v', {flags: '18446744073709551615'})
  const register = (path: string, body: unknown) => consul.ok('PUT', path, {body: JSON.stringify(body)})
  await register('/v1/agent/service/register', {
    ID: 'web-1',
    Name: 'web',
    Tags: ['v1', 'blue'],
    Port: 80,
    Address: '10.0.0.1',
    Meta: {z: '<1>', a: '2'},
    Check: {TTL: '1h', Name: 'ttl', Notes: 'a & b', Status: 'passing'},
  })
  await register('/v1/agent/service/register', {ID: 'web-2', Name: 'web', Check: {TTL: '1h'}})
  await register('/v1/catalog/register', {
    Node: 'elsewhere',
    Address: '10.9.9.9',
    NodeMeta: {k: 'v'},
    Service: {Service: 'db', Weights: {Passing: 3, Warning: 1}},
    Check: {Name: 'ping', Status: 'warning', Definition: {HTTP: 'http://x', Interval: '90s', Timeout: '5s'}},
  })
  await consul.request('PUT', '/v1/event/fire/deploy', {body: 'v1'})
  await consul.request('PUT', '/v1/event/fire/other')
  await consul.request('PUT', '/v1/event/fire/deploy', {body: Buffer.from([0, 255])})
}

/**
 * Waits until the agent has synchronised its own services, because that changes indexes, before the tools are
 * compared.
 */
async function untilQuiet(agent: TestAgent): Promise<void> {
  const consul = raw(agent.address)
  const look = async (): Promise<string> =>
    JSON.stringify([
      await consul.get('/v1/catalog/nodes'),
      await consul.get('/v1/health/state/any'),
      await consul.get('/v1/health/service/web'),
      await consul.get('/v1/event/list'),
    ])
  for (let last = await look(), quiet = 0; quiet < 3; ) {
    await new Promise(resolve => setTimeout(resolve, 300))
    const next = await look()
    quiet = next === last ? quiet + 1 : 0
    last = next
  }
}

describe('the list of compared consul command lines', () => {
  it('has at least 150 lines, at least 60 of them with equal results, and uses every reason in its list of differences', () => {
    const lines = [...reads, ...writes]
    expect(lines.filter(line => !line.differs).length).toBeGreaterThanOrEqual(60)
    expect(lines.length + scripts.length).toBeGreaterThanOrEqual(150)
    const used = new Set(lines.map(line => line.differs))
    expect(Object.keys(differences).filter(reason => !used.has(reason as never))).toEqual([])
  })
})

describe.each(backends.filter(backend => backend.name === 'real'))('consul and baton with the same agent', backend => {
  const agent = sharedAgent(backend)

  it('print the same output and exit with the same code, apart from the listed differences', {
    timeout: 240_000,
  }, async () => {
    await furnish(agent)
    await untilQuiet(agent)
    const problems: unknown[] = []
    const compare = (line: Line, go: Seen, baton: Seen): void => {
      const wanted = expected(line, go)
      try {
        expect(baton).toMatchObject(wanted)
      } catch {
        problems.push({line: nameOf(line), wanted, baton})
      }
      if (baton.exitCode !== 0 && baton.stderr === '') problems.push({line: nameOf(line), silent: baton})
    }
    const queue = [...reads]
    const work = async (): Promise<void> => {
      for (let line = queue.shift(); line; line = queue.shift()) {
        const [go, baton] = await Promise.all([see('consul', agent, line), see('baton', agent, line)])
        compare(line, go, baton)
      }
    }
    await Promise.all([work(), work()])
    for (const line of writes) {
      const [go, baton] = await Promise.all([see('consul', agent, line), see('baton', agent, line)])
      compare(line, normalise(go), normalise(baton))
    }
    expect(problems).toEqual([])
  })
})
