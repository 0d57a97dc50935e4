import * as library from '../../../src/index.js'
import {type Doors, type Kind, or, without} from './door.js'

const call = {
  signal: 'signal',
  datacenter: 'text',
  namespace: 'text',
  partition: 'text',
  token: 'text',
  timeoutMs: 'duration',
  idleTimeoutMs: 'duration',
  onFirstByte: 'callback',
  plane: 'choice',
} as const satisfies Readonly<Record<string, Kind>>
const fire = {client: 'object', name: 'name', payload: 'bytes', node: 'text', service: 'text', tag: 'text'} as const
const watch = {
  client: 'object',
  state: 'thing',
  signal: 'signal',
  handle: 'callback',
  handleDead: 'callback',
  accepts: 'callback',
  observer: 'callback',
  from: 'choice',
  afterCrash: 'choice',
  coalesce: 'thing',
  orderWindowMs: 'duration',
  concurrency: 'count',
  isBatched: 'flag',
  retryCount: 'count',
  retryDelayMs: 'duration',
  maxWaiting: 'count',
} as const
const stream = {
  client: 'object',
  stateFile: 'name',
  signal: 'signal',
  accepts: 'callback',
  observer: 'callback',
  from: 'choice',
  afterCrash: 'choice',
  orderWindowMs: 'duration',
  maxWaiting: 'count',
} as const
const needed = ['client', 'state', 'signal', 'handle', 'handleDead']

const identity = {datacenter: 'dc1', node: 'a'}
const state = () => library.EventState.inMemory(identity)
const watched = (given: object) => ({
  state: state(),
  signal: new AbortController().signal,
  handle: async () => {},
  handleDead: async () => {},
  ...without({...given}, 'client', 'name'),
})
const owner = {datacenter: 'name', node: 'text', log: 'name'} as const

const states: Doors = {
  'EventState.inMemory': {
    takes: owner,
    needs: ['datacenter', 'node'],
    open: (_, given) => library.EventState.inMemory({...identity, ...given}),
  },
  'EventState.open': {
    takes: {path: 'name', ...owner},
    needs: ['path', 'datacenter', 'node'],
    open: (_, given) =>
      library.EventState.open(or(given, 'path', '/dev/null/state'), {...identity, ...without(given, 'path')}),
  },
  'EventState.has': {takes: {id: 'name'}, needs: ['id'], open: (_, {id}) => state().has(id)},
  'EventState.noteRing': {
    takes: {isEmpty: 'flag'},
    needs: ['isEmpty'],
    open: (_, {isEmpty}) => state().noteRing(isEmpty),
  },
  'EventState.take': {takes: {events: 'list'}, needs: ['events'], open: (_, {events}) => state().take(events)},
  'EventState.start': {takes: {ids: 'texts'}, needs: ['ids'], open: (_, {ids}) => state().start(ids)},
  'EventState.finish': {
    takes: {ids: 'texts', outcome: 'choice'},
    needs: ['ids', 'outcome'],
    open: (_, given) => state().finish(or(given, 'ids', []), or(given, 'outcome', 'done')),
  },
  'EventState.prune': {takes: {listed: 'thing'}, needs: ['listed'], open: (_, {listed}) => state().prune(listed)},
}

/** The exports of `consul-baton/event`. */
export const eventDoors: Doors = {
  ...states,
  fireEvent: {
    takes: {...fire, spillTtlMs: 'duration', ...call},
    needs: ['client', 'name'],
    open: (client, given) =>
      library.fireEvent(or(given, 'client', client), or(given, 'name', 'a'), without(given, 'client', 'name')),
  },
  fireDurable: {
    takes: {...fire, ...call},
    needs: ['client', 'name'],
    open: (client, given) =>
      library.fireDurable(or(given, 'client', client), or(given, 'name', 'a'), without(given, 'client', 'name')),
  },
  pruneEvents: {
    takes: {client: 'object', name: 'name', keep: 'thing', count: 'count', ...call},
    needs: ['client', 'name', 'keep', 'count'],
    open: (client, given) =>
      library.pruneEvents(
        or(given, 'client', client),
        or(given, 'name', 'a'),
        or(given, 'keep', {count: or(given, 'count', 1)}),
        without(given, 'client', 'name', 'keep', 'count'),
      ),
  },
  'pruneEvents by age': {
    takes: {ageMs: 'span'},
    open: (client, {ageMs}) => library.pruneEvents(client, 'a', {ageMs}),
  },
  resolvePayload: {
    takes: {client: 'object', payload: 'bytes', ...call},
    needs: ['client'],
    open: (client, given) =>
      library.resolvePayload(
        or(given, 'client', client),
        or(given, 'payload', Buffer.alloc(0)),
        without(given, 'client', 'payload'),
      ),
  },
  judgeSize: {
    takes: {name: 'text', node: 'text', service: 'text', tag: 'text', payloadLength: 'count', lTime: 'uint64'},
    needs: ['name', 'payloadLength'],
    open: (_, given) =>
      library.judgeSize(
        {name: 'a', ...without(given, 'payloadLength', 'lTime')},
        or(given, 'payloadLength', 1),
        or(given, 'lTime', 1n),
      ),
  },
  maxPayload: {
    takes: {name: 'text', node: 'text', service: 'text', tag: 'text', lTime: 'uint64'},
    needs: ['name', 'lTime'],
    open: (_, given) => library.maxPayload({name: 'a', ...without(given, 'lTime')}, or(given, 'lTime', 1n)),
  },
  followEvents: {
    takes: {name: 'text', ...stream},
    needs: ['client'],
    open: (client, given) => library.followEvents(or(given, 'client', client), without(given, 'client')),
  },
  followDurable: {
    takes: {name: 'name', ...stream},
    needs: ['client', 'name'],
    open: (client, given) =>
      library.followDurable(or(given, 'client', client), or(given, 'name', 'a'), without(given, 'client', 'name')),
  },
  watchEvents: {
    takes: watch,
    needs: needed,
    open: (client, given) => library.watchEvents(or(given, 'client', client), watched(given)),
  },
  watchDurable: {
    takes: {name: 'name', ...watch},
    needs: ['name', ...needed],
    open: (client, given) => library.watchDurable(or(given, 'client', client), or(given, 'name', 'a'), watched(given)),
  },
}
