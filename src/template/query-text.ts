import {quote} from '../gotemplate/format/quote.js'
import {GoError} from '../gotemplate/value/values.js'

/**
 * The datacenter and other parameters of a query. If a part is undefined, the client's default
 * applies.
 */
export interface Where {
  readonly datacenter?: string
  readonly namespace?: string
  readonly partition?: string
  /** The node from which Consul measures distance. */
  readonly near?: string
}

/** A service query of a template. */
export interface ServiceText extends Where {
  readonly name: string
  readonly tag?: string
  /** States of the instances to return; empty for all states. */
  readonly states: readonly string[]
}

const service =
  /^(?:(?<tag>[\w=:.\-]+)\.)?(?<name>[\w-]+)(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?(?:~(?<near>[\w.-]+))?(?:\|(?<filter>[\w,]+))?$/
const keyed = /^\/?(?<path>[^@?]+)(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?$/
const placed = /^(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?(?:~(?<near>[\w.-]+))?$/

const knownStates = new Set(['any', 'passing', 'warning', 'critical', 'maintenance'])

/** Parses `tag.name?query@dc~near|filter`. Throws a {@link GoError} if the syntax is wrong. */
export function parseService(text: string): ServiceText {
  const groups = service.exec(text)?.groups
  if (groups === undefined) throw new GoError(`health.service: invalid format: ${quote(text)}`)
  const {name = '', tag, filter} = groups
  const states = filter === undefined ? ['passing'] : filter.split(',').filter(state => state !== '')
  const unknown = states.find(state => !knownStates.has(state))
  if (unknown !== undefined) {
    throw new GoError(`health.service: invalid filter: ${quote(unknown)} in ${quote(text)}`)
  }
  return {
    name,
    ...(tag !== undefined && {tag}),
    states: states.includes('any') ? [] : states.toSorted(),
    ...whereOf('health.service', text, groups),
  }
}

/** Parses `path?query@dc` of a key or a prefix. */
export function parseKey(kind: string, text: string): Where & {readonly path: string} {
  const groups = keyed.exec(text)?.groups
  if (groups === undefined) throw new GoError(`${kind}: invalid format: ${quote(text)}`)
  return {path: groups['path'] ?? '', ...whereOf(kind, text, groups)}
}

const nodeText = /^(?<name>[\w.-]+)?(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?$/

/** Parses `name?query@dc` of a node; the name is optional. */
export function parseNode(text: string): Where & {readonly name: string | undefined} {
  const groups = nodeText.exec(text)?.groups
  if (groups === undefined) throw new GoError(`catalog.node: invalid format: ${quote(text)}`)
  return {name: groups['name'], ...whereOf('catalog.node', text, groups)}
}

/** Parses `@dc`, which is optional. */
export function parsePlace(kind: string, text: string): Where {
  const groups = placed.exec(text)?.groups
  if (groups === undefined) throw new GoError(`${kind}: invalid format: ${quote(text)}`)
  return whereOf(kind, text, groups)
}

function whereOf(kind: string, text: string, groups: Readonly<Record<string, string | undefined>>): Where {
  const {dc, near, query} = groups
  const parameters = new URLSearchParams(query ?? '')
  for (const name of parameters.keys()) {
    if (name !== 'ns' && name !== 'partition') {
      throw new GoError(`${kind}: unknown query parameter ${quote(name)} in ${quote(text)}`)
    }
  }
  const namespace = parameters.get('ns')
  const partition = parameters.get('partition')
  return {
    ...(dc !== undefined && {datacenter: dc}),
    ...(near !== undefined && {near}),
    ...(namespace !== null && {namespace}),
    ...(partition !== null && {partition}),
  }
}
