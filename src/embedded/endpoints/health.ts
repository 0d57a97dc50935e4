import type {Authorizer} from '../acl/authorizer.js'
import {rowFields} from '../filter/fields.js'
import type {Printable} from '../go/json-print.js'
import type {Call} from '../http/call.js'
import {type Reply} from '../http/reply.js'
import {get, type Route} from '../http/route.js'
import {badRequest} from '../refusals.js'
import {type CheckRow, isCheckOf, type ServiceRow} from '../store/catalog-rows.js'
import type {State} from '../store/state.js'
import {printCheck, printNode, printService} from './catalog-print.js'
import {catalogRead, nodeMetaFilter, nodeMetaTopic, requireRest, tagFilter} from './catalog-read.js'

function node(call: Call): Promise<Reply> {
  const name = requireRest(call, 'Missing node name')
  return checksRead(call, {
    topics: () => [`checks-node:${name.toLowerCase()}`],
    find: ({catalog}) => catalog.checksOf(name),
    isOfOneNode: true,
  })
}

function checks(call: Call): Promise<Reply> {
  const name = requireRest(call, 'Missing service name').toLowerCase()
  const find = ({catalog}: State): readonly CheckRow[] =>
    catalog.allChecks().filter(check => check.serviceName.toLowerCase() === name)
  const topic = `checks-service:${name}`
  if (nodeMetaTopic(call) === undefined) return checksRead(call, {topics: () => [topic], find})
  // As in Consul, a query with `?node-meta=` reports the index of the service. A change of a node ends the query only
  // if the answer contains checks of that node.
  const indexOf = ({catalog}: State): bigint => catalog.presumedServiceIndex(name)
  const topics = (of: State): readonly string[] => [topic, ...find(of).map(({node: on}) => `node:${on.toLowerCase()}`)]
  return checksRead(call, {topics, find, indexOf})
}

function state(call: Call): Promise<Reply> {
  const wanted = requireRest(call, 'Missing check state')
  return checksRead(call, {
    topics: () => [wanted === 'any' ? 'checks' : `state:${wanted}`],
    find: ({catalog}) => catalog.allChecks().filter(check => wanted === 'any' || check.status === wanted),
  })
}

const mayReadCheck = (may: Authorizer, check: CheckRow): boolean =>
  may.can('node', check.node, 'read') && (check.serviceName === '' || may.can('service', check.serviceName, 'read'))

interface ChecksQuery {
  /** Returns the topics whose changes end a blocking query. */
  readonly topics: (state: State) => readonly string[]
  readonly find: (state: State) => readonly CheckRow[]
  /** True if the path names a node, so that `?node-meta=` has no effect. @default false */
  readonly isOfOneNode?: boolean
  /** Returns the index of the answer. Default: the index of all checks. */
  readonly indexOf?: (state: State) => bigint
}

function checksRead(call: Call, {topics, find, indexOf, isOfOneNode}: ChecksQuery): Promise<Reply> {
  const wanted = isOfOneNode ? () => true : nodeMetaFilter(call)
  return catalogRead(call, {
    topics: target => topics(target.state),
    fields: rowFields.check,
    read: ({state}, {may, matching}) => ({
      value: find(state)
        .filter(check => wanted(state.catalog.node(check.node)?.meta) && mayReadCheck(may, check))
        .map(check => printCheck(check))
        .filter(matching),
      index: indexOf ? indexOf(state) : state.catalog.tableIndex('checks'),
    }),
  })
}

/**
 * Parses `?passing`, which selects passing instances if it has no value or a true value. Throws if the value is not a
 * boolean.
 */
function passingOnly(call: Call): boolean {
  if (!call.query.has('passing')) return false
  const text = call.query.get('passing')
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw badRequest('Invalid value for ?passing')
}

/** Returns the checks of the instance's node, followed by those of its service. */
function checksOfInstance({catalog}: State, row: ServiceRow): CheckRow[] {
  const all = catalog.checksOf(row.node)
  return [...all.filter(check => check.serviceId === ''), ...all.filter(check => isCheckOf(check, row))]
}

function service(call: Call): Promise<Reply> {
  const name = requireRest(call, 'Missing service name')
  const [wantedMeta, wantedTags, passing] = [nodeMetaFilter(call), tagFilter(call), passingOnly(call)]
  const lower = name.toLowerCase()
  return catalogRead(call, {
    isCacheable: true,
    topics: () => [`service:${lower}`, `health:${lower}`],
    fields: rowFields.health,
    read: ({state}, {may, matching}) => {
      const value: Printable[] = []
      for (const row of state.catalog.instancesOf(name)) {
        const host = state.catalog.node(row.node)
        if (!host || !wantedMeta(host.meta) || !wantedTags(row.tags)) continue
        if (!may.can('node', host.name, 'read') || !may.can('service', row.name, 'read')) continue
        const own = checksOfInstance(state, row)
        if (passing && own.some(check => check.status !== 'passing')) continue
        const entry = {
          Node: printNode(host),
          Service: printService(row),
          Checks: own.map(check => printCheck(check)),
        }
        if (matching(entry)) value.push(entry)
      }
      return {value, index: state.catalog.serviceIndex(name, true)}
    },
  })
}

export const healthRoutes: readonly Route[] = [
  get('/v1/health/node/', node),
  get('/v1/health/checks/', checks),
  get('/v1/health/state/', state),
  get('/v1/health/service/', service),
]
