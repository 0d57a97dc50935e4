import type {Authorizer} from '../acl/authorizer.js'
import type {Datacenter} from '../datacenter.js'
import {Decoded} from '../go/decode.js'
import {type Printable, printJson} from '../go/json-print.js'
import {permissionDenied, RpcError} from '../refusals.js'
import type {Batch} from '../store/batch.js'
import type {CheckRow, NodeRow, ServiceRow} from '../store/catalog-rows.js'
import {printCheck, printNode, printService} from './catalog-print.js'
import {checkNodeId, checkService, nodeIdError, serviceDraft} from './catalog-write.js'
import {checkDraft} from './check-body.js'
import type {Operation} from './txn-operation.js'

const quote = (text: string): string => JSON.stringify(text)
const nothing = new Decoded(new Map())

/** Returns the node or service for which the token needs write permission. */
function ownerOf(kind: Operation['kind'], body: Decoded): readonly ['node' | 'service', string] {
  if (kind === 'Service') return ['service', body.object('Service')?.string('Service') ?? '']
  return ['node', (kind === 'Node' ? body.object('Node') : body.object('Check'))?.string('Node') ?? '']
}

/** Checks one operation before any operation of the transaction is applied. Throws if the operation is refused. */
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
    checkService(body.object('Service') ?? nothing)
  }
}

/** The node, service or check on which an operation acts. The same five verbs apply to all three kinds. */
interface Subject<Row extends {readonly modifyIndex: bigint}> {
  readonly kind: 'Node' | 'Service' | 'Check'
  /** The name that error messages show. */
  readonly label: string
  readonly known: Row | undefined
  readonly index: bigint
  readonly put: () => Row
  readonly remove: (row: Row) => void
  readonly print: (row: Row) => Printable
}

type Indexed = Pick<Subject<{readonly modifyIndex: bigint}>, 'known' | 'index' | 'label'>

function requireIndex({known, index, label}: Indexed): void {
  if ((known?.modifyIndex ?? 0n) !== index) throw new RpcError(`failed to set ${label}, index is stale`)
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
      requireIndex(subject)
      return shown(subject.put())
    case 'delete':
      if (known) subject.remove(known)
      return []
    case 'delete-cas':
      if (!known || known.modifyIndex !== subject.index) throw new RpcError(`failed to delete ${label}, index is stale`)
      subject.remove(known)
      return []
    default:
      throw new RpcError(`unknown ${kind} verb ${quote(verb)}`)
  }
}

function nodeSubject(batch: Batch, {state, name: datacenter}: Datacenter, {body, verb}: Operation): Subject<NodeRow> {
  const node = body.object('Node') ?? nothing
  const [name, id] = [node.string('Node'), node.string('ID')]
  const malformed = verb === 'get' ? nodeIdError(id) : undefined
  if (malformed !== undefined) throw new RpcError(`node lookup by ID failed, wrong UUID: ${malformed} for '${id}'`)
  return {
    kind: 'Node',
    label: `node ${quote(name)}`,
    // A read with an ID finds the node by the ID alone. All other operations find the node by its name.
    known: verb === 'get' && id !== '' ? state.catalog.nodeById(id) : state.catalog.node(name),
    index: node.uint64('ModifyIndex'),
    put: () => {
      const draft = {
        id: id.toLowerCase(),
        name,
        address: node.string('Address'),
        datacenter: node.string('Datacenter') || datacenter,
        taggedAddresses: node.map('TaggedAddresses'),
        meta: node.map('Meta'),
      }
      const wrong = state.takenNameError(draft)
      if (wrong !== undefined) throw new RpcError(wrong)
      return state.putNode(batch, draft)
    },
    remove: row => state.removeNode(batch, row),
    print: printNode,
  }
}

function serviceSubject(batch: Batch, {state}: Datacenter, {body, verb}: Operation): Subject<ServiceRow> {
  const node = body.string('Node')
  const service = body.object('Service') ?? nothing
  const given = serviceDraft(node, service)
  // For a read, a missing ID does not default to the service's name.
  const draft = verb === 'get' ? {...given, id: service.string('ID')} : given
  return {
    kind: 'Service',
    label: `service ${quote(draft.id)} on node ${quote(node)}`,
    known: state.catalog.service(node, draft.id),
    index: service.uint64('ModifyIndex'),
    put: () => {
      if (!state.catalog.node(node)) throw new RpcError('Missing node registration')
      if (draft.id === '') throw new RpcError('failed inserting service: object missing primary index')
      return state.catalog.putService(batch, draft)
    },
    remove: row => state.removeService(batch, row),
    print: row => printService(row, row.tags ?? null),
  }
}

function checkSubject(batch: Batch, {state}: Datacenter, {body, verb}: Operation): Subject<CheckRow> {
  const check = body.object('Check') ?? nothing
  const node = check.string('Node')
  const given = checkDraft(node, check)
  const draft = verb === 'get' ? {...given, id: check.string('CheckID')} : given
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

/** Applies one operation, and returns its results as JSON. */
export function applyCatalog(batch: Batch, target: Datacenter, operation: Operation): readonly string[] {
  const {kind, verb} = operation
  if (kind === 'Node') return act(verb, nodeSubject(batch, target, operation))
  if (kind === 'Service') return act(verb, serviceSubject(batch, target, operation))
  const subject = checkSubject(batch, target, operation)
  if (verb !== 'cas') return act(verb, subject)
  requireIndex(subject)
  try {
    return act(verb, subject)
  } catch (error) {
    // As in Consul, a check that cannot be stored is ignored. Only an index that does not match is an error.
    if (error instanceof RpcError) return []
    throw error
  }
}
