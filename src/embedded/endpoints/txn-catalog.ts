import type {Authorizer} from '../acl/authorizer.js'
import type {Datacenter} from '../datacenter.js'
import {Decoded} from '../go/decode.js'
import {type Printable, printJson} from '../go/json-print.js'
import {permissionDenied, RpcError} from '../http/reply.js'
import type {Batch} from '../store/batch.js'
import type {CheckRow, NodeRow, ServiceRow} from '../store/catalog-rows.js'
import {printCheck, printNode, printService} from './catalog-print.js'
import {checkDraft, checkNodeId, serviceDraft} from './catalog-write.js'
import type {Operation} from './txn-operation.js'

const quote = (text: string): string => JSON.stringify(text)
const nothing = new Decoded(new Map())

/** Whose right a write needs. */
function ownerOf(kind: Operation['kind'], body: Decoded): readonly ['node' | 'service', string] {
  if (kind === 'Service') return ['service', body.object('Service')?.string('Service') ?? '']
  return ['node', (kind === 'Node' ? body.object('Node') : body.object('Check'))?.string('Node') ?? '']
}

/** Refusals that are found before anything is tried. */
export function catalogPreCheck(may: Authorizer, {kind, body, verb}: Operation): void {
  if (verb === 'get') return
  const [resource, name] = ownerOf(kind, body)
  if (!may.can(resource, name, 'write')) throw permissionDenied()
  if (kind === 'Node') {
    const node = body.object('Node') ?? nothing
    if (node.string('Node') === '') throw new RpcError('Must provide node')
    checkNodeId(node.string('ID'))
  }
  if (kind === 'Service') {
    const service = body.object('Service') ?? nothing
    if (service.string('Service') === '' && (verb === 'set' || verb === 'cas' || !body.has('Service'))) {
      throw new RpcError('Must provide service name with ID')
    }
  }
}

/** The five verbs that nodes, services and checks share. */
interface Subject<Row extends {readonly modifyIndex: bigint}> {
  readonly kind: 'Node' | 'Service' | 'Check'
  /** As refusals name it. */
  readonly label: string
  readonly known: Row | undefined
  readonly index: bigint
  readonly put: () => Row
  readonly remove: (row: Row) => void
  readonly print: (row: Row) => Printable
}

function act<Row extends {readonly modifyIndex: bigint}>(verb: string, subject: Subject<Row>): readonly string[] {
  const {known, label, kind} = subject
  const shown = (row: Row): readonly string[] => [`{"${kind}":${printJson(subject.print(row))}}`]
  switch (verb) {
    case 'get':
      if (!known) throw new RpcError(`${label} doesn't exist`)
      return shown(known)
    case 'set':
      return shown(subject.put())
    case 'cas':
      if ((known?.modifyIndex ?? 0n) !== subject.index) throw new RpcError(`failed to set ${label}, index is stale`)
      return shown(subject.put())
    case 'delete':
      if (known) subject.remove(known)
      return []
    case 'delete-cas':
      if (known && known.modifyIndex !== subject.index) {
        throw new RpcError(`failed to delete ${label}, index is stale`)
      }
      if (known) subject.remove(known)
      return []
    default:
      throw new RpcError(`unknown ${kind} verb ${quote(verb)}`)
  }
}

function nodeSubject(batch: Batch, {state, name: datacenter}: Datacenter, body: Decoded): Subject<NodeRow> {
  const node = body.object('Node') ?? nothing
  const [name, id] = [node.string('Node'), node.string('ID')]
  return {
    kind: 'Node',
    label: `node ${quote(name)}`,
    known: (id === '' ? undefined : state.catalog.nodeById(id)) ?? state.catalog.node(name),
    index: node.uint64('ModifyIndex'),
    put: () =>
      state.catalog.putNode(batch, {
        id: id.toLowerCase(),
        name,
        address: node.string('Address'),
        datacenter: node.string('Datacenter') || datacenter,
        taggedAddresses: node.map('TaggedAddresses'),
        meta: node.map('Meta'),
      }),
    remove: row => state.removeNode(batch, row),
    print: printNode,
  }
}

function serviceSubject(batch: Batch, {state}: Datacenter, body: Decoded): Subject<ServiceRow> {
  const node = body.string('Node')
  const service = body.object('Service') ?? nothing
  const draft = serviceDraft(node, service)
  return {
    kind: 'Service',
    label: `service ${quote(draft.id)} on node ${quote(node)}`,
    known: state.catalog.service(node, draft.id),
    index: service.uint64('ModifyIndex'),
    put: () => {
      if (!state.catalog.node(node)) throw new RpcError('Missing node registration')
      return state.catalog.putService(batch, draft)
    },
    remove: row => state.removeService(batch, row),
    print: row => printService(row, row.tags ?? null),
  }
}

function checkSubject(batch: Batch, {state}: Datacenter, body: Decoded): Subject<CheckRow> {
  const check = body.object('Check') ?? nothing
  const node = check.string('Node')
  const draft = checkDraft(node, check)
  return {
    kind: 'Check',
    label: `check ${quote(draft.id)} on node ${quote(node)}`,
    known: state.catalog.check(node, draft.id),
    index: check.uint64('ModifyIndex'),
    put: () => {
      if (!state.catalog.node(node)) throw new RpcError('Missing node registration')
      if (draft.id === '') throw new RpcError('failed inserting check: object missing primary index')
      const service = draft.serviceId === '' ? undefined : state.catalog.service(node, draft.serviceId)
      if (draft.serviceId !== '' && !service) throw new RpcError('Missing service registration')
      return state.putCheck(batch, service ? {...draft, serviceName: service.name, serviceTags: service.tags} : draft)
    },
    remove: row => state.removeCheck(batch, row),
    print: row => printCheck(row, row.serviceTags ?? null),
  }
}

/** Applies one operation; returns what it adds to the results. */
export function applyCatalog(batch: Batch, target: Datacenter, {kind, verb, body}: Operation): readonly string[] {
  if (kind === 'Node') return act(verb, nodeSubject(batch, target, body))
  if (kind === 'Service') return act(verb, serviceSubject(batch, target, body))
  return act(verb, checkSubject(batch, target, body))
}
