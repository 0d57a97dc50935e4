import {UsageError} from '../core/errors.js'

/**
 * The differences between versions of Consul that clients notice. Those of versions after 1.8.7 follow release notes
 * and source code instead of measurements.
 */
export interface Profile {
  readonly version: string
  /** Maximum number of operations in a transaction. */
  readonly mostTxnOperations: number
  /** Returns the reason why all operations refuse a key; undefined if the key is accepted. */
  readonly refuseKey: (key: string) => string | undefined
  /** Maximum time for an answer. If an answer takes longer, the connection is closed instead. */
  readonly longestAnswerMs: number
  /**
   * True if a header names the query backend in answers that have an index. Health answers may then come from the
   * streaming backend.
   */
  readonly hasBackends: boolean
  /** True if every answer states the default ACL policy, and whether ACLs removed results. */
  readonly saysAclPolicy: boolean
  /** True if refusals name unknown paths and unknown IDs of services and checks. */
  readonly namesUnknown: boolean
  readonly knowsPartitions: boolean
}

const oldest = '1.8.7'
const newest = 22

/**
 * The only keys that Consul 1.21.5 accepts. It refuses other keys even if they exist, which other versions do
 * not.
 */
const narrowKey = /^[a-zA-Z0-9,_./\-?&=]+$/
const refuseNarrow = (key: string): string | undefined =>
  narrowKey.test(key) ? undefined : `invalid key name, keys should respect the "${narrowKey.source}" format.`

const refuseTraversal = (key: string): string | undefined =>
  key !== key.trim() || key.split('/').includes('..')
    ? 'invalid key name, keys should not contain path traversal, nor spaces at their ends.'
    : undefined

const refuseNone = (): undefined => undefined

/**
 * Returns the profile of a version from `1.8` to `1.22`, with or without a patch number. Throws a UsageError for
 * any other version.
 */
export function profileOf(version = oldest): Profile {
  const [, minorDigits = '', patchDigits = '0'] = /^1\.(\d{1,2})(?:\.(\d{1,2}))?$/.exec(version) ?? []
  const [minor, patch] = [Number(minorDigits), Number(patchDigits)]
  if (minorDigits === '' || minor < 8 || minor > newest) {
    throw new UsageError(`embedded agent: cannot imitate version '${version}'`, {
      hint: `give one from 1.8 to 1.${newest}`,
    })
  }
  const from = (least: number, leastPatch = 0): boolean => minor > least || (minor === least && patch >= leastPatch)
  return {
    version: minor === 8 ? oldest : `1.${minor}.${patch}`,
    mostTxnOperations: from(14) ? 128 : 64,
    refuseKey: from(21, 6) ? refuseTraversal : from(21, 5) ? refuseNarrow : refuseNone,
    longestAnswerMs: from(22) ? 30_000 : Number.POSITIVE_INFINITY,
    hasBackends: from(10),
    saysAclPolicy: from(11),
    namesUnknown: from(11),
    knowsPartitions: from(11),
  }
}
