import type {Printable} from '../go/json-print.js'
import type {CheckRow, NodeRow, ServiceRow} from '../store/catalog-rows.js'

export const printNode = (row: NodeRow): Printable => ({
  ID: row.id,
  Node: row.name,
  Address: row.address,
  Datacenter: row.datacenter,
  TaggedAddresses: row.taggedAddresses ?? null,
  Meta: row.meta ?? null,
  CreateIndex: row.createIndex,
  ModifyIndex: row.modifyIndex,
})

export const printWeights = (row: Pick<ServiceRow, 'weights'>): Printable => ({
  Passing: row.weights.passing,
  Warning: row.weights.warning,
})

export const printTagged = (row: Pick<ServiceRow, 'taggedAddresses'>): Printable =>
  row.taggedAddresses && row.taggedAddresses.size > 0
    ? new Map([...row.taggedAddresses].map(([name, at]) => [name, {Address: at.address, Port: at.port}]))
    : undefined

const proxy = {MeshGateway: {}, Expose: {}}

/**
 * The form of a service in catalog/node and health: absent tags are `[]`, absent metadata is
 * `null`.
 */
export const printService = (row: ServiceRow, tags: Printable = row.tags ?? []): Printable => ({
  Kind: row.kind || undefined,
  ID: row.id,
  Service: row.name,
  Tags: tags,
  Address: row.address,
  TaggedAddresses: printTagged(row),
  Meta: row.meta ?? null,
  Port: row.port,
  Weights: printWeights(row),
  EnableTagOverride: row.enableTagOverride,
  Proxy: proxy,
  Connect: {},
  CreateIndex: row.createIndex,
  ModifyIndex: row.modifyIndex,
})

/** The form of a service in catalog/service: one flat object that includes the node. */
export const printServiceNode = (row: ServiceRow, node: NodeRow): Printable => ({
  ID: node.id,
  Node: row.node,
  Address: node.address,
  Datacenter: node.datacenter,
  TaggedAddresses: node.taggedAddresses ?? null,
  NodeMeta: node.meta ?? null,
  ServiceKind: row.kind,
  ServiceID: row.id,
  ServiceName: row.name,
  ServiceTags: row.tags ?? [],
  ServiceAddress: row.address,
  ServiceTaggedAddresses: printTagged(row),
  ServiceWeights: printWeights(row),
  ServiceMeta: row.meta ?? new Map(),
  ServicePort: row.port,
  ServiceEnableTagOverride: row.enableTagOverride,
  ServiceProxy: proxy,
  ServiceConnect: {},
  CreateIndex: row.createIndex,
  ModifyIndex: row.modifyIndex,
})

export const printCheck = (row: CheckRow, tags: Printable = row.serviceTags ?? []): Printable => ({
  Node: row.node,
  CheckID: row.id,
  Name: row.name,
  Status: row.status,
  Notes: row.notes,
  Output: row.output,
  ServiceID: row.serviceId,
  ServiceName: row.serviceName,
  ServiceTags: tags,
  Type: row.type,
  Definition: row.definition,
  CreateIndex: row.createIndex,
  ModifyIndex: row.modifyIndex,
})
