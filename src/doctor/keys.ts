import type {Finding} from './types.js'

/** The signing keys of the user and the keys that a responder of this machine trusts. */
export interface KeyReport {
  readonly keysDirectory: string
  readonly own: readonly {readonly kid: string; readonly name: string}[]
  /** Why the own keys cannot be read; undefined if they can. */
  readonly ownProblem: string | undefined
  readonly trustDirectory: string
  readonly trusted: readonly {readonly kid: string; readonly name: string}[]
  readonly revoked: readonly string[]
  /** Reasons why a responder cannot read its trusted keys. */
  readonly trustProblems: readonly string[]
}

/** Checks that jobs can be signed here, and what a responder of this machine would accept. */
export const examineKeys = (report: KeyReport): readonly Finding[] => [examineOwn(report), ...examineTrust(report)]

function examineOwn({own, ownProblem, keysDirectory, revoked}: KeyReport): Finding {
  if (ownProblem !== undefined)
    return {check: 'keys', verdict: 'warn', text: ownProblem, fix: 'exec cannot sign jobs until the file is corrected'}
  if (own.length === 0)
    return {check: 'keys', verdict: 'ok', text: `no signing key in ${keysDirectory}: baton keys init creates one`}
  const dead = own.filter(({kid}) => revoked.includes(kid))
  if (dead.length > 0) {
    const text = `revoked on this machine: ${dead.map(nameKey).join(', ')}`
    return {check: 'keys', verdict: 'warn', text, fix: 'create another key: baton keys init NAME'}
  }
  return {check: 'keys', verdict: 'ok', text: `signing: ${own.map(nameKey).join(', ')}`}
}

function examineTrust({trusted, trustProblems, trustDirectory, revoked}: KeyReport): readonly Finding[] {
  const valid = trusted.filter(({kid}) => !revoked.includes(kid))
  const text =
    valid.length === 0
      ? `${trustDirectory} holds no key: a responder here refuses each signed job`
      : `a responder here trusts ${valid.map(nameKey).join(', ')}`
  return [
    ...(trustProblems.length === 0 ? [{check: 'trust', verdict: 'ok', text} as const] : []),
    ...trustProblems.map(
      (problem): Finding => ({
        check: 'trust',
        verdict: 'warn',
        text: problem,
        fix: 'until then a responder here keeps the keys of its last good state',
      }),
    ),
  ]
}

const nameKey = ({kid, name}: {readonly kid: string; readonly name: string}): string => `${kid} (${name})`
