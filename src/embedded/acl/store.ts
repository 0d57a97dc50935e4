import type {Clock, Random} from '../../core/types.js'
import {randomUuid} from '../uuid.js'
import {type Authorizer, allowAll, authorizerOf} from './authorizer.js'
import {identityRules, type NodeIdentity, type ServiceIdentity} from './identities.js'
import {parseRules, type RuleSet} from './rules.js'

export interface PolicyRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly text: string
  readonly rules: RuleSet
  /** Datacenters where the policy is valid. An empty list means all of them. */
  readonly datacenters: readonly string[] | undefined
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

export interface TokenRow {
  readonly accessorId: string
  readonly secretId: string
  readonly description: string
  /** IDs of policies. */
  readonly policies: readonly string[]
  readonly serviceIdentities: readonly ServiceIdentity[]
  readonly nodeIdentities: readonly NodeIdentity[]
  readonly local: boolean
  readonly createdMs: number
  /** Time at which the token expires; undefined if it does not. */
  readonly expiresMs: number | undefined
  readonly createIndex: bigint
  readonly modifyIndex: bigint
}

export type PolicyDraft = Omit<PolicyRow, 'rules' | 'createIndex' | 'modifyIndex'>
export type TokenDraft = Omit<TokenRow, 'createIndex' | 'modifyIndex'>

export const managementPolicyId = '00000000-0000-0000-0000-000000000001'
export const anonymousId = '00000000-0000-0000-0000-000000000002'
const noRules: RuleSet = {rules: [], scalars: new Map()}
const firstIndex = 5n

/** Tokens and policies. All datacenters of the process share one store. */
export class AclStore {
  readonly policies = new Map<string, PolicyRow>()
  readonly #random: Random
  readonly #clock: Clock
  readonly #byAccessor = new Map<string, TokenRow>()
  readonly #bySecret = new Map<string, TokenRow>()
  readonly #authorizers = new Map<string, Authorizer>()
  index = firstIndex

  constructor(managementToken: string, random: Random, clock: Clock) {
    this.#random = random
    this.#clock = clock
    const indexes = {createIndex: firstIndex, modifyIndex: firstIndex}
    this.policies.set(managementPolicyId, {
      id: managementPolicyId,
      name: 'global-management',
      description: 'Builtin Policy that grants unlimited access',
      text: '',
      rules: noRules,
      datacenters: undefined,
      ...indexes,
    })
    const first = {
      serviceIdentities: [],
      nodeIdentities: [],
      local: false,
      createdMs: clock.wallMs(),
      expiresMs: undefined,
      ...indexes,
    }
    this.#keep({
      accessorId: randomUuid(random),
      secretId: managementToken,
      description: 'Master Token',
      policies: [managementPolicyId],
      ...first,
    })
    this.#keep({accessorId: anonymousId, secretId: 'anonymous', description: 'Anonymous Token', policies: [], ...first})
  }

  /** Finds a token by its secret. The empty secret is that of the anonymous token. */
  token = (secret: string): TokenRow | undefined =>
    this.#alive(this.#bySecret.get(secret === '' ? 'anonymous' : secret))

  tokenByAccessor = (id: string): TokenRow | undefined => this.#alive(this.#byAccessor.get(id))

  /** All tokens, ordered by secret as in Consul. */
  tokens = (): readonly TokenRow[] =>
    [...this.#bySecret.values()]
      .filter(row => this.#alive(row) !== undefined)
      .sort((a, b) => (a.secretId < b.secretId ? -1 : 1))

  /** The permissions that the token with this secret has in a datacenter; undefined for an unknown secret. */
  authorizer(secret: string, datacenter: string): Authorizer | undefined {
    const row = this.token(secret)
    if (!row) return undefined
    const key = `${row.accessorId} ${datacenter}`
    const known = this.#authorizers.get(key)
    if (known) return known
    const made = row.policies.includes(managementPolicyId) ? allowAll : authorizerOf(this.#rulesOf(row, datacenter))
    this.#authorizers.set(key, made)
    return made
  }

  policyByName = (name: string): PolicyRow | undefined => [...this.policies.values()].find(row => row.name === name)

  /** Throws a RuleError if the rules are malformed. */
  putPolicy(draft: PolicyDraft): PolicyRow {
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

  putToken(draft: TokenDraft): TokenRow {
    this.index += 1n
    const known = this.#byAccessor.get(draft.accessorId)
    const row: TokenRow = {
      ...draft,
      accessorId: draft.accessorId || randomUuid(this.#random),
      secretId: draft.secretId || randomUuid(this.#random),
      createIndex: known?.createIndex ?? this.index,
      modifyIndex: this.index,
    }
    this.#keep(row)
    return row
  }

  deleteToken(accessorId: string): void {
    this.index += 1n
    const row = this.#byAccessor.get(accessorId)
    if (!row) return
    this.#byAccessor.delete(accessorId)
    this.#bySecret.delete(row.secretId)
  }

  #rulesOf(row: TokenRow, datacenter: string): readonly RuleSet[] {
    const ofPolicies = row.policies.flatMap(id => {
      const policy = this.policies.get(id)
      const isValid = policy && (!policy.datacenters?.length || policy.datacenters.includes(datacenter))
      return isValid ? [policy.rules] : []
    })
    return [...ofPolicies, ...identityRules(row.serviceIdentities, row.nodeIdentities, datacenter)]
  }

  #alive = (row: TokenRow | undefined): TokenRow | undefined =>
    row?.expiresMs !== undefined && row.expiresMs <= this.#clock.wallMs() ? undefined : row

  #keep(row: TokenRow): void {
    this.#byAccessor.set(row.accessorId, row)
    this.#bySecret.set(row.secretId, row)
    this.#authorizers.clear()
  }
}
