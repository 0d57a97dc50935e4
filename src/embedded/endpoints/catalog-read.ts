import type {Authorizer} from '../acl/authorizer.js'
import type {Datacenter} from '../datacenter.js'
import type {Fields} from '../filter/fields.js'
import {filterOf, type RowFilter} from '../filter/filter.js'
import type {Printable} from '../go/json-print.js'
import {blockingRead, effective, metaHeaders, type Reading} from '../http/blocking.js'
import {cacheHeaders} from '../http/cached.js'
import {type Call, readParameters} from '../http/call.js'
import {jsonReply, type Reply} from '../http/reply.js'
import {badRequest} from '../refusals.js'
import type {StringMap} from '../store/catalog-rows.js'
import {withMetaOnRefusal} from './session.js'

/** The permissions of the token and the filter of the request. Both may leave out rows of the answer. */
export interface ReadScope {
  readonly may: Authorizer
  readonly matching: RowFilter
}

export interface CatalogRead {
  readonly topics: (target: Datacenter) => readonly string[]
  /** The fields by which `?filter=` can select rows. Default: `?filter=` is not supported. */
  readonly fields?: Fields
  /** True to refuse namespaces. One endpoint of Consul ignores them instead. @default true */
  readonly refusesNamespaces?: boolean
  /** True if the agent's cache may answer. @default false */
  readonly isCacheable?: boolean
  readonly read: (target: Datacenter, scope: ReadScope) => Reading<Printable>
}

/**
 * Answers a read of the catalog or of health. All of these reads can block, and their headers state
 * the consistency.
 */
export async function catalogRead(call: Call, query: CatalogRead): Promise<Reply> {
  const parameters = readParameters(call, query.refusesNamespaces)
  return await withMetaOnRefusal(async () => {
    const target = call.target()
    const {value, index} = await call.rpc(target, () => {
      const matching = query.fields ? filterOf(call.query.get('filter'), query.fields) : () => true
      const scope = {may: call.may, matching}
      return blockingRead(call, target, {
        parameters,
        watch: {topics: query.topics(target)},
        read: () => query.read(target, scope),
      })
    })
    const cache = query.isCacheable ? cacheHeaders(call) : {}
    return jsonReply(value, {...metaHeaders(index), ...effective(parameters.mode), ...cache})
  })
}

export function requireRest(call: Call, text: string): string {
  readParameters(call)
  if (call.rest === '') throw badRequest(text)
  return call.name
}

/**
 * Returns the topic to watch for a query with `?node-meta=`: that of the first metadata field, by which Consul finds
 * the nodes. Returns undefined if the parameter is absent.
 */
export function nodeMetaTopic(call: Call): string | undefined {
  const [meta] = call.query.all('node-meta')
  return meta === undefined ? undefined : `node-meta:${meta.includes(':') ? meta : `${meta}:`}`
}

/**
 * Returns the filter of `?node-meta=key:value`. The parameter may be repeated, and a node must
 * match all of them.
 */
export function nodeMetaFilter(call: Call): (meta: StringMap | undefined) => boolean {
  const wanted = call.query.all('node-meta').map(text => {
    const cut = text.indexOf(':')
    return cut < 0 ? ([text, ''] as const) : ([text.slice(0, cut), text.slice(cut + 1)] as const)
  })
  return meta => wanted.every(([key, value]) => meta?.get(key) === value)
}

/**
 * Returns the filter of `?tag=`. The parameter may be repeated. A service must then have all of these tags, which are
 * compared without regard to case.
 */
export function tagFilter(call: Call): (tags: readonly string[] | undefined) => boolean {
  const wanted = call.query.all('tag').map(tag => tag.toLowerCase())
  return tags => wanted.every(tag => tags?.some(own => own.toLowerCase() === tag) === true)
}
