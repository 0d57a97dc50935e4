import {describe, expect, it} from 'vitest'
import {
  type ConsulError,
  NoLeaderError,
  NotFoundError,
  PermissionError,
  RateLimitedError,
} from '../../../../src/core/errors.js'
import {toWireError} from '../../../../src/core/http/wire-errors.js'

const nowMs = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')
const refusal = (status: number, text: string, headers: ReadonlyMap<string, string> = new Map()): ConsulError =>
  toWireError({method: 'GET', path: '/v1/kv/a?token=secret&recurse'}, {status, headers, body: Buffer.from(text)}, nowMs)

describe('toWireError', () => {
  it.each([
    [500, 'No cluster leader', 'BATON_NO_LEADER', true],
    [500, 'rpc error making call: No cluster leader', 'BATON_NO_LEADER', true],
    [500, 'No known Consul servers', 'BATON_NO_LEADER', true],
    [500, 'rpc error making call: EOF', 'BATON_NO_LEADER', true],
    [500, 'rpc error making call: dial tcp 127.0.0.1:8300: connect: connection refused', 'BATON_NO_LEADER', true],
    [500, 'No path to datacenter', 'BATON_NO_LEADER', true],
    [429, '', 'BATON_RATE_LIMITED', true],
    [
      429,
      'Your IP is issuing too many concurrent connections, please rate limit your calls',
      'BATON_RATE_LIMITED',
      true,
    ],
    [503, 'rate limit exceeded, try again later or against a different server', 'BATON_RATE_LIMITED', true],
    [403, 'Permission denied', 'BATON_ACL_DENIED', false],
    [403, 'ACL not found', 'BATON_ACL_DENIED', false],
    [500, 'rpc error making call: Permission denied', 'BATON_ACL_DENIED', false],
    [401, '', 'BATON_ACL_DENIED', false],
    [404, "Session id 'x' not found", 'BATON_NOT_FOUND', false],
    [404, 'unknown service ID: x', 'BATON_NOT_FOUND', false],
    [404, 'Unknown check ID "x". Ensure that the check ID is passed, not the check name.', 'BATON_NOT_FOUND', false],
    [404, '', 'BATON_BAD_ANSWER', false],
    [404, '404 page not found', 'BATON_BAD_ANSWER', false],
    [404, '<html>Not Found</html>', 'BATON_BAD_ANSWER', false],
    [413, 'Request body too large', 'BATON_TOO_LARGE', false],
    [400, 'Invalid index', 'BATON_HTTP', false],
    [405, 'method PATCH not allowed', 'BATON_HTTP', false],
    [301, '', 'BATON_HTTP', false],
    [500, 'Failed to create boolean expression evaluator: 1:2: no match found', 'BATON_HTTP', false],
    [500, 'invalid session "x"', 'BATON_HTTP', false],
    [500, 'something new', 'BATON_HTTP', true],
    [502, '<html>Bad Gateway</html>', 'BATON_HTTP', true],
    [504, '', 'BATON_HTTP', true],
  ])('maps status %d with the text %j to %s', (status, text, code, transient) => {
    expect(refusal(status, text)).toMatchObject({code, transient, status, text})
  })

  it.each([
    [500, 'No cluster leader', NoLeaderError],
    [429, '', RateLimitedError],
    [403, 'Permission denied', PermissionError],
    [404, "Session id 'x' not found", NotFoundError],
  ])('maps status %d with the text %j to the right error class', (status, text, type) => {
    expect(refusal(status, text)).toBeInstanceOf(type)
  })

  it.each([
    ['7', 7000],
    ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
    ['Wed, 21 Oct 2026 07:27:30 GMT', undefined],
    ['0', undefined],
    ['-3', undefined],
    ['soon', undefined],
  ])('reads a Retry-After of %j as %s ms', (text, retryAfterMs) => {
    expect(refusal(503, '', new Map([['retry-after', text]]))).toMatchObject({retryAfterMs})
  })

  it("shows the request without its query string, and Consul's text in one line", () => {
    const {message} = refusal(500, 'two\nlines')
    expect(message).toBe('Consul answered 500 to GET /v1/kv/a: two lines')
  })

  it('keeps at most 1 kB of the text', () => {
    expect(refusal(500, 'x'.repeat(5000)).text).toHaveLength(1024)
  })

  it.each([
    ['GET', '/v1/kv/a%2Fb', '', 'key "a/b" { policy = "read" }'],
    ['GET', '/v1/kv/a/?recurse&index=4', '', 'key_prefix "a/" { policy = "read" }'],
    ['GET', '/v1/kv/a/?keys=', '', 'key_prefix "a/" { policy = "read" }'],
    ['PUT', '/v1/kv/a/b?cas=0', '', 'key "a/b" { policy = "write" }'],
    ['DELETE', '/v1/kv/a?recurse', '', 'key_prefix "a" { policy = "write" }'],
    ['PUT', '/v1/session/create', '', 'session_prefix "" { policy = "write" }'],
    ['GET', '/v1/session/list', '', 'session_prefix "" { policy = "read" }'],
    ['PUT', '/v1/event/fire/deploy?node=x', '', 'event "deploy" { policy = "write" }'],
    ['GET', '/v1/agent/self', '', 'agent_prefix "" { policy = "read" }'],
    ['PUT', '/v1/agent/service/register', '', 'service_prefix "" { policy = "write" }'],
    ['GET', '/v1/agent/members', '', 'node_prefix "" { policy = "read" }'],
    ['GET', '/v1/health/state/any', '', 'node_prefix "" { policy = "read" }'],
    ['GET', '/v1/catalog/service/web', '', 'service_prefix "" { policy = "read" }'],
    [
      'PUT',
      '/v1/session/create',
      ": token with AccessorID 'x' lacks permission 'session:write' on \"n1\"",
      'session "n1" { policy = "write" }',
    ],
    ['PUT', '/v1/agent/service/register', ': Missing service:write on db', 'service "db" { policy = "write" }'],
  ])('shows the ACL rule that %s %s needs%s', (method, path, said, rule) => {
    const body = Buffer.from(`Permission denied${said}`)
    const error = toWireError({method, path}, {status: 403, headers: new Map(), body}, nowMs)
    expect(error.hint).toBe(`the token lacks ${rule}`)
  })

  it('shows no ACL rule if the request does not reveal which rule is missing', () => {
    const body = Buffer.from('Permission denied')
    const error = toWireError({method: 'PUT', path: '/v1/txn'}, {status: 403, headers: new Map(), body}, nowMs)
    expect(error.hint).toBe('the token lacks a permission')
  })
})
