/** Levels of a policy's rules. Each includes the levels before it, except `deny`. */
export type Access = 'deny' | 'read' | 'list' | 'write'
const resources = ['key', 'session', 'event', 'agent', 'node', 'service', 'query'] as const
export type Resource = (typeof resources)[number]
const scalarResources = ['operator', 'keyring', 'acl'] as const
export type ScalarResource = (typeof scalarResources)[number]

export interface Rule {
  readonly resource: Resource
  readonly name: string
  readonly prefix: boolean
  readonly access: Access
}

export interface RuleSet {
  readonly rules: readonly Rule[]
  readonly scalars: ReadonlyMap<ScalarResource, Access>
}

export class RuleError extends Error {}

const token = /\s*(?:(?:#|\/\/)[^\n]*\s*)*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_]+)|([{}=:,]))/y

function* tokenize(text: string): Generator<string, void, undefined> {
  token.lastIndex = 0
  const end = text.replace(/(?:\s|(?:#|\/\/)[^\n]*$)+$/, '').length
  while (token.lastIndex < end) {
    const found = token.exec(text)
    if (!found) throw new RuleError('Failed to parse ACL rules: unexpected text')
    const [, quoted, word, sign] = found
    yield quoted === undefined ? (word ?? sign ?? '') : `"${quoted.replace(/\\(.)/g, '$1')}`
  }
}

const levels = new Set<string>(['deny', 'read', 'list', 'write'])
const unquoted = (text: string): string => text.replace(/^"/, '')

function accessOf(text: string): Access {
  const level = unquoted(text)
  if (!levels.has(level)) throw new RuleError(`Invalid policy level: ${level}`)
  return level as Access
}

/** Parses Consul's rules in HCL or JSON: `key_prefix "app/" { policy = "write" }`, `operator = "read"`. */
export function parseRules(text: string): RuleSet {
  const rules: Rule[] = []
  const scalars = new Map<ScalarResource, Access>()
  const words = [...tokenize(text)].filter(word => word !== '=' && word !== ':' && word !== ',')
  const json = words[0] === '{'
  const body = json ? words.slice(1, -1) : words
  for (let at = 0; at < body.length; ) {
    const kind = unquoted(body[at] ?? '')
    if ((scalarResources as readonly string[]).includes(kind)) {
      scalars.set(kind as ScalarResource, accessOf(body[at + 1] ?? ''))
      at += 2
      continue
    }
    const prefix = kind.endsWith('_prefix')
    const resource = kind.replace(/_prefix$/, '') as Resource
    if (!resources.includes(resource)) throw new RuleError(`Failed to parse ACL rules: unknown key '${kind}'`)
    at = readBlock(body, at + 1, json, (name, access) => rules.push({resource, name, prefix, access}))
  }
  return {rules, scalars}
}

/**
 * Reads `"name" { policy = "x" }`, or in JSON `{"name": {"policy": "x"}, …}`. Returns the position after that.
 */
function readBlock(
  body: readonly string[],
  start: number,
  json: boolean,
  add: (name: string, access: Access) => void,
): number {
  const nested = json || body[start] === '{'
  let at = nested ? start + 1 : start
  do {
    if (nested && body[at] === '}') return at + 1
    const name = unquoted(body[at] ?? '')
    if (body[at + 1] !== '{') throw new RuleError('Failed to parse ACL rules: expected a block')
    let access: Access | undefined
    for (at += 2; body[at] !== '}'; at += 2) {
      if (at >= body.length) throw new RuleError('Failed to parse ACL rules: unclosed block')
      if (unquoted(body[at] ?? '') === 'policy') access = accessOf(body[at + 1] ?? '')
    }
    add(name, access ?? 'deny')
    at += 1
  } while (nested)
  return at
}
