import type {FindRoute, Route} from '../http/route.js'
import {aclAuthorizeRoutes} from './acl-authorize.js'
import {aclOtherRoutes} from './acl-others.js'
import {aclPolicyRoutes} from './acl-policies.js'
import {aclTokenRoutes} from './acl-tokens.js'
import {agentRoutes} from './agent.js'
import {agentCheckRoutes} from './agent-checks.js'
import {catalogRoutes} from './catalog.js'
import {eventRoutes} from './event.js'
import {healthRoutes} from './health.js'
import {kvRoutes} from './kv.js'
import {operatorRoutes} from './operator.js'
import {sessionRoutes} from './session.js'
import {snapshotRoutes} from './snapshot.js'
import {statusRoutes} from './status.js'
import {txnRoutes} from './txn.js'
import {unservedRoutes} from './unserved.js'

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
  ...aclAuthorizeRoutes,
  ...snapshotRoutes,
  ...operatorRoutes,
  ...unservedRoutes,
]
const exact = new Map(routes.filter(route => !route.path.endsWith('/')).map(route => [route.path, route]))
const subtrees = routes.filter(route => route.path.endsWith('/')).sort((a, b) => b.path.length - a.path.length)

export const findRoute: FindRoute = path => {
  const whole = exact.get(path)
  if (whole) return {route: whole, rest: ''}
  const subtree = subtrees.find(route => path.startsWith(route.path))
  if (subtree) return {route: subtree, rest: path.slice(subtree.path.length)}
  return subtrees.some(route => route.path === `${path}/`) ? 'slash' : undefined
}
