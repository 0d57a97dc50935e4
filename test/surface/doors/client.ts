import * as library from '../../../src/index.js'
import {NodeTransport, systemClock, undiciTransport} from '../../../src/index.js'
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
const read = {...call, consistency: 'choice'} as const
const blocking = {...read, index: 'uint64', waitMs: 'duration'} as const

const nothing = Buffer.alloc(0)

const keys: Doors = {
  'kv.get': {
    takes: {key: 'text', ...blocking},
    needs: ['key'],
    open: ({kv}, given) => kv.get(or(given, 'key', 'a'), without(given, 'key')),
  },
  'kv.list': {
    takes: {key: 'text', ...blocking},
    needs: ['key'],
    open: ({kv}, given) => kv.list(or(given, 'key', 'a'), without(given, 'key')),
  },
  'kv.keys': {
    takes: {key: 'text', separator: 'text', ...blocking},
    needs: ['key'],
    open: ({kv}, given) => kv.keys(or(given, 'key', 'a'), without(given, 'key')),
  },
  'kv.put': {
    takes: {key: 'text', value: 'textOrBytes', flags: 'uint64', ...call},
    needs: ['key', 'value'],
    open: ({kv}, given) => kv.put(or(given, 'key', 'a'), or(given, 'value', ''), without(given, 'key', 'value')),
  },
  'kv.cas': {
    takes: {key: 'text', value: 'textOrBytes', flags: 'uint64', ...call, index: 'uint64'},
    needs: ['key', 'value', 'index'],
    open: ({kv}, given) =>
      kv.cas(or(given, 'key', 'a'), or(given, 'value', ''), {index: 1n, ...without(given, 'key', 'value')}),
  },
  'kv.acquire': {
    takes: {key: 'text', value: 'textOrBytes', flags: 'uint64', session: 'name', ...call},
    needs: ['key', 'value', 'session'],
    open: ({kv}, given) =>
      kv.acquire(or(given, 'key', 'a'), or(given, 'value', ''), {session: id, ...without(given, 'key', 'value')}),
  },
  'kv.release': {
    takes: {key: 'text', value: 'textOrBytes', flags: 'uint64', session: 'name', ...call},
    needs: ['key', 'value', 'session'],
    open: ({kv}, given) =>
      kv.release(or(given, 'key', 'a'), or(given, 'value', ''), {session: id, ...without(given, 'key', 'value')}),
  },
  'kv.update': {
    takes: {key: 'text', change: 'callback', attempts: 'count', flags: 'uint64', ...call},
    needs: ['key', 'change'],
    open: ({kv}, given) =>
      kv.update(
        or(given, 'key', 'a'),
        or(given, 'change', () => 'b'),
        without(given, 'key', 'change'),
      ),
  },
  'kv.delete': {
    takes: {key: 'text', ...call},
    needs: ['key'],
    open: ({kv}, given) => kv.delete(or(given, 'key', 'a'), without(given, 'key')),
  },
  'kv.deleteCas': {
    takes: {key: 'text', ...call, index: 'uint64'},
    needs: ['key', 'index'],
    open: ({kv}, given) => kv.deleteCas(or(given, 'key', 'a'), {index: 1n, ...without(given, 'key')}),
  },
  'kv.deleteTree': {
    takes: {key: 'text', ...call},
    needs: ['key'],
    open: ({kv}, given) => kv.deleteTree(or(given, 'key', 'a'), without(given, 'key')),
  },
  'txn.commit': {
    takes: {operations: 'list', ...read},
    needs: ['operations'],
    open: ({txn}, given) =>
      txn.commit(or(given, 'operations', [{verb: 'get', key: 'a'}]), without(given, 'operations')),
  },
  'txn.commit of one operation': {
    takes: {verb: 'choice', key: 'text', value: 'textOrBytes', index: 'uint64', flags: 'uint64', session: 'text'},
    needs: ['verb', 'key'],
    open: ({txn}, given) => txn.commit([{verb: 'get', key: 'a', ...given}]),
  },
}

const id = '6d6e1c0e-0000-4000-8000-000000000000' as library.SessionId

const sessions: Doors = {
  'session.create': {
    takes: {
      name: 'text',
      node: 'text',
      ttlMs: 'duration',
      lockDelayMs: 'duration',
      behavior: 'choice',
      nodeChecks: 'texts',
      ...call,
    },
    open: ({session}, given) => {
      const {name, node, ttlMs, lockDelayMs, behavior, nodeChecks, ...options} = given
      const request = {name, node, ttlMs, lockDelayMs, behavior, nodeChecks}
      return session.create(request, options)
    },
  },
  'session.renew': {
    takes: {id: 'name', ...call},
    needs: ['id'],
    open: ({session}, given) => session.renew(or(given, 'id', id), without(given, 'id')),
  },
  'session.destroy': {
    takes: {id: 'name', ...call},
    needs: ['id'],
    open: ({session}, given) => session.destroy(or(given, 'id', id), without(given, 'id')),
  },
  'session.info': {
    takes: {id: 'name', ...blocking},
    needs: ['id'],
    open: ({session}, given) => session.info(or(given, 'id', id), without(given, 'id')),
  },
  'session.list': {takes: blocking, open: ({session}, given) => session.list(given)},
}

const named = (key: string) => ({takes: {[key]: 'name', ...blocking} as const, needs: [key]})

const catalog: Doors = {
  'catalog.datacenters': {takes: blocking, open: (client, given) => client.catalog.datacenters(given)},
  'catalog.nodes': {takes: blocking, open: (client, given) => client.catalog.nodes(given)},
  'catalog.services': {takes: blocking, open: (client, given) => client.catalog.services(given)},
  'catalog.service': {
    takes: {name: 'name', passing: 'flag', tag: 'text', near: 'text', ...blocking},
    needs: ['name'],
    open: (client, given) => client.catalog.service(or(given, 'name', 'a'), without(given, 'name')),
  },
  'catalog.checksInState': {
    ...named('state'),
    open: (client, given) => client.catalog.checksInState(or(given, 'state', 'any'), without(given, 'state')),
  },
  'catalog.checksOfService': {
    ...named('name'),
    open: (client, given) => client.catalog.checksOfService(or(given, 'name', 'a'), without(given, 'name')),
  },
  'catalog.checksOfNode': {
    ...named('node'),
    open: (client, given) => client.catalog.checksOfNode(or(given, 'node', 'a'), without(given, 'node')),
  },
  'catalog.node': {
    ...named('name'),
    open: (client, given) => client.catalog.node(or(given, 'name', 'a'), without(given, 'name')),
  },
  'catalog.preparedQuery': {
    takes: {nameOrId: 'name', near: 'text', limit: 'count', ...read},
    needs: ['nameOrId'],
    open: (client, given) => client.catalog.preparedQuery(or(given, 'nameOrId', 'a'), without(given, 'nameOrId')),
  },
  'event.fire': {
    takes: {name: 'name', payload: 'bytes', node: 'text', service: 'text', tag: 'text', ...call},
    needs: ['name'],
    open: ({event}, given) =>
      event.fire(or(given, 'name', 'a'), or(given, 'payload', nothing), without(given, 'name', 'payload')),
  },
  'event.list': {takes: {name: 'text', ...blocking}, open: ({event}, given) => event.list(given)},
  'caller.prepare': {
    takes: {method: 'choice', path: 'name', query: 'object', body: 'bytes', accept: 'list', gap: 'object', ...call},
    needs: ['method', 'path', 'body', 'gap'],
    open: ({caller}, given) => {
      const {query, accept} = given
      const request = {
        method: or(given, 'method', 'PUT'),
        path: or(given, 'path', '/v1/txn'),
        query,
        accept,
        body: or(given, 'body', Buffer.from('[ ]')),
        gap: or(given, 'gap', {at: 1, length: 1}),
      }
      return caller.prepare(request, without(given, 'method', 'path', 'query', 'accept', 'body', 'gap'))
    },
  },
  'caller.call': {
    takes: {method: 'choice', path: 'name', query: 'object', body: 'bytes', accept: 'list', ...blocking},
    needs: ['method', 'path'],
    open: ({caller}, given) => {
      const {method = 'GET', path = '/v1/status/leader', query, body, accept, ...options} = given
      const request = {
        method: 'method' in given ? given.method : method,
        path: 'path' in given ? given.path : path,
        query,
        body,
        accept,
      }
      return caller.call(request, options)
    },
  },
}

const registration = {
  tags: 'texts',
  port: 'count',
  address: 'text',
  meta: 'object',
  state: 'choice',
  checks: 'list',
} as const

const agent: Doors = {
  'agent.self': {takes: call, open: (client, given) => client.agent.self(given)},
  'agent.members': {takes: {wan: 'flag', ...call}, open: (client, given) => client.agent.members(given)},
  'agent.services': {takes: call, open: (client, given) => client.agent.services(given)},
  'agent.checks': {takes: call, open: (client, given) => client.agent.checks(given)},
  'agent.registerService': {
    takes: {id: 'name', name: 'name', ttlMs: 'duration', deregisterAfterMs: 'duration', ...registration, ...call},
    needs: ['id', 'name'],
    open: (client, given) => {
      const options = Object.fromEntries(Object.entries(given).filter(([name]) => name in call))
      const service = without(given, ...Object.keys(call))
      return client.agent.registerService({id: 'a', name: 'a', ...service}, options)
    },
  },
  'agent.deregisterService': {
    takes: {id: 'name', ...call},
    needs: ['id'],
    open: (client, given) => client.agent.deregisterService(or(given, 'id', 'a'), without(given, 'id')),
  },
  'agent.passService': {
    takes: {id: 'name', note: 'text', ...call},
    needs: ['id'],
    open: (client, given) =>
      client.agent.passService(or(given, 'id', 'a'), or(given, 'note', ''), without(given, 'id', 'note')),
  },
  'agent.setCheck': {
    takes: {checkId: 'name', state: 'choice', note: 'text', ...call},
    needs: ['checkId', 'state'],
    open: (client, given) =>
      client.agent.setCheck(
        or(given, 'checkId', 'a'),
        or(given, 'state', 'passing'),
        without(given, 'checkId', 'state'),
      ),
  },
  'agent.startMaintenance': {
    takes: {service: 'name', reason: 'text', ...call},
    open: (client, given) => client.agent.startMaintenance(given),
  },
  'agent.endMaintenance': {
    takes: {service: 'name', ...call},
    open: (client, given) => client.agent.endMaintenance(given),
  },
}

const transport = {
  address: {protocol: 'http:', hostname: '127.0.0.1', port: 1, basePath: '', socketPath: undefined} as const,
  clock: systemClock,
}
const transportOptions = {
  address: 'thing',
  tls: 'object',
  clock: 'thing',
  watchConnections: 'count',
  controlConnections: 'count',
} as const

const transports: Doors = {
  createClient: {
    takes: {
      address: 'text',
      ssl: 'flag',
      tls: 'object',
      token: 'text',
      auth: 'text',
      datacenter: 'text',
      namespace: 'text',
      partition: 'text',
      consistency: 'choice',
      transport: 'thing',
      clock: 'thing',
      random: 'callback',
      logger: 'thing',
    },
    open: (_, given) => library.createClient(given),
  },
  clientOptionsFromEnvironment: {
    takes: {env: 'object'},
    needs: ['env'],
    open: (_, {env}) => library.clientOptionsFromEnvironment(env),
  },
  NodeTransport: {
    takes: transportOptions,
    needs: ['address', 'clock'],
    open: (_, given) => new NodeTransport({...transport, ...given}),
  },
  'NodeTransport.send': {
    takes: {
      method: 'choice',
      path: 'name',
      headers: 'object',
      body: 'bytes',
      timeoutMs: 'span',
      idleTimeoutMs: 'span',
      onFirstByte: 'callback',
      plane: 'choice',
      signal: 'signal',
    },
    needs: ['method', 'path', 'timeoutMs', 'plane'],
    open: async (_, given) => {
      const request = {method: 'GET', path: '/v1/status/leader', timeoutMs: 1000, plane: 'control', ...given}
      await using opened = new NodeTransport(transport)
      return await opened.send(request)
    },
  },
  undiciTransport: {
    takes: transportOptions,
    needs: ['address', 'clock'],
    open: (_, given) => undiciTransport({...transport, ...given}),
  },
}

/** The exports of `consul-baton/client` except queries, and the methods of a client. */
export const clientDoors: Doors = {
  ...keys,
  ...sessions,
  ...catalog,
  ...agent,
  ...transports,
  formatDuration: {takes: {ms: 'difference'}, needs: ['ms'], open: (_, {ms}) => library.formatDuration(ms)},
  parseDuration: {
    takes: {text: 'text', what: 'text'},
    needs: ['text'],
    open: (_, given) => library.parseDuration(or(given, 'text', '1s'), or(given, 'what', 'duration')),
  },
}
