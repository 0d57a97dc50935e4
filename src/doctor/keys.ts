import type {Finding} from './types.js'

/** The signing keys of the user, and the keys that a `baton responder` on this machine trusts. */
export interface KeyReport {
  readonly keysDirectory: string
  readonly own: readonly OwnKeyReport[]
  /** The reason why the user's keys cannot be listed; undefined if they can. */
  readonly ownProblem: string | undefined
  /** Name of the key that signs jobs unless another one is named. */
  readonly defaultName: string
  readonly trustDirectory: string
  readonly hasTrustDirectory: boolean
  readonly trusted: readonly {readonly kid: string; readonly name: string}[]
  readonly revoked: readonly string[]
  /** Reasons why a `baton responder` cannot read its trusted keys. */
  readonly trustProblems: readonly string[]
}

export interface OwnKeyReport {
  readonly name: string
  /** ID of the key; undefined if the private key cannot be used. */
  readonly kid: string | undefined
  /** The reason why the private key cannot be used, and what to do; undefined if it can. */
  readonly problem: string | undefined
  readonly fix: string | undefined
}

/** Checks that jobs can be signed on this machine, and which jobs a `baton responder` on this machine would accept. */
export const examineKeys = (report: KeyReport): readonly Finding[] => [...examineOwn(report), ...examineTrust(report)]

function examineOwn({own, ownProblem, keysDirectory, defaultName, revoked}: KeyReport): readonly Finding[] {
  const warn = (text: string, fix: string): Finding => ({check: 'keys', verdict: 'warn', text, fix})
  if (ownProblem !== undefined)
    return [warn(ownProblem, 'let this user read the directory, so that exec can sign jobs')]
  if (own.length === 0)
    return [{check: 'keys', verdict: 'ok', text: `no signing key in ${keysDirectory}: baton keys init creates one`}]
  const broken = own.filter(({problem}) => problem !== undefined)
  const whole = own.flatMap(({kid, name}) => (kid === undefined ? [] : [{kid, name}]))
  const dead = whole.filter(({kid}) => revoked.includes(kid))
  const usable = whole.filter(({kid}) => !revoked.includes(kid))
  const list = usable.map(nameKey).join(', ')
  const signing: Finding =
    usable.some(({name}) => name === defaultName) || usable.length === 0
      ? {check: 'keys', verdict: 'ok', text: `signing: ${list}`}
      : warn(
          `exec signs with the key ${defaultName}, which cannot be used; signing keys: ${list}`,
          'create it: baton keys init, or name another key for each run of exec',
        )
  return [
    ...(usable.length > 0 ? [signing] : []),
    ...broken.map(({problem = '', fix = 'restore the file, or create another key: baton keys init NAME'}) =>
      warn(problem, fix),
    ),
    ...(dead.length > 0
      ? [warn(`revoked on this machine: ${dead.map(nameKey).join(', ')}`, 'create another key: baton keys init NAME')]
      : []),
  ]
}

function examineTrust(report: KeyReport): readonly Finding[] {
  const {trusted, trustProblems, trustDirectory, hasTrustDirectory, revoked} = report
  const warn = (text: string, fix: string): Finding => ({check: 'trust', verdict: 'warn', text, fix})
  if (trustProblems.length > 0)
    return trustProblems.map(problem =>
      warn(problem, 'correct or remove that file: until then a responder here keeps the keys of its last good state'),
    )
  if (!hasTrustDirectory)
    return [
      {check: 'trust', verdict: 'ok', text: `no ${trustDirectory}: no responder of this machine runs signed jobs`},
    ]
  const valid = trusted.filter(({kid}) => !revoked.includes(kid))
  if (valid.length === 0)
    return [
      warn(
        `${trustDirectory} holds no valid key: a responder here refuses each signed job`,
        'add a public key: baton keys add FILE',
      ),
    ]
  return [{check: 'trust', verdict: 'ok', text: `a responder here trusts ${valid.map(nameKey).join(', ')}`}]
}

const nameKey = ({kid, name}: {readonly kid: string; readonly name: string}): string => `${kid} (${name})`
