import type {Authorizer} from '../acl/authorizer.js'
import {samples} from '../filter/samples.js'
import type {Printable} from '../go/json-print.js'
import type {Call} from '../http/call.js'
import {badRequest, type Reply} from '../http/reply.js'
import {get, type Route} from '../http/route.js'
import type {CheckRow, ServiceRow} from '../store/catalog-rows.js'
import type {State} from '../store/state.js'
import {printCheck, printNode, printService} from './catalog-print.js'
import {catalogRead, nodeMetaFilter, requireRest, tagFilter} from './catalog-read.js'

function node(call: Call): Promise<Reply> {
  const name = requireRest(call, 'Missing node name')
  return checksRead(call, `checks-node:${name.toLowerCase()}`, ({catalog}) => catalog.checksOf(name))
}

function checks(call: Call): Promise<Reply> {
  const name = requireRest(call, 'Missing service name').toLowerCase()
  return checksRead(call, `checks-service:${name}`, ({catalog}) =>
    catalog.allChecks().filter(check => check.serviceName.toLowerCase() === name),
  )
}

function state(call: Call): Promise<Reply> {
  const wanted = requireRest(call, 'Missing check state')
  const topic = wanted === 'any' ? 'checks' : `state:${wanted}`
  return checksRead(call, topic, ({catalog}) =>
    catalog.allChecks().filter(check => wanted === 'any' || check.status === wanted),
  )
}

const mayReadCheck = (may: Authorizer, check: CheckRow): boolean =>
  may.can('node', check.node, 'read') && (check.serviceName === '' || may.can('service', check.serviceName, 'read'))

function checksRead(call: Call, topic: string, find: (state: State) => readonly CheckRow[]): Promise<Reply> {
  const wanted = nodeMetaFilter(call)
  return catalogRead(call, {
    topics: [topic],
    sample: samples.check,
    read: ({state}, {may, matching}) => ({
      value: find(state)
        .filter(check => wanted(state.catalog.node(check.node)?.meta) && mayReadCheck(may, check))
        .map(check => printCheck(check))
        .filter(matching),
      index: state.catalog.tableIndex('checks'),
    }),
  })
}

/** `?passing`: bare or true; false turns it off; anything else is refused. */
function passingOnly(call: Call): boolean {
  if (!call.query.has('passing')) return false
  const text = call.query.get('passing')
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false
  throw badRequest('Invalid value for ?passing')
}

const checksOfInstance = ({catalog}: State, row: ServiceRow): CheckRow[] =>
  catalog.checksOf(row.node).filter(check => check.serviceId === '' || check.serviceId === row.id)

function service(call: Call): Promise<Reply> {
  const name = requireRest(call, 'Missing service name')
  const [wantedMeta, wantedTags, passing] = [nodeMetaFilter(call), tagFilter(call), passingOnly(call)]
  const lower = name.toLowerCase()
  return catalogRead(call, {
    topics: [`service:${lower}`, `health:${lower}`],
    sample: samples.health,
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
