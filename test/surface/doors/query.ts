import * as library from '../../../src/index.js'
import {type Doors, type Kind, or, without} from './door.js'

const scope = {
  client: 'object',
  datacenter: 'text',
  namespace: 'text',
  partition: 'text',
  token: 'text',
  consistency: 'choice',
} as const satisfies Readonly<Record<string, Kind>>

const views = (client: library.ConsulClient) => library.createViewRegistry(client, {lingerMs: 0})
const never = new AbortController().signal
const watched = {type: 'key', key: 'a'} as const

/** The exports for queries, views and watches. */
export const queryDoors: Doors = {
  kvKey: {
    takes: {key: 'text', ...scope},
    needs: ['key', 'client'],
    open: (client, given) =>
      library.kvKey(or(given, 'client', client), or(given, 'key', 'a'), without(given, 'client', 'key')),
  },
  preparedQuery: {
    takes: {nameOrId: 'name', near: 'text', limit: 'count', everyMs: 'duration', ...scope},
    needs: ['nameOrId', 'client'],
    open: (client, given) =>
      library.preparedQuery(
        or(given, 'client', client),
        or(given, 'nameOrId', 'a'),
        without(given, 'client', 'nameOrId'),
      ),
  },
  kvKeys: {
    takes: {prefix: 'text', separator: 'text', ...scope},
    needs: ['prefix', 'client'],
    open: (client, given) =>
      library.kvKeys(or(given, 'client', client), or(given, 'prefix', 'a'), without(given, 'client', 'prefix')),
  },
  kvPrefix: {
    takes: {prefix: 'text', ...scope},
    needs: ['prefix', 'client'],
    open: (client, given) =>
      library.kvPrefix(or(given, 'client', client), or(given, 'prefix', 'a'), without(given, 'client', 'prefix')),
  },
  nodes: {
    takes: scope,
    needs: ['client'],
    open: (client, given) => library.nodes(or(given, 'client', client), without(given, 'client')),
  },
  services: {
    takes: scope,
    needs: ['client'],
    open: (client, given) => library.services(or(given, 'client', client), without(given, 'client')),
  },
  service: {
    takes: {name: 'name', passing: 'flag', tag: 'text', ...scope},
    needs: ['name', 'client'],
    open: (client, given) =>
      library.service(or(given, 'client', client), or(given, 'name', 'a'), without(given, 'client', 'name')),
  },
  checks: {
    takes: {state: 'name', service: 'name', ...scope},
    needs: ['client'],
    open: (client, given) => library.checks(or(given, 'client', client), without(given, 'client')),
  },
  events: {
    takes: {name: 'text', ...scope},
    needs: ['client'],
    open: (client, given) => library.events(or(given, 'client', client), without(given, 'client')),
  },
  follow: {
    takes: {
      query: 'thing',
      context: 'thing',
      signal: 'signal',
      waitMs: 'duration',
      consistency: 'choice',
      freshConsistency: 'choice',
      maxStaleMs: 'duration',
      maxPauseMs: 'duration',
      index: 'uint64',
      onStatus: 'callback',
      onRequest: 'callback',
    },
    needs: ['query', 'context', 'signal'],
    open: (client, given) => {
      const options = {signal: never, ...without(given, 'query', 'context')}
      const query = or(given, 'query', library.kvKey(client, 'a'))
      return library.follow(query, or(given, 'context', client), options).next()
    },
  },
  createViewRegistry: {
    takes: {
      context: 'thing',
      lingerMs: 'duration',
      waitMs: 'duration',
      maxStaleMs: 'duration',
      freshConsistency: 'choice',
      places: 'count',
    },
    needs: ['context'],
    open: (client, given) => library.createViewRegistry(or(given, 'context', client), without(given, 'context')),
  },
  'createViewRegistry.view': {
    takes: {query: 'thing'},
    needs: ['query'],
    open: (client, {query}) => views(client).view(query),
  },
  'createViewRegistry.view.subscribe': {
    takes: {signal: 'signal', resume: 'thing', filter: 'callback'},
    open: (client, given) => views(client).view(library.kvKey(client, 'a')).subscribe(given),
  },
  parseWatch: {
    takes: {
      parameters: 'object',
      type: 'text',
      key: 'text',
      prefix: 'text',
      service: 'text',
      tag: 'texts',
      passingonly: 'text',
      state: 'text',
      name: 'text',
    },
    needs: ['parameters'],
    open: (_, given) =>
      library.parseWatch('parameters' in given ? given.parameters : {type: 'key', key: 'a', ...given}),
  },
  watchQuery: {
    takes: {client: 'object', spec: 'thing', datacenter: 'text', namespace: 'text', partition: 'text', token: 'text'},
    needs: ['client', 'spec'],
    open: (client, given) =>
      library.watchQuery(or(given, 'client', client), or(given, 'spec', watched), without(given, 'client', 'spec')),
  },
  runWatch: {
    takes: {
      views: 'thing',
      query: 'thing',
      signal: 'signal',
      clock: 'thing',
      handle: 'callback',
      debounceMs: 'duration',
      isIndexIgnored: 'flag',
      isOnce: 'flag',
    },
    needs: ['views', 'query', 'signal', 'clock', 'handle'],
    open: (client, given) =>
      library.runWatch(or(given, 'views', views(client)), or(given, 'query', library.watchQuery(client, watched)), {
        signal: never,
        clock: client.clock,
        handle: async () => {},
        ...without(given, 'views', 'query'),
      }),
  },
}
