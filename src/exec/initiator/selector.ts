import {messageOf, UsageError} from '../../core/errors.js'
import {loadRe2, type Re2Matcher} from '../../core/re2.js'
import type {NodeSelector} from '../types.js'

const anything: Re2Matcher = () => true
const nothing: Re2Matcher = () => false

/**
 * Compiles a filter by the rules of Consul's agents. Resolves with undefined for an empty filter. Rejects with a
 * UsageError if the filter is not a regular expression.
 */
export async function compileFilter(what: string, pattern: string | undefined): Promise<Re2Matcher | undefined> {
  if (pattern === undefined || pattern === '') return undefined
  const re2 = await loadRe2()
  try {
    return re2.compile(pattern)
  } catch (error) {
    throw new UsageError(`${what} filter '${pattern}': ${messageOf(error)}`, {
      hint: 'filters are RE2 regular expressions, not anchored: ^web-1$ matches one node',
      details: {filter: what},
    })
  }
}

/** The parts of a node's service that a selector compares. */
export interface SelectableService {
  readonly id: string
  readonly tags: readonly string[]
}

export interface CompiledSelector {
  readonly needsServices: boolean
  /** Exact names of expected nodes; undefined if the selector names none. */
  readonly names: ReadonlySet<string> | undefined
  /** True if the filters of an event can express the whole selector. */
  readonly isExpressible: boolean
  readonly health: NodeSelector['health']
  matchesName(node: string): boolean
  matchesService(service: SelectableService): boolean
}

/**
 * Compiles a selector. Rejects with a UsageError if a filter cannot be compiled, or if a tag is given without a
 * service.
 */
export async function compileSelector(selector: NodeSelector): Promise<CompiledSelector> {
  if (selector.tag !== undefined && selector.tag !== '' && (selector.service ?? '') === '') {
    throw new UsageError('Cannot provide tag filter without service filter.', {
      hint: 'set `service` as well, which matches service IDs',
    })
  }
  const node = (await compileFilter('node', selector.node)) ?? anything
  const exclude = (await compileFilter('exclude', selector.exclude)) ?? nothing
  const service = await compileFilter('service', selector.service)
  const tag = await compileFilter('tag', selector.tag)
  const {names, excludedNames = [], health} = selector
  const named = names && new Set(names)
  const excluded = new Set(excludedNames)
  return {
    needsServices: service !== undefined,
    names: named,
    isExpressible: !named && excluded.size === 0 && health === undefined && (selector.exclude ?? '') === '',
    health,
    matchesName: name => node(name) && !exclude(name) && (named?.has(name) ?? true) && !excluded.has(name),
    matchesService: ({id, tags}) => (service?.(id) ?? true) && (tag === undefined || tags.some(tag)),
  }
}

/** Resolves with a function that converts names to an anchored regular expression that matches exactly these names. */
export async function nodePattern(): Promise<(nodes: readonly string[]) => string> {
  const re2 = await loadRe2()
  return nodes => `^(?:${nodes.map(node => re2.quote(node)).join('|')})$`
}
