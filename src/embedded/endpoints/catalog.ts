import {rowFields} from '../filter/fields.js'
import type {Printable} from '../go/json-print.js'
import {cacheHeaders} from '../http/cached.js'
import {type Call, readMode} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import {get, put, type Route} from '../http/route.js'
import type {NodeRow, ServiceRow} from '../store/catalog-rows.js'
import type {State} from '../store/state.js'
import {printNode, printService, printServiceNode} from './catalog-print.js'
import {catalogRead, nodeMetaFilter, nodeMetaTopic, requireRest, tagFilter} from './catalog-read.js'
import {deregister, register} from './catalog-write.js'

const maxOf = (a: bigint, b: bigint): bigint => (a > b ? a : b)

/** Lists the datacenters. Of the query parameters, only the consistency has an effect. */
function datacenters(call: Call): Reply {
  readMode(call)
  const own = call.home.name
  const others = [...call.cluster.datacenters.keys()].filter(name => name !== own)
  return jsonReply([own, ...others], cacheHeaders(call, false))
}

function nodes(call: Call): Promise<Reply> {
  const wanted = nodeMetaFilter(call)
  return catalogRead(call, {
    topics: () => [nodeMetaTopic(call) ?? 'nodes'],
    fields: rowFields.node,
    refusesNamespaces: false,
    read: ({state: {catalog}}, {may, matching}) => ({
      value: catalog
        .nodes()
        .filter(node => wanted(node.meta) && may.can('node', node.name, 'read'))
        .map(printNode)
        .filter(matching),
      index: catalog.tableIndex('nodes'),
    }),
  })
}

function services(call: Call): Promise<Reply> {
  const wanted = nodeMetaFilter(call)
  return catalogRead(call, {
    isCacheable: true,
    topics: ({state: {catalog}}) => {
      const topic = nodeMetaTopic(call)
      if (topic === undefined) return ['services']
      const hosts = catalog.nodes().filter(node => wanted(node.meta))
      return [topic, ...hosts.map(node => `node:${node.name.toLowerCase()}`)]
    },
    read: ({state: {catalog}}, {may}) => {
      const tags = new Map<string, Set<string>>()
      for (const row of catalog.allServices()) {
        if (!wanted(catalog.node(row.node)?.meta) || !may.can('service', row.name, 'read')) continue
        const known = tags.get(row.name) ?? new Set()
        for (const tag of row.tags ?? []) known.add(tag)
        tags.set(row.name, known)
      }
      const value: Printable = new Map([...tags].map(([name, set]) => [name, [...set]]))
      const index = catalog.tableIndex('services')
      return {value, index: nodeMetaTopic(call) === undefined ? index : maxOf(index, catalog.tableIndex('nodes'))}
    },
  })
}

function service(call: Call): Promise<Reply> {
  const name = requireRest(call, 'Missing service name')
  const [wantedMeta, wantedTags] = [nodeMetaFilter(call), tagFilter(call)]
  return catalogRead(call, {
    isCacheable: true,
    topics: () => [`service:${name.toLowerCase()}`],
    fields: rowFields.serviceNode,
    read: ({state: {catalog}}, {may, matching}) => ({
      value: catalog
        .instancesOf(name)
        .flatMap(row => {
          const node = catalog.node(row.node)
          if (!node || !may.can('node', node.name, 'read') || !may.can('service', row.name, 'read')) return []
          return wantedMeta(node.meta) && wantedTags(row.tags) ? [printServiceNode(row, node)] : []
        })
        .filter(matching),
      index: catalog.serviceIndex(name, false),
    }),
  })
}

/** Finds a node by its name or its complete ID. */
const findNode = ({catalog}: State, name: string): NodeRow | undefined => catalog.node(name) ?? catalog.nodeById(name)

/**
 * Answers a read of one node with its services, which `?filter=` can select. The argument `isList` of `print` is false
 * if the node has no services and the request has no filter.
 */
function ofNode(
  call: Call,
  print: (services: readonly ServiceRow[], node: NodeRow, isList: boolean) => Printable,
  missing: Printable,
): Promise<Reply> {
  const name = requireRest(call, 'Missing node name')
  return catalogRead(call, {
    topics: ({state}) => {
      const known = findNode(state, name)
      // A client can wait for a node that does not exist yet. What the client requested may become the node's name or
      // its ID.
      return known ? [`node:${known.name.toLowerCase()}`] : [`node:${name.toLowerCase()}`, 'nodes']
    },
    fields: rowFields.service,
    read: ({state}, {may, matching}) => {
      const node = findNode(state, name)
      if (!node || !may.can('node', node.name, 'read')) return {value: missing, index: 0n, found: false}
      const {catalog} = state
      const readable = catalog.servicesOf(node.name).filter(row => may.can('service', row.name, 'read'))
      const services = readable.filter(row => matching(printService(row)))
      return {
        value: print(services, node, readable.length > 0 || call.query.get('filter') !== ''),
        index: maxOf(catalog.tableIndex('nodes'), catalog.tableIndex('services')),
      }
    },
  })
}

const node = (call: Call): Promise<Reply> =>
  ofNode(
    call,
    (services, row) => ({
      Node: printNode(row),
      Services: new Map(services.map(service => [service.id, printService(service)])),
    }),
    null,
  )

const nodeServices = (call: Call): Promise<Reply> =>
  ofNode(
    call,
    (services, row, isList) => ({
      Node: printNode(row),
      Services: isList ? services.map(service => printService(service)) : null,
    }),
    {Node: null, Services: null},
  )

export const catalogRoutes: readonly Route[] = [
  get('/v1/catalog/datacenters', datacenters),
  get('/v1/catalog/nodes', nodes),
  get('/v1/catalog/services', services),
  get('/v1/catalog/service/', service),
  get('/v1/catalog/node/', node),
  get('/v1/catalog/node-services/', nodeServices),
  put('/v1/catalog/register', register),
  put('/v1/catalog/deregister', deregister),
]
