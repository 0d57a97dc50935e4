import {RE2JS} from 're2js'
import {messageOf, UsageError} from '../../core/errors.js'
import type {NodeSelector} from '../types.js'

/** Judges one text, anywhere in it, as Go's `MatchString` does. */
export type Matcher = (text: string) => boolean

const anything: Matcher = () => true
const nothing: Matcher = () => false

/** Compiles with RE2's rules, so that a hostile pattern cannot hang us and agents agree with us. */
export function compileFilter(what: string, pattern: string | undefined): Matcher | undefined {
  if (pattern === undefined || pattern === '') return undefined
  try {
    const compiled = RE2JS.compile(pattern)
    return text => compiled.matcher(text).find()
  } catch (error) {
    throw new UsageError(`${what} filter '${pattern}': ${messageOf(error)}`, {
      hint: 'filters are RE2 regular expressions, not anchored: ^web-1$ matches one node',
      details: {filter: what},
    })
  }
}

/** What a selector asks of a node's services: their IDs and tags. */
export interface LocalService {
  readonly id: string
  readonly tags: readonly string[]
}

export interface CompiledSelector {
  readonly isWhole: boolean
  readonly needsServices: boolean
  matchesName(node: string): boolean
  matchesService(service: LocalService): boolean
}

export function compileSelector(selector: NodeSelector): CompiledSelector {
  if (selector.tag !== undefined && selector.tag !== '' && (selector.service ?? '') === '') {
    throw new UsageError('Cannot provide tag filter without service filter.', {
      hint: 'set `service` as well, which matches service IDs',
    })
  }
  const node = compileFilter('node', selector.node) ?? anything
  const exclude = compileFilter('exclude', selector.exclude) ?? nothing
  const service = compileFilter('service', selector.service)
  const tag = compileFilter('tag', selector.tag)
  return {
    isWhole: (selector.node ?? '') === '' && (selector.exclude ?? '') === '' && !service,
    needsServices: service !== undefined,
    matchesName: name => node(name) && !exclude(name),
    matchesService: ({id, tags}) => (service?.(id) ?? true) && (tag === undefined || tags.some(tag)),
  }
}

/** An anchored expression for exactly these names. */
export const toNodePattern = (nodes: readonly string[]): string =>
  `^(?:${nodes.map(node => RE2JS.quote(node)).join('|')})$`
