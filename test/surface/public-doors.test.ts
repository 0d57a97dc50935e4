import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {isBatonError} from '../../src/core/errors.js'
import * as library from '../../src/index.js'
import {clientDoors} from './doors/client.js'
import {dataDoors} from './doors/data.js'
import {type Door, wrongValues} from './doors/door.js'
import {eventDoors} from './doors/event.js'
import {execDoors} from './doors/exec.js'
import {lockDoors} from './doors/lock.js'
import {queryDoors} from './doors/query.js'

const doors: Readonly<Record<string, Door>> = {
  ...clientDoors,
  ...queryDoors,
  ...lockDoors,
  ...eventDoors,
  ...execDoors,
  ...dataDoors,
}

/** Exported functions that accept any value. */
const total = ['isBatonError', 'isTransient', 'jsonReplacer', 'messageOf', 'systemRandom']
/** Exports that are not functions. */
const values = ['errorCodes', 'noopLogger', 'systemClock', 'txnOperationLimit']
/** Methods that have no arguments, or whose arguments are tested by the row of another method. */
const withoutArguments = [
  'EventState.begin',
  'EventState.pending',
  'createViewRegistry.view.subscribe.frames',
  'createViewRegistry.view.subscribe.snapshots',
  'createMutex.acquire.release',
  'createMutex.acquire.remainingMs',
  'createElection.campaign.resign',
  'createReplicator.status',
  'openDirectory.run',
  'openDirectory.services',
  'openSession.orphan',
  'startEmbeddedAgent.faults.clear',
  'startEmbeddedAgent.faults.dropConnections',
]
/**
 * Methods that are missing from the public types, because only other parts of the library call
 * them.
 */
const internal = [
  'createMutex.acquire.handleSessionEvent',
  'createMutex.acquire.writeAtRelease',
  'createViewRegistry.view.subscribe.close',
  'createViewRegistry.view.subscribe.wake',
]

/**
 * Names of the functions and methods that have a row. `createInitiator.run of a line` is a row of
 * `createInitiator.run`.
 */
const rows = new Set(Object.keys(doors).map(name => name.split(' ')[0] ?? name))

let agent: library.EmbeddedAgent
let sent = 0

/** A client that counts its requests. */
function connect(): library.ConsulClient {
  return library.createClient({
    address: agent.address,
    transport: options => {
      const inner = new library.NodeTransport(options)
      return {
        send: request => {
          sent += 1
          return inner.send(request)
        },
        [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      }
    },
  })
}

beforeAll(async () => {
  agent = await library.startEmbeddedAgent()
})
afterAll(() => agent[Symbol.asyncDispose]())

/**
 * Returns the names of the methods of an object or a class, without those of Object and those that begin
 * with `_`.
 */
function methodsOf(object: object): readonly string[] {
  const names = new Set<string>()
  const isOurs = (at: object): boolean => at !== Object.prototype && at !== Function.prototype
  for (let at: object | null = object; at && isOurs(at); at = Object.getPrototypeOf(at) as object | null) {
    for (const [name, {value}] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name)
    }
  }
  return [...names]
}

const cases = Object.entries(doors).flatMap(([name, door]) =>
  Object.entries(door.takes).map(([option, kind]) => ({name, option, kind, door})),
)

describe('the public functions and methods', () => {
  it("each have a row in this test's tables", () => {
    const isError = (name: string): boolean => name.endsWith('Error')
    const isKnown = (name: string): boolean => rows.has(name) || total.includes(name) || values.includes(name)
    const exported = Object.keys(library)
    expect(exported.filter(name => !isKnown(name) && (!isError(name) || name === 'isBatonError'))).toEqual(
      // This class has no arguments in its constructor, and its methods have rows of their own.
      ['EventState'],
    )
  })

  it("return only objects whose methods each have a row in this test's tables", async () => {
    await using client = connect()
    await using mutex = await library.createMutex(client, {prefix: 'methods'}).acquire()
    await using term = await library.createElection(client, {prefix: 'term'}).campaign()
    await using session = await library.openSession(client)
    await using views = library.createViewRegistry(client)
    const view = views.view(library.kvKey(client, 'a'))
    await using directory = await library.openDirectory(client, {services: ['consul']})
    await using registered = await library.registerService(client, {name: 'methods'})
    const responder = {trust: library.trustKeys([]), stateDirectory: '/dev/null/state'}
    const objects: [name: string, object: object][] = Object.entries({
      kv: client.kv,
      session: client.session,
      txn: client.txn,
      event: client.event,
      catalog: client.catalog,
      agent: client.agent,
      caller: client.caller,
      EventState: library.EventState.inMemory({datacenter: 'dc1', node: ''}),
      createMutex: library.createMutex(client, {prefix: 'a'}),
      'createMutex.acquire': mutex,
      createElection: library.createElection(client, {prefix: 'a'}),
      'createElection.campaign': term,
      createSemaphore: library.createSemaphore(client, {prefix: 'a', limit: 1}),
      openSession: session,
      createViewRegistry: views,
      'createViewRegistry.view': view,
      'createViewRegistry.view.subscribe': view.subscribe(),
      openDirectory: directory,
      registerService: registered,
      createReplicator: library.createReplicator(client, {mappings: [library.parseMapping('a/@dc1:b/')]}),
      createInitiator: library.createInitiator(client),
      createResponder: library.createResponder(client, responder),
      'startEmbeddedAgent.faults': agent.faults,
    })
    objects.push(['EventState', library.EventState])
    const known = new Set([...rows, ...withoutArguments, ...internal])
    const missing = objects.flatMap(([name, object]) =>
      methodsOf(object)
        .map(method => `${name}.${method}`)
        .filter(method => !known.has(method)),
    )
    expect(missing).toEqual([])
  })

  it.each(cases)(
    'refuse an invalid argument before they send any request (argument $option of $name)',
    async ({option, kind, door}) => {
      await using client = connect()
      await using arranged = await door.arrange?.(client)
      const missing = door.needs?.includes(option) === true ? [undefined] : []
      for (const value of [...wrongValues[kind], ...missing]) {
        sent = 0
        const act = async (): Promise<unknown> => door.open(client, {[option]: value}, arranged)
        const error = await act().catch((thrown: unknown) => thrown)
        const came = typeof value === 'bigint' ? `${value}n` : value === undefined ? 'undefined' : JSON.stringify(value)
        expect(isBatonError(error, 'BATON_USAGE'), `${came}: ${String(error)}`).toBe(true)
        expect((error as library.BatonError).details, `${came}: ${String(error)}`).toMatchObject({option})
        expect(sent, came).toBe(0)
      }
    },
  )

  it.each([
    ['token', {secret: 'abc'}],
    ['token', 12345],
    ['auth', 12345],
  ])("do not show an invalid %s in the error's message", (option, value) => {
    const act = (): unknown => library.createClient({[option]: value})
    expect(act).toThrow(`createClient: expected the option \`${option}\` to be `)
    expect(act).not.toThrow('12345')
    expect(act).not.toThrow('abc')
  })
})
