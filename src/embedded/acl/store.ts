import type {Random} from '../../core/types.js'
import {randomUuid} from '../uuid.js'
import {type Authorizer, allowAll, authorizerOf} from './authorizer.js'
import {parseRules, type RuleSet} from './rules.js'

export interface PolicyRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly text: string
  readonly rules: RuleSet
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

export interface TokenRow {
  readonly accessorId: string
  readonly secretId: string
  readonly description: string
  /** IDs of policies. */
  readonly policies: readonly string[]
  readonly local: boolean
  readonly createdMs: number
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

const managementPolicyId = '00000000-0000-0000-0000-000000000001'
const anonymousId = '00000000-0000-0000-0000-000000000002'
const noRules: RuleSet = {rules: [], scalars: new Map()}

/** Tokens and policies: one store for all datacenters of the process. */
export class AclStore {
  readonly policies = new Map<string, PolicyRow>()
  /** By accessor ID. */
  readonly tokens = new Map<string, TokenRow>()
  readonly #random: Random
  readonly #bySecret = new Map<string, TokenRow>()
  readonly #authorizers = new Map<string, Authorizer>()
  index = 5n

  constructor(managementToken: string, random: Random, nowMs: number) {
    this.#random = random
    const first = {createdMs: nowMs, local: false, createIndex: 5n, modifyIndex: 5n}
    const policy = {
      id: managementPolicyId,
      name: 'global-management',
      description: 'Builtin Policy that grants unlimited access',
      text: '',
      rules: noRules,
    }
    this.policies.set(managementPolicyId, {...policy, createIndex: 5n, modifyIndex: 5n})
    this.#keep({
      accessorId: randomUuid(random),
      secretId: managementToken,
      description: 'Master Token',
      policies: [managementPolicyId],
      ...first,
    })
    this.#keep({accessorId: anonymousId, secretId: 'anonymous', description: 'Anonymous Token', policies: [], ...first})
  }

  token = (secret: string): TokenRow | undefined => this.#bySecret.get(secret === '' ? 'anonymous' : secret)

  /** Undefined for a secret that nobody has. The empty one is the anonymous token's. */
  authorizer(secret: string): Authorizer | undefined {
    const row = this.token(secret)
    if (!row) return undefined
    const known = this.#authorizers.get(row.accessorId)
    if (known) return known
    const made = row.policies.includes(managementPolicyId)
      ? allowAll
      : authorizerOf(row.policies.flatMap(id => this.policies.get(id)?.rules ?? []))
    this.#authorizers.set(row.accessorId, made)
    return made
  }

  policyByName = (name: string): PolicyRow | undefined => [...this.policies.values()].find(row => row.name === name)

  /** Throws a RuleError for rules that cannot be read. */
  putPolicy(draft: {
    readonly id: string
    readonly name: string
    readonly description: string
    readonly text: string
  }): PolicyRow {
    const rules = parseRules(draft.text)
    const id = draft.id || randomUuid(this.#random)
    this.index += 1n
    const row: PolicyRow = {
      ...draft,
      id,
      rules,
      createIndex: this.policies.get(id)?.createIndex ?? this.index,
      modifyIndex: this.index,
    }
    this.policies.set(id, row)
    this.#authorizers.clear()
    return row
  }

  deletePolicy(id: string): void {
    this.index += 1n
    this.policies.delete(id)
    this.#authorizers.clear()
  }

  putToken(draft: Omit<TokenRow, 'createIndex' | 'modifyIndex'>): TokenRow {
    this.index += 1n
    const known = this.tokens.get(draft.accessorId)
    const row: TokenRow = {
      ...draft,
      accessorId: draft.accessorId || randomUuid(this.#random),
      secretId: draft.secretId || known?.secretId || randomUuid(this.#random),
      createIndex: known?.createIndex ?? this.index,
      modifyIndex: this.index,
    }
    this.#keep(row)
    return row
  }

  deleteToken(accessorId: string): void {
    this.index += 1n
    const row = this.tokens.get(accessorId)
    if (!row) return
    this.tokens.delete(accessorId)
    this.#bySecret.delete(row.secretId)
  }

  #keep(row: TokenRow): void {
    this.tokens.set(row.accessorId, row)
    this.#bySecret.set(row.secretId, row)
    this.#authorizers.delete(row.accessorId)
  }
}
