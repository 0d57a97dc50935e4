import {quote} from '../gotemplate/format/quote.js'
import {GoError} from '../gotemplate/value/values.js'

/** Where something is asked for. Undefined parts are the client's own. */
export interface Where {
  readonly datacenter?: string
  readonly namespace?: string
  readonly partition?: string
  /** The node from which distance is measured. */
  readonly near?: string
}

/** Which instances of a service are asked for. */
export interface ServiceText extends Where {
  readonly name: string
  readonly tag?: string
  /** The states that count; empty for all. */
  readonly states: readonly string[]
}

const service =
  /^(?:(?<tag>[\w=:.\-]+)\.)?(?<name>[\w-]+)(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?(?:~(?<near>[\w.-]+))?(?:\|(?<filter>[\w,]+))?$/
const keyed = /^\/?(?<path>[^@?]+)(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?$/
const placed = /^(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?(?:~(?<near>[\w.-]+))?$/

const knownStates = new Set(['any', 'passing', 'warning', 'critical', 'maintenance'])

/** Reads `tag.name?query@dc~near|filter`. Throws {@link GoError} if it is not of this form. */
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

/** Reads `path?query@dc` of a key or a prefix. */
export function parseKey(kind: string, text: string): Where & {readonly path: string} {
  const groups = keyed.exec(text)?.groups
  if (groups === undefined) throw new GoError(`${kind}: invalid format: ${quote(text)}`)
  return {path: groups['path'] ?? '', ...whereOf(kind, text, groups)}
}

const nodeText = /^(?<name>[\w.-]+)?(?:\?(?<query>[\w\-=&]+))?(?:@(?<dc>[\w.-]+))?$/

/** Reads `name?query@dc` of a node; the name may be left out. */
export function parseNode(text: string): Where & {readonly name: string | undefined} {
  const groups = nodeText.exec(text)?.groups
  if (groups === undefined) throw new GoError(`catalog.node: invalid format: ${quote(text)}`)
  return {name: groups['name'], ...whereOf('catalog.node', text, groups)}
}

/** Reads `@dc`, which may be left out. */
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
