import {UsageError} from '../core/errors.js'

/** What clients notice of a version of Consul. Beyond 1.8.7 it follows release notes and sources, not measurements. */
export interface Profile {
  readonly version: string
  /** Larger transactions are refused. */
  readonly mostTxnOperations: number
  /** Why a key is refused, whatever is to be done with it; undefined for one that is not. */
  readonly refuseKey: (key: string) => string | undefined
  /** Answers that took longer never arrive: the connection is closed instead. */
  readonly longestAnswerMs: number
  /** Answers with an index say what made them, and health answers may come from the streaming backend. */
  readonly hasBackends: boolean
  /** Every answer says what ACLs do by default, and whether they hid something. */
  readonly saysAclPolicy: boolean
  /** Unknown paths and unknown IDs of services and checks are named. */
  readonly namesUnknown: boolean
  readonly knowsPartitions: boolean
}

const oldest = '1.8.7'
const newest = 22

/** Of 1.21.5 alone: also for keys that exist. */
const narrowKey = /^[a-zA-Z0-9,_./\-?&=]+$/
const refuseNarrow = (key: string): string | undefined =>
  narrowKey.test(key) ? undefined : `invalid key name, keys should respect the "${narrowKey.source}" format.`

const refuseTraversal = (key: string): string | undefined =>
  key !== key.trim() || key.split('/').includes('..')
    ? 'invalid key name, keys should not contain path traversal, nor spaces at their ends.'
    : undefined

const refuseNone = (): undefined => undefined

/** The profile of `1.8` to `1.22`, with or without a patch number. Throws a UsageError for any other. */
export function profileOf(version = oldest): Profile {
  const [, minorDigits = '', patchDigits = '0'] = /^1\.(\d{1,2})(?:\.(\d{1,2}))?$/.exec(version) ?? []
  const [minor, patch] = [Number(minorDigits), Number(patchDigits)]
  if (minorDigits === '' || minor < 8 || minor > newest) {
    throw new UsageError(`embedded agent: it cannot be like version '${version}'`, {
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
