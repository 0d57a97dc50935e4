import {aclOtherRoutes} from '../endpoints/acl-others.js'
import {aclPolicyRoutes} from '../endpoints/acl-policies.js'
import {aclTokenRoutes} from '../endpoints/acl-tokens.js'
import {agentRoutes} from '../endpoints/agent.js'
import {agentCheckRoutes} from '../endpoints/agent-checks.js'
import {catalogRoutes} from '../endpoints/catalog.js'
import {eventRoutes} from '../endpoints/event.js'
import {healthRoutes} from '../endpoints/health.js'
import {kvRoutes} from '../endpoints/kv.js'
import {operatorRoutes} from '../endpoints/operator.js'
import {sessionRoutes} from '../endpoints/session.js'
import {snapshotRoutes} from '../endpoints/snapshot.js'
import {statusRoutes} from '../endpoints/status.js'
import {txnRoutes} from '../endpoints/txn.js'
import {unservedRoutes} from '../endpoints/unserved.js'
import type {Route} from './route.js'

const routes: readonly Route[] = [
  ...kvRoutes,
  ...sessionRoutes,
  ...txnRoutes,
  ...eventRoutes,
  ...catalogRoutes,
  ...healthRoutes,
  ...agentRoutes,
  ...agentCheckRoutes,
  ...statusRoutes,
  ...aclPolicyRoutes,
  ...aclTokenRoutes,
  ...aclOtherRoutes,
  ...snapshotRoutes,
  ...operatorRoutes,
  ...unservedRoutes,
]
const exact = new Map(routes.filter(route => !route.path.endsWith('/')).map(route => [route.path, route]))
const subtrees = routes.filter(route => route.path.endsWith('/')).sort((a, b) => b.path.length - a.path.length)

/** The route of a clean path; `slash` when it lacks only its final slash. */
export function findRoute(path: string): {readonly route: Route; readonly rest: string} | 'slash' | undefined {
  const whole = exact.get(path)
  if (whole) return {route: whole, rest: ''}
  const subtree = subtrees.find(route => path.startsWith(route.path))
  if (subtree) return {route: subtree, rest: path.slice(subtree.path.length)}
  return subtrees.some(route => route.path === `${path}/`) ? 'slash' : undefined
}
