import fc from 'fast-check'

/**
 * A request that is sent to both agents. `{p}` is the prefix of the run, `{u1}` and `{u2}` two UUIDs of the run,
 * `{node}` the agent's own node, `{s0}`…`{s2}` the sessions that the run created, `{i:KEY}` the current ModifyIndex of
 * a key on each agent.
 */
export interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: string
  /** Number under which the session's ID in the answer is stored. */
  readonly session?: 0 | 1 | 2
}

export type Asks = fc.Arbitrary<Ask>

export const get = (path: string): Ask => ({method: 'GET', path: `/v1/${path}`})
export const put = (path: string, body?: unknown): Ask => {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  return {method: 'PUT', path: `/v1/${path}`, ...(text !== undefined && {body: text})}
}

export const slot = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
/** The ID of a session, which is usually one that the run has created, and otherwise one that does not exist. */
export const holder = fc.oneof(
  {weight: 8, arbitrary: slot.map(at => `{s${at}}`)},
  {weight: 1, arbitrary: fc.constantFrom('', 'nope', '11111111-2222-3333-4444-555555555555', 'z'.repeat(36))},
)
export const key = fc.constantFrom('a', 'b', 'a/b', 'a/c', 'd/', 'ä', 'd/e f')
export const value = fc.constantFrom('', 'v', 'w', 'longer <&> value')
export const index = (name: string): fc.Arbitrary<string> => fc.constantFrom('0', '1', `{i:${name}}`)
/** A parameter that is given only rarely. */
export const rarely = (...texts: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof({weight: 9, arbitrary: fc.constant('')}, {weight: 1, arbitrary: fc.constantFrom(...texts)})
