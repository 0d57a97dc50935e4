import {type AclRule, ruleOfRefusal} from '../core/api/acl-rule.js'
import type {Gap, SendPrepared} from '../core/http/types.js'
import type {Transport, TransportRequest, TransportResponse} from '../core/types.js'

/** The lists that are checked for items that the token may not read: only empty lists, or all lists. */
export type HiddenCheck = 'none' | 'empty' | 'all'

/**
 * Passes requests on to another transport. If the token may lack the permission to read all of a list, calls `onDoubt`
 * with the rule that the list needs, because Consul silently leaves out what the token may not read. Each rule is
 * reported once.
 */
export class HiddenItems implements Transport {
  readonly #inner: Transport
  readonly #check: () => HiddenCheck
  readonly #onDoubt: (rule: AclRule, datacenter: string) => void
  readonly #known = new Set<string>()

  /** `onDoubt` gets the datacenter that the request names; the empty string stands for the agent's own. */
  constructor(
    inner: Transport,
    options: {
      readonly check: () => HiddenCheck
      readonly onDoubt: (rule: AclRule, datacenter: string) => void
    },
  ) {
    this.#inner = inner
    this.#check = options.check
    this.#onDoubt = options.onDoubt
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const response = await this.#inner.send(request)
    const check = this.#check()
    if (check === 'none' || request.method !== 'GET') return response
    const [, query] = request.path.split('?')
    const datacenter = new URLSearchParams(query).get('dc') ?? ''
    const rule = ruleOfRefusal('GET', request.path, '')
    if (rule?.isPrefix !== true || !isList(response) || (check === 'empty' && !isEmpty(response))) return response
    const id = `${datacenter} ${rule.resource} ${rule.segment}`
    if (!this.#known.has(id)) this.#onDoubt(rule, datacenter)
    this.#known.add(id)
    return response
  }

  /** Prepared requests are writes, which show no lists. */
  prepare(request: TransportRequest, gap: Gap): SendPrepared | undefined {
    return this.#inner.prepare?.(request, gap)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]()
  }
}

/**
 * True for a list, even an empty one. A 404 without an index is not one: it does not come from Consul's key-value
 * store.
 */
const isList = ({status, headers}: TransportResponse): boolean =>
  status === 200 || (status === 404 && headers.has('x-consul-index'))

const isEmpty = ({status, body}: TransportResponse): boolean =>
  status === 404 || (body.length < 8 && /^(?:\[\]|\{\}|null)\s*$/.test(Buffer.from(body).toString()))
