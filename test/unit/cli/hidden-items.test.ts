import {expect, it} from 'vitest'
import {HiddenItems} from '../../../src/cli/hidden-items.js'
import {aclRuleText} from '../../../src/core/api/acl-rule.js'
import type {TransportResponse} from '../../../src/core/types.js'

const index = new Map([['x-consul-index', '7']])
const answer = (status: number, body: string, headers = index): TransportResponse => ({
  status,
  headers,
  body: Buffer.from(body),
})

async function doubts(path: string, response: TransportResponse, check: 'empty' | 'all' = 'empty'): Promise<string[]> {
  const rules: string[] = []
  const inner = {send: async () => response, async [Symbol.asyncDispose]() {}}
  const onDoubt = (rule: Parameters<typeof aclRuleText>[0], dc: string): unknown =>
    rules.push(`${aclRuleText(rule)}${dc === '' ? '' : ` in ${dc}`}`)
  const transport = new HiddenItems(inner, {check: () => check, onDoubt})
  for (let at = 0; at < 2; at += 1) await transport.send({method: 'GET', path, timeoutMs: 1000, plane: 'control'})
  return rules
}

it.each([
  ['/v1/kv/app/?recurse=', answer(404, ''), ['key_prefix "app/" { policy = "read" }']],
  ['/v1/kv/app/?keys=', answer(404, ''), ['key_prefix "app/" { policy = "read" }']],
  ['/v1/catalog/services', answer(200, '{}'), ['service_prefix "" { policy = "read" }']],
  ['/v1/catalog/nodes', answer(200, '[]\n'), ['node_prefix "" { policy = "read" }']],
  ['/v1/catalog/nodes', answer(200, '[{"Node":"a"}]'), []],
  ['/v1/catalog/nodes?dc=dc2', answer(200, '[]'), ['node_prefix "" { policy = "read" } in dc2']],
  ['/v1/kv/app/?recurse=', answer(404, '<html>', new Map()), []],
  ['/v1/kv/app', answer(404, ''), []],
])(
  'the check for hidden items reports an ACL rule for %s only if the answer is an empty list (case %#)',
  async (path, response, rules) => {
    expect(await doubts(path, response)).toEqual(rules)
  },
)

it('the check for hidden items reports an ACL rule even for a list with items if all lists are checked', async () => {
  const some = answer(200, '[{"Key":"app/a"}]')
  expect(await doubts('/v1/kv/app/?recurse=', some, 'all')).toEqual(['key_prefix "app/" { policy = "read" }'])
})
