import {describe, expect, it} from 'vitest'
import {isBatonError} from '../../src/core/errors.js'
import * as library from '../../src/index.js'
import {FakeClock} from '../kit/fake-clock.js'
import {FakeTransport} from '../kit/fake-transport.js'

const never = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e20, '15s', '1', null]

interface Door {
  /** The numeric options. */
  readonly numbers: readonly string[]
  /** Calls the export with one option set to a wrong value. */
  open(client: library.ConsulClient, options: Record<string, unknown>): unknown
}

const context = {clock: new FakeClock(), random: () => 0.5, logger: library.noopLogger}
const transportOptions = {
  address: {protocol: 'http:', hostname: '127.0.0.1', port: 1, basePath: '', socketPath: undefined} as const,
  clock: new FakeClock(),
}

/** Each export that takes numbers, with its numeric options. */
const doors: Readonly<Record<string, Door>> = {
  follow: {
    numbers: ['waitMs', 'maxStaleMs', 'index'],
    open: (client, options) => {
      const {signal} = new AbortController()
      return library.follow(library.kvKey(client, 'a'), client, {signal, ...options}).next()
    },
  },
  registerService: {
    numbers: ['ttlMs', 'port', 'deregisterAfterMs'],
    open: (client, options) => library.registerService(client, {name: 'a', ...options}),
  },
  createViewRegistry: {
    numbers: ['lingerMs', 'waitMs', 'maxStaleMs', 'places'],
    open: (_, options) => library.createViewRegistry(context, options),
  },
  createMutex: {
    numbers: ['ttlMs', 'lockDelayMs', 'graceMs'],
    open: (client, options) => library.createMutex(client, {prefix: 'a', ...options}),
  },
  createSemaphore: {
    numbers: ['limit', 'ttlMs', 'lockDelayMs', 'graceMs'],
    open: (client, options) => library.createSemaphore(client, {prefix: 'a', limit: 2, ...options}),
  },
  openSession: {
    numbers: ['ttlMs', 'lockDelayMs', 'renewEveryMs'],
    open: (client, options) => library.openSession(client, options),
  },
  NodeTransport: {
    numbers: ['watchConnections', 'controlConnections'],
    open: (_, options) => new library.NodeTransport({...transportOptions, ...options}),
  },
  createReplicator: {
    numbers: ['maxStaleMs', 'waitMs', 'concurrency', 'graceMs'],
    open: (client, options) => library.createReplicator(client, {mappings, ...options}),
  },
}

const mappings = [{source: 'a/', datacenter: 'dc1', destination: 'b/'}]

/** Calls of exports that take no number, with one argument or option that has the wrong type. */
const wrongTypes: readonly (readonly [name: string, option: string, wrong: unknown, Door['open']])[] = [
  ['parseMapping', 'text', 5, (_, {text}) => library.parseMapping(text as string)],
  ['parseMapping', 'text', undefined, (_, {text}) => library.parseMapping(text as string)],
  ['parseMapping', 'datacenterRequired', 'no', (_, options) => library.parseMapping('a/', options)],
  ['parseExchange', 'text', Buffer.from('[]'), (_, {text}) => library.parseExchange(text as string)],
  ['importEntries', 'entries', '[]', (client, {entries}) => library.importEntries(client, entries as [])],
  [
    'importEntries',
    'entries',
    [{key: 'a', value: 'text'}],
    (client, {entries}) => library.importEntries(client, entries as []),
  ],
  ['importEntries', 'signal', 'now', (client, options) => library.importEntries(client, [], options)],
  ['importEntries', 'isAtomic', 'yes', (client, options) => library.importEntries(client, [], options)],
  ['planImport', 'entries', [null], (client, {entries}) => library.planImport(client, entries as [])],
  ['planImport', 'isCreateOnly', 1, (client, options) => library.planImport(client, [], options)],
  ['createReplicator', 'mappings', 'a/@dc1', (client, options) => library.createReplicator(client, options as never)],
  [
    'createReplicator.runOnce',
    'signal',
    5,
    (client, options) => library.createReplicator(client, {mappings}).runOnce(options),
  ],
  [
    'createReplicator.preview',
    'signal',
    {},
    (client, options) => library.createReplicator(client, {mappings}).preview(options),
  ],
  [
    'createReplicator.run',
    'signal',
    undefined,
    (client, options) => library.createReplicator(client, {mappings}).run(options as never),
  ],
]

/** Methods of the client that take numbers. */
const methods: Readonly<Record<string, Door>> = {
  'kv.get': {
    numbers: ['timeoutMs', 'idleTimeoutMs', 'index', 'waitMs'],
    open: (client, options) => client.kv.get('a', options),
  },
  'kv.put': {numbers: ['timeoutMs', 'flags'], open: (client, options) => client.kv.put('a', Buffer.from(''), options)},
  'kv.cas': {
    numbers: ['index', 'flags'],
    open: (client, options) => client.kv.cas('a', Buffer.from(''), {index: 1n, ...options}),
  },
  'kv.update': {
    numbers: ['attempts', 'flags', 'timeoutMs'],
    open: (client, options) => client.kv.update('a', () => 'b', options),
  },
  'kv.deleteCas': {numbers: ['index'], open: (client, options) => client.kv.deleteCas('a', {index: 1n, ...options})},
  'session.create': {
    numbers: ['ttlMs', 'lockDelayMs'],
    open: (client, options) => client.session.create(options),
  },
  'agent.registerService': {
    numbers: ['port', 'ttlMs', 'deregisterAfterMs'],
    open: (client, options) => client.agent.registerService({id: 'a', name: 'a', ...options}),
  },
  'event.list': {numbers: ['index', 'waitMs'], open: (client, options) => client.event.list(options)},
  'catalog.nodes': {
    numbers: ['index', 'waitMs', 'timeoutMs'],
    open: (client, options) => client.catalog.nodes(options),
  },
  'txn.commit': {
    numbers: ['timeoutMs'],
    open: (client, options) => client.txn.commit([{verb: 'get', key: 'a'}], options),
  },
}

/** Exports that take no number, or only format or report what they are given. */
const withoutNumbers = [
  ...Object.keys(library).filter(name => name.endsWith('Error')),
  'createClient',
  'clientOptionsFromEnvironment',
  'checks',
  'errorCodes',
  'events',
  'formatDuration',
  'isBatonError',
  'isTransient',
  'jsonReplacer',
  'kvKey',
  'kvKeys',
  'kvPrefix',
  'messageOf',
  'nodes',
  'noopLogger',
  'parseDuration',
  'service',
  'services',
  'systemClock',
  'systemRandom',
  'txnOperationLimit',
  'undiciTransport',
]

/** Exports of the capabilities, whose own tests check their options. A row above replaces a name here. */
const elsewhere = [
  'EventState',
  'createInitiator',
  'createResponder',
  'exportText',
  'fireDurable',
  'fireEvent',
  'formatMapping',
  'generateKey',
  'judgeSize',
  'maxPayload',
  'openDirectory',
  'parsePrivateKey',
  'parseWatch',
  'pruneEvents',
  'readList',
  'resolvePayload',
  'runWatch',
  'startEmbeddedAgent',
  'trustFromDirectory',
  'trustKeys',
  'watchDurable',
  'watchEvents',
  'watchQuery',
]

const wrong = Object.entries({...doors, ...methods}).flatMap(([name, door]) =>
  door.numbers.map(option => ({name, option, door})),
)

describe('the public doors', () => {
  it('are all in the table', () => {
    const typed = wrongTypes.map(([name]) => name.split('.')[0] ?? name)
    const known = [...Object.keys(doors), ...typed, ...withoutNumbers, ...elsewhere]
    expect(Object.keys(library).sort()).toEqual([...new Set(known)].sort())
  })

  it.each(wrong)('refuse a wrong $option of $name before any request', async ({option, door}) => {
    const transport = new FakeTransport(() => ({}))
    await using client = library.createClient({transport, clock: new FakeClock()})
    for (const value of never) {
      const act = async (): Promise<unknown> => door.open(client, {[option]: value})
      const error = await act().catch((thrown: unknown) => thrown)
      expect(isBatonError(error, 'BATON_USAGE'), `${String(value)}: ${String(error)}`).toBe(true)
      expect(error).toMatchObject({details: {option}})
    }
    expect(transport.requests).toEqual([])
  })

  it.each(wrongTypes)('refuse a wrong type for %s: %s = %j, before any request', async (_, option, value, open) => {
    const transport = new FakeTransport(() => ({}))
    await using client = library.createClient({transport, clock: new FakeClock()})
    const act = async (): Promise<unknown> => open(client, {[option]: value})
    await expect(act()).rejects.toMatchObject({code: 'BATON_USAGE', details: {option}})
    expect(transport.requests).toEqual([])
  })

  it.each([
    ['address', 8500],
    ['ssl', 'true'],
    ['tls', 'ca.pem'],
    ['token', {secret: 'abc'}],
    ['token', 12345],
    ['auth', 12345],
    ['datacenter', 1],
    ['consistency', 'strong'],
    ['transport', {}],
    ['clock', 'now'],
    ['random', 0.5],
    ['logger', console.log],
  ])('refuse a wrong %s of createClient', (option, value) => {
    const act = (): unknown => library.createClient({[option]: value})
    expect(act).toThrow(`createClient: expected the option \`${option}\` to be `)
    if (option === 'token' || option === 'auth') expect(act).not.toThrow('12345')
  })

  it.each([
    ['kv.get', (client: library.ConsulClient, name: never) => client.kv.get(name)],
    ['kv.deleteTree', (client: library.ConsulClient, name: never) => client.kv.deleteTree(name)],
    ['session.renew', (client: library.ConsulClient, name: never) => client.session.renew(name)],
    ['session.destroy', (client: library.ConsulClient, name: never) => client.session.destroy(name)],
    ['event.fire', (client: library.ConsulClient, name: never) => client.event.fire(name)],
    ['catalog.service', (client: library.ConsulClient, name: never) => client.catalog.service(name)],
    ['agent.deregisterService', (client: library.ConsulClient, name: never) => client.agent.deregisterService(name)],
  ])('refuse a name of %s that is not a string', async (_, call) => {
    const transport = new FakeTransport(() => ({}))
    await using client = library.createClient({transport, clock: new FakeClock()})
    for (const name of [undefined, null, 5, {}]) {
      const error = await call(client, name as never).catch((thrown: unknown) => thrown)
      expect(isBatonError(error, 'BATON_USAGE'), String(error)).toBe(true)
    }
    expect(transport.requests).toEqual([])
  })
})
