import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, afterEach, describe, expect, it} from 'vitest'
import {createClient} from '../../../src/core/client.js'
import {CancelledError} from '../../../src/core/errors.js'
import {type RunServiceOptions, runService} from '../../../src/service/run-service.js'
import type {ServiceEvent} from '../../../src/service/types.js'
import {backends, sharedAgent} from '../../kit/backend.js'
import {waitUntil} from '../../kit/wait-until.js'

const folder = mkdtempSync(join(tmpdir(), 'baton-service-'))
afterAll(() => rmSync(folder, {recursive: true}))

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** Starts an HTTP server that answers with the status that the test sets. */
async function serve(): Promise<{status: number; readonly url: string}> {
  const state = {status: 200, url: ''}
  const server = createServer((_, response) => {
    response.statusCode = state.status
    response.end('it is fine')
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return state
}

class Stops {
  readonly #controller = new AbortController()
  readonly #listeners: ((name: NodeJS.Signals) => void)[] = []
  readonly signal = this.#controller.signal

  onEach(listener: (name: NodeJS.Signals) => void): void {
    this.#listeners.push(listener)
  }

  send(name: NodeJS.Signals): void {
    this.#controller.abort(new CancelledError(`stopped by ${name}`, {signalName: name}))
    for (const listener of this.#listeners) listener(name)
  }
}

describe.each(backends)('runService on $name', backend => {
  const agent = sharedAgent(backend)

  type Given = Partial<Omit<RunServiceOptions, 'child'>> & {
    readonly argv: [string, ...string[]]
    readonly address?: string
  }

  function start({argv, address = agent.address, ...given}: Given) {
    const client = createClient({address})
    const stops = new Stops()
    const events: ServiceEvent[] = []
    const over = runService(client, {
      service: {id: 'web', name: 'web', ttlMs: 1000},
      child: {argv, env: {PATH: process.env['PATH'] ?? ''}, stdin: 'ignore', output: 'pipe'},
      probes: [],
      intervalMs: 100,
      probeTimeoutMs: 1000,
      graceMs: 5000,
      drainMs: 0,
      restart: 'never',
      stops,
      connection: {address},
      observer: event => events.push(event),
      ...given,
    }).finally(() => client[Symbol.asyncDispose]())
    over.catch(() => {})
    const saw = (type: ServiceEvent['type'], count = 1): Promise<unknown> =>
      waitUntil(() => events.filter(event => event.type === type).length >= count, {what: `${count} x ${type}`})
    return {over, stops, events, saw}
  }

  const consul = () => createClient({address: agent.address})

  async function stateOf(id: string): Promise<string | undefined> {
    await using client = consul()
    return (await client.agent.checks()).find(({serviceId}) => serviceId === id)?.status
  }

  const becomes = (state: string | undefined): Promise<unknown> =>
    waitUntil(async () => (await stateOf('web')) === state, {what: `state ${state ?? 'of no service'}`})

  it('keeps the service passing while the program runs, and removes the service after the program has exited', async () => {
    const run = start({argv: ['sleep', '600']})
    await becomes('passing')
    run.stops.send('SIGTERM')
    expect(await run.over).toMatchObject({code: 143})
    expect(await stateOf('web')).toBeUndefined()
    expect((await start({argv: ['sh', '-c', 'exit 7']}).over).code).toBe(7)
    expect(await stateOf('web')).toBeUndefined()
  })

  it('removes the service before the program receives the stop signal', async () => {
    const list = new URL('/v1/agent/services', agent.address).href
    const ready = join(folder, backend.name.replaceAll(' ', '-'))
    const text = `
      const isListed = () => fetch('${list}').then(answer => answer.json()).then(services => 'web' in services)
      process.on('SIGTERM', async () => process.exit(await isListed() ? 1 : 42))
      setInterval(() => {}, 1000)
      require('node:fs').writeFileSync('${ready}', '')`
    const run = start({argv: [process.execPath, '-e', text]})
    await waitUntil(() => existsSync(ready), {what: 'the program'})
    await becomes('passing')
    run.stops.send('SIGTERM')
    expect((await run.over).code).toBe(42)
  })

  it('gives the service the state of its worst probe', async () => {
    const health = await serve()
    const run = start({
      argv: ['sleep', '600'],
      probes: [
        {kind: 'http', url: health.url},
        {kind: 'script', argv: ['/bin/sh', '-c', 'exit 0']},
      ],
    })
    await becomes('passing')
    health.status = 429
    await becomes('warning')
    health.status = 500
    await becomes('critical')
    health.status = 200
    await becomes('passing')
    run.stops.send('SIGTERM')
    await run.over
  })

  it('restarts the program, and sets the service critical until the program runs again', async () => {
    const run = start({argv: ['sh', '-c', 'sleep 0.2; exit 3'], restart: 'on-failure'})
    await run.saw('child.started', 2)
    expect(run.events.filter(({type}) => type === 'state.changed')).toMatchObject([
      {state: 'passing'},
      {state: 'critical', note: 'the program ended: exit code 3'},
      {state: 'passing'},
    ])
    run.stops.send('SIGTERM')
    await run.over
    expect(await stateOf('web')).toBeUndefined()
  })

  it('registers the service again, with its state, if the agent has lost it', async () => {
    const run = start({argv: ['sleep', '600']})
    await becomes('passing')
    {
      await using client = consul()
      await client.agent.deregisterService('web')
    }
    await run.saw('service.restored')
    await becomes('passing')
    run.stops.send('SIGTERM')
    await run.over
    expect(await stateOf('web')).toBeUndefined()
  })

  it('does not start the program if Consul refuses the service', async () => {
    const run = start({argv: ['sleep', '600'], service: {id: 'web', name: 'web', ttlMs: 1000, address: '0.0.0.0'}})
    await expect(run.over).rejects.toThrow(/Invalid service address/)
    expect(run.events.map(({type}) => type)).not.toContain('child.started')
  })

  it('leaves nothing registered if the program does not exist', async () => {
    await expect(start({argv: ['/nowhere/program']}).over).rejects.toMatchObject({exitCode: 127})
    expect(await stateOf('web')).toBeUndefined()
  })

  it('runs the program even while the agent does not answer', async () => {
    const run = start({argv: ['sleep', '600'], address: '127.0.0.1:1'})
    await run.saw('child.started')
    expect(run.events[0]?.type).toBe('registration.delayed')
    run.stops.send('SIGTERM')
    expect((await run.over).code).toBe(143)
  })
})
