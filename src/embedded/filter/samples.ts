import {printCheck, printNode, printService, printServiceNode} from '../endpoints/catalog-print.js'
import type {CheckRow, NodeRow, ServiceRow} from '../store/catalog-rows.js'

const indexes = {createIndex: 0n, modifyIndex: 0n}
const node: NodeRow = {
  id: '',
  name: '',
  address: '',
  datacenter: '',
  taggedAddresses: new Map(),
  meta: new Map(),
  ...indexes,
}
const service: ServiceRow = {
  node: '',
  id: '',
  name: '',
  kind: 'x',
  tags: [],
  address: '',
  taggedAddresses: new Map(),
  meta: new Map(),
  port: 0,
  weights: {passing: 1, warning: 1},
  enableTagOverride: false,
  ...indexes,
}
const check: CheckRow = {
  node: '',
  id: '',
  name: '',
  status: '',
  notes: '',
  output: '',
  serviceId: '',
  serviceName: '',
  serviceTags: [],
  type: '',
  definition: new Map(),
  ...indexes,
}

/** Rows with every field, to tell valid selectors from others. */
export const samples = {
  node: printNode(node),
  service: printService(service),
  serviceNode: printServiceNode(service, node),
  check: printCheck(check),
  health: {Node: printNode(node), Service: printService(service), Checks: null},
}
