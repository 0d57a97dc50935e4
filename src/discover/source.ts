import type {ConsulClient} from '../core/client.js'
import {BatonError} from '../core/errors.js'
import {type HiddenProbe, hiddenProbe} from '../core/query/hidden-items.js'
import {preparedQuery} from '../core/query/prepared-query.js'
import type {BlockingQuery} from '../core/query/types.js'
import type {BlockingReadOptions, KvEntry, ServiceInstance, Snapshot} from '../core/types.js'
import {consulLabels} from './consul-labels.js'
import {createDecoder, type DocumentDecoder, type DocumentKind, fingerprint, hasHost} from './document.js'
import type {DiscoveredService, SourceDocument} from './types.js'

/**
 * Where the list comes from: one key, every key below a prefix, the passing instances of services in the catalog, or
 * the result of a prepared query. Consul cannot block on a prepared query, so it is executed every `everyMs` (10000 by
 * default; each pause varies by up to a quarter). The query's own settings decide whether failing instances are
 * included.
 */
export type DiscoverFrom =
  | {readonly key: string}
  | {readonly prefix: string}
  | {readonly services: readonly string[]; readonly tag?: string}
  | {readonly query: string; readonly near?: string; readonly limit?: number; readonly everyMs?: number}

export interface DiscoverSource {
  /** A name for people, such as `key app/services`. */
  readonly name: string
  /** True if an answer without documents is an error, instead of an empty list. */
  readonly isRequired: boolean
  readonly query: BlockingQuery<readonly SourceDocument[], SourceDocument>
}

type Documents = readonly SourceDocument[]

/** Returns one source for each key, prefix or service to follow. Reads nothing yet. */
export async function openSources(client: ConsulClient, from: DiscoverFrom): Promise<readonly DiscoverSource[]> {
  if ('services' in from) return from.services.map(name => catalogSource(client, name, from.tag))
  if ('query' in from) return [querySource(client, from)]
  const kind: DocumentKind = 'key' in from ? 'document' : 'folder'
  const decode = await createDecoder(kind)
  return ['key' in from ? keySource(client, from.key, decode) : prefixSource(client, from.prefix, decode)]
}

function keySource(client: ConsulClient, key: string, decode: DocumentDecoder): DiscoverSource {
  return source(`key ${key}`, {
    isRequired: true,
    read: async options => {
      const snapshot = await client.kv.get(key, options)
      return {...snapshot, value: snapshot.value ? [kvDocument(snapshot.value, decode)] : []}
    },
  })
}

function prefixSource(client: ConsulClient, prefix: string, decode: DocumentDecoder): DiscoverSource {
  return source(`prefix ${prefix}`, {
    isRequired: false,
    hides: hiddenProbe(client.caller, 'key'),
    read: async options => {
      const snapshot = await client.kv.list(prefix, options)
      const documents = snapshot.value.filter(entry => !isFolderMark(entry))
      return {...snapshot, value: documents.map(entry => kvDocument(entry, decode))}
    },
  })
}

/** True for an empty key such as `folder/`, which user interfaces create for a folder. */
const isFolderMark = (entry: KvEntry): boolean => entry.key.endsWith('/') && entry.value.length === 0

function catalogSource(client: ConsulClient, name: string, tag: string | undefined): DiscoverSource {
  return source(`service ${name}`, {
    isRequired: false,
    hides: hiddenProbe(client.caller, 'service'),
    read: async options => {
      const snapshot = await client.catalog.service(name, {...options, passing: true, ...(tag !== undefined && {tag})})
      return {...snapshot, value: snapshot.value.map(instanceDocument)}
    },
  })
}

function querySource(
  client: ConsulClient,
  {query: nameOrId, ...options}: Extract<DiscoverFrom, {readonly query: string}>,
): DiscoverSource {
  const topic = preparedQuery(client, nameOrId, options)
  return source(`query ${nameOrId}`, {
    isRequired: false,
    hides: hiddenProbe(client.caller, 'service'),
    read: async read => {
      const snapshot = await topic.read(read)
      return {...snapshot, value: snapshot.value.instances.map(instanceDocument)}
    },
  })
}

function source(
  name: string,
  options: {
    readonly isRequired: boolean
    readonly hides?: HiddenProbe
    readonly read: (read: BlockingReadOptions) => Promise<Snapshot<Documents>>
  },
): DiscoverSource {
  return {
    name,
    isRequired: options.isRequired,
    query: {
      id: `discover:${name}`,
      indexRule: 'monotonic',
      guardEmpty: !options.isRequired,
      read: options.read,
      ...(options.hides && {hides: options.hides}),
      entries: documents => documents.map(item => ({key: item.key, version: item.fingerprint, item})),
    },
  }
}

const kvDocument = (entry: KvEntry, decode: DocumentDecoder): SourceDocument => ({
  key: entry.key,
  fingerprint: fingerprint(entry.value),
  decode: () => decode(entry.key, entry.value),
})

function instanceDocument(instance: ServiceInstance): SourceDocument {
  const service = toService(instance)
  const labels = consulLabels(instance)
  const key = `${instance.node.node}/${instance.serviceId}`
  return {
    key,
    fingerprint: fingerprint(JSON.stringify([service, labels])),
    labels,
    decode: () => {
      // The URI may be invalid, because Consul accepts any text as an address.
      if (hasHost(service.uri)) return [service]
      throw new BatonError('BATON_CONFIG', `${key}: ${service.uri} is not a URI with a host`)
    },
  }
}

/**
 * Converts an instance to a service. Its scheme and capacity come from the metadata `scheme` and `capacity`, with the
 * defaults `http` and 1.
 */
function toService(instance: ServiceInstance): DiscoveredService {
  const {scheme = 'http', capacity = '1'} = instance.meta
  const host = instance.address.includes(':') ? `[${instance.address}]` : instance.address
  const port = instance.port > 0 ? `:${instance.port}` : ''
  return {
    uri: `${/^[a-z][a-z0-9+.-]*$/i.test(scheme) ? scheme : 'http'}://${host}${port}`,
    capabilities: [{name: instance.serviceName, capacity: /^\d{1,15}$/.test(capacity) ? Number(capacity) : 1}],
  }
}
