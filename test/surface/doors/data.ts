import * as library from '../../../src/index.js'
import {type Doors, or, without} from './door.js'

const mapping = {source: 'a/', datacenter: 'dc1', destination: 'b/'}
const mappings = [mapping]
const replicator = (client: library.ConsulClient) => library.createReplicator(client, {mappings})
const entry = {key: 'a', value: Buffer.alloc(0), flags: 0n}

const kv: Doors = {
  exportText: {takes: {entries: 'list'}, needs: ['entries'], open: (_, {entries}) => library.exportText(entries)},
  'exportText of one entry': {
    takes: {key: 'text', value: 'bytes', flags: 'uint64'},
    needs: ['key', 'value', 'flags'],
    open: (_, given) => library.exportText([{...entry, ...given}]),
  },
  parseExchange: {takes: {text: 'text'}, needs: ['text'], open: (_, {text}) => library.parseExchange(text)},
  importEntries: {
    takes: {
      client: 'object',
      entries: 'list',
      signal: 'signal',
      isAtomic: 'flag',
      isCreateOnly: 'flag',
      observer: 'callback',
    },
    needs: ['client', 'entries'],
    open: (client, given) =>
      library.importEntries(
        or(given, 'client', client),
        or(given, 'entries', [entry]),
        without(given, 'client', 'entries'),
      ),
  },
  planImport: {
    takes: {client: 'object', entries: 'list', signal: 'signal', isCreateOnly: 'flag'},
    needs: ['client', 'entries'],
    open: (client, given) =>
      library.planImport(
        or(given, 'client', client),
        or(given, 'entries', [entry]),
        without(given, 'client', 'entries'),
      ),
  },
}

const replicate: Doors = {
  formatMapping: {
    takes: {mapping: 'thing', source: 'text', datacenter: 'text', destination: 'text'},
    needs: ['mapping', 'source', 'destination'],
    open: (_, given) => library.formatMapping(or(given, 'mapping', {...mapping, ...given})),
  },
  parseMapping: {
    takes: {text: 'text', datacenterRequired: 'flag'},
    needs: ['text'],
    open: (_, given) => library.parseMapping(or(given, 'text', 'a/@dc1:b/'), without(given, 'text')),
  },
  createReplicator: {
    takes: {
      client: 'object',
      mappings: 'list',
      source: 'thing',
      excludes: 'list',
      excludeMatches: 'texts',
      includes: 'list',
      fence: 'thing',
      onDrift: 'choice',
      lockKeys: 'choice',
      canDelete: 'flag',
      maxDelete: 'choice',
      approved: 'texts',
      statusDir: 'name',
      maxStaleMs: 'duration',
      waitMs: 'duration',
      quiescence: 'thing',
      concurrency: 'count',
      attempts: 'endlessCount',
      graceMs: 'duration',
      heartbeatMs: 'duration',
      undo: 'thing',
      clock: 'thing',
      logger: 'thing',
      observer: 'callback',
    },
    needs: ['client', 'mappings'],
    open: (client, given) =>
      library.createReplicator(or(given, 'client', client), {mappings, ...without(given, 'client')}),
  },
  'createReplicator.runOnce': {takes: {signal: 'signal'}, open: (client, given) => replicator(client).runOnce(given)},
  'createReplicator.preview': {takes: {signal: 'signal'}, open: (client, given) => replicator(client).preview(given)},
  'createReplicator.shadow': {
    takes: {signal: 'signal'},
    needs: ['signal'],
    open: (client, given) => replicator(client).shadow(given),
  },
  'createReplicator.update': {
    takes: {mappings: 'list'},
    needs: ['mappings'],
    open: (client, given) => replicator(client).update(or(given, 'mappings', mappings)),
  },
  planReplication: {
    takes: {mapping: 'thing', source: 'list', destination: 'list', lockKeys: 'choice', statusDir: 'name'},
    needs: ['mapping', 'source', 'destination'],
    open: (_, given) =>
      library.planReplication(or(given, 'mapping', mapping), {
        source: [],
        destination: [],
        ...without(given, 'mapping'),
      }),
  },
  'createReplicator.run': {
    takes: {signal: 'signal'},
    needs: ['signal'],
    open: (client, given) => replicator(client).run(given),
  },
}

const directory = {
  client: 'object',
  from: 'object',
  key: 'name',
  prefix: 'text',
  services: 'texts',
  tag: 'text',
  query: 'name',
  near: 'text',
  limit: 'count',
  everyMs: 'duration',
} as const
const from = (given: Readonly<Record<string, unknown>>): library.DiscoverFrom =>
  or(given, 'from', {
    services: ['consul'],
    ...Object.fromEntries(Object.entries(given).filter(([name]) => name in directory && name !== 'client')),
  }) as library.DiscoverFrom
const rest = (given: Readonly<Record<string, unknown>>): object => without(given, ...Object.keys(directory))
const open = (client: library.ConsulClient) => library.openDirectory(client, {services: ['consul']})

const discover: Doors = {
  openDirectory: {
    takes: {...directory, signal: 'signal', waitMs: 'duration', freshConsistency: 'choice'},
    needs: ['client', 'from'],
    open: (client, given) => library.openDirectory(or(given, 'client', client), from(given), rest(given)),
  },
  'openDirectory.withCapability': {
    takes: {name: 'text', minCapacity: 'span'},
    needs: ['name'],
    arrange: open,
    open: (_, given, opened: library.ServiceDirectory) =>
      opened.withCapability(or(given, 'name', 'a'), without(given, 'name')),
  },
  'openDirectory.untilNewer': {
    takes: {index: 'uint64', signal: 'signal'},
    needs: ['index', 'signal'],
    arrange: open,
    open: (_, given, opened: library.ServiceDirectory) =>
      opened.untilNewer(or(given, 'index', 0n), or(given, 'signal', new AbortController().signal)),
  },
  'openDirectory.until': {
    takes: {condition: 'callback', signal: 'signal'},
    needs: ['condition', 'signal'],
    arrange: open,
    open: (_, given, opened: library.ServiceDirectory) =>
      opened.until(
        or(given, 'condition', () => true),
        or(given, 'signal', new AbortController().signal),
      ),
  },
  readList: {
    takes: {...directory, signal: 'signal', consistency: 'choice'},
    needs: ['client', 'from'],
    open: (client, given) => library.readList(or(given, 'client', client), from(given), rest(given)),
  },
  registerService: {
    takes: {
      client: 'object',
      name: 'name',
      id: 'name',
      ttlMs: 'duration',
      port: 'count',
      tags: 'texts',
      address: 'text',
      meta: 'object',
      state: 'choice',
      deregisterAfterMs: 'duration',
      signal: 'signal',
      observer: 'callback',
    },
    needs: ['client', 'name'],
    open: (client, given) => {
      const service = {name: 'a', ...without(given, 'client', 'signal', 'observer')}
      const options = Object.fromEntries(
        Object.entries(given).filter(([name]) => name === 'signal' || name === 'observer'),
      )
      return library.registerService(or(given, 'client', client), service, options)
    },
  },
  'registerService.setState': {
    takes: {state: 'choice', note: 'text'},
    needs: ['state'],
    arrange: client => library.registerService(client, {name: 'doors'}),
    open: (_, given, registered: library.RegisteredService) =>
      registered.setState(or(given, 'state', 'passing'), or(given, 'note', '')),
  },
}

const panel = {arrange: () => library.startEmbeddedAgent()}
type Agent = library.EmbeddedAgent
const ofDatacenter = (
  method: 'loseLeader' | 'electLeader' | 'saveSnapshot' | 'rewindIndexes' | 'statistics',
): Doors => ({
  [`startEmbeddedAgent.faults.${method}`]: {
    takes: {datacenter: 'text'},
    ...panel,
    open: (_, {datacenter}, agent: Agent) => agent.faults[method](datacenter),
  },
})

const embedded: Doors = {
  startEmbeddedAgent: {
    takes: {
      clock: 'thing',
      random: 'callback',
      logger: 'thing',
      host: 'text',
      port: 'count',
      datacenters: 'texts',
      name: 'text',
      nodeMeta: 'object',
      nodes: 'list',
      seed: 'list',
      acl: 'object',
      dnsPort: 'count',
      runScript: 'callback',
      like: 'text',
    },
    open: (_, given) => library.startEmbeddedAgent(given),
  },
  'startEmbeddedAgent with a key': {
    takes: {key: 'text', value: 'bytes', flags: 'uint64'},
    needs: ['key', 'value', 'flags'],
    open: (_, given) => library.startEmbeddedAgent({seed: [{...entry, ...given}]}),
  },
  'startEmbeddedAgent with a token': {
    takes: {managementToken: 'name'},
    needs: ['managementToken'],
    open: (_, given) => library.startEmbeddedAgent({acl: given}),
  },
  'startEmbeddedAgent with a node': {
    takes: {name: 'name', services: 'list'},
    needs: ['name'],
    open: (_, given) => library.startEmbeddedAgent({nodes: [{name: 'web-1', ...given}]}),
  },
  'startEmbeddedAgent.faults.inject': {
    takes: {
      path: 'text',
      method: 'text',
      times: 'count',
      delayMs: 'duration',
      drop: 'flag',
      dropAnswer: 'flag',
      status: 'count',
      body: 'text',
    },
    ...panel,
    open: (_, given, agent: Agent) => agent.faults.inject(given),
  },
  'startEmbeddedAgent.faults.restart': {
    takes: {keepState: 'flag'},
    ...panel,
    open: (_, given, agent: Agent) => agent.faults.restart(given),
  },
  'startEmbeddedAgent.faults.restoreSnapshot': {
    takes: {snapshot: 'thing'},
    needs: ['snapshot'],
    ...panel,
    open: (_, {snapshot}, agent: Agent) => agent.faults.restoreSnapshot(snapshot),
  },
  'startEmbeddedAgent.faults.fastForward': {
    takes: {ms: 'span'},
    needs: ['ms'],
    ...panel,
    open: (_, {ms}, agent: Agent) => agent.faults.fastForward(ms),
  },
  ...ofDatacenter('loseLeader'),
  ...ofDatacenter('electLeader'),
  ...ofDatacenter('saveSnapshot'),
  ...ofDatacenter('rewindIndexes'),
  ...ofDatacenter('statistics'),
}

/** The exports for import and export, replication, discovery and the embedded agent. */
export const dataDoors: Doors = {...kv, ...replicate, ...discover, ...embedded}
