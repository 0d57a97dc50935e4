import {aclRuleText, ruleOfRefusal} from '../api/acl-rule.js'
import {
  ConsulError,
  type ErrorCode,
  NoLeaderError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
} from '../errors.js'
import type {TransportResponse} from '../types.js'

interface Rule {
  readonly status?: number
  readonly text?: RegExp
  readonly make: typeof ConsulError
  readonly code: ErrorCode
  readonly transient: boolean
  readonly hint?: string
  /** True if the hint should name the ACL rule that the token lacks, provided that the rule can be derived. */
  readonly isMissingRule?: boolean
}

const refusedForGood =
  /boolean expression evaluator|strconv\.|^Invalid |^invalid session|^Missing |^missing |must be between|UUID must be|exceeds configured limit|^Cannot |is in critical state/

/**
 * Rules for Consul's refusals; the first one that matches applies. Only a part of the text is compared,
 * because forwarded errors have a prefix and newer versions of Consul extend their texts.
 */
const rules: readonly Rule[] = [
  {status: 429, make: RateLimitedError, code: 'BATON_RATE_LIMITED', transient: true},
  {status: 503, make: RateLimitedError, code: 'BATON_RATE_LIMITED', transient: true},
  {
    text: /No cluster leader|No known Consul servers|leadership lost|not the leader/i,
    make: NoLeaderError,
    code: 'BATON_NO_LEADER',
    transient: true,
  },
  {
    text: /No path to datacenter|Remote DC has no server/,
    make: NoLeaderError,
    code: 'BATON_NO_LEADER',
    transient: true,
    hint: 'check the name of the datacenter, and that it is joined',
  },
  {
    text: /rpc error getting client|rpc error making call: (EOF|.*connection refused|.*i\/o deadline|.*broken pipe)/,
    make: NoLeaderError,
    code: 'BATON_NO_LEADER',
    transient: true,
  },
  {
    text: /ACL not found/,
    make: PermissionError,
    code: 'BATON_ACL_DENIED',
    transient: false,
    hint: 'this cluster does not know the token',
  },
  {
    text: /Permission denied/,
    make: PermissionError,
    code: 'BATON_ACL_DENIED',
    transient: false,
    hint: 'the token lacks a permission',
    isMissingRule: true,
  },
  {status: 401, make: PermissionError, code: 'BATON_ACL_DENIED', transient: false},
  {status: 403, make: PermissionError, code: 'BATON_ACL_DENIED', transient: false},
  {status: 404, make: NotFoundError, code: 'BATON_NOT_FOUND', transient: false},
  {status: 413, make: ConsulError, code: 'BATON_TOO_LARGE', transient: false},
  {status: 500, text: refusedForGood, make: ConsulError, code: 'BATON_HTTP', transient: false},
]

const knownAbsence = /^(?:Session id '|[Uu]nknown (?:service|check) |No service |Query not found|Invalid URL path)/

/**
 * True if an agent sent this 404, and not, for instance, a proxy: an agent's reads carry X-Consul-Index, and
 * its other 404 answers have known texts.
 */
export const isConsulAbsence = ({status, headers, body}: TransportResponse): boolean =>
  status === 404 &&
  (headers.has('x-consul-index') || headers.has('x-consul-reason') || knownAbsence.test(body.toString('utf8', 0, 64)))

/** Returns the error for an answer that is not a success. */
export function toWireError(
  call: {readonly method: string; readonly path: string},
  response: TransportResponse,
  wallMs: number,
): ConsulError {
  const {status, headers, body} = response
  const text = body.toString('utf8', 0, 1024).trim()
  const [pathOnly = ''] = call.path.split('?')
  const said = text === '' ? '' : `: ${text.replaceAll(/\s+/g, ' ')}`
  if (status === 404 && !isConsulAbsence(response)) {
    const message = `the answer to ${call.method} ${pathOnly} is not Consul's: 404${said.slice(0, 80)}`
    return new ConsulError('BATON_BAD_ANSWER', message, {
      status,
      text,
      hint: 'does the address belong to a Consul agent?',
    })
  }
  const message = `Consul answered ${status} to ${call.method} ${pathOnly}${said}`
  const rule = rules.find(
    r => (r.status === undefined || r.status === status) && (r.text === undefined || r.text.test(text)),
  )
  const details = {method: call.method, path: pathOnly}
  if (!rule) return new ConsulError('BATON_HTTP', message, {status, text, details, transient: status >= 500})
  const {make: ErrorClass, code, transient} = rule
  const hint = rule.isMissingRule === true ? missingRule(call, text, rule.hint) : rule.hint
  const retryAfterMs = toRetryAfterMs(headers.get('retry-after'), wallMs)
  return new ErrorClass(code, message, {
    status,
    text,
    details,
    transient,
    ...(hint !== undefined && {hint}),
    ...(retryAfterMs !== undefined && {retryAfterMs}),
  })
}

function missingRule(
  {method, path}: {readonly method: string; readonly path: string},
  text: string,
  otherwise: string | undefined,
): string | undefined {
  const rule = ruleOfRefusal(method, path, text)
  return rule === undefined ? otherwise : `the token lacks ${aclRuleText(rule)}`
}

/**
 * Reads `Retry-After`, which RFC 9110 defines as seconds or a date. Returns undefined if the header asks for
 * no delay.
 */
function toRetryAfterMs(text: string | undefined, wallMs: number): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - wallMs
  return ms > 0 ? ms : undefined
}
