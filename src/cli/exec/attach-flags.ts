import * as Flags from '@oclif/core/flags'
import {trustDirectory} from '../directories.js'
import {execFlags} from './flags.js'

const {json, ndjson, diff, pin} = execFlags
const {'known-responders': knownResponders, 'require-signed': requireSigned, 'keys-dir': keysDir} = execFlags

/** The exit codes of the sub-commands of `baton exec` that show how a job ended. */
export const attachExits = {
  0: 'the command succeeded on every node',
  2: 'the command failed on a node',
  3: 'a node took too long, or was lost',
  4: 'an expected node did not answer',
  6: 'a node refused the job, or the answers of one are not believed',
  8: 'some output of a node was dropped',
} as const

/** The flags of the sub-commands of `baton exec` that read a job. */
export const attachFlags = {
  json,
  ndjson,
  fold: Flags.boolean({
    helpGroup: 'OUTPUT',
    description: 'at the end, print equal output once, under the folded names of its nodes',
    exclusive: ['json', 'ndjson'],
  }),
  diff,
  pin,
  'known-responders': knownResponders,
  'require-signed': requireSigned,
  'keys-dir': keysDir,
  'trust-dir': Flags.string({
    helpGroup: 'SIGNING',
    helpValue: 'DIR',
    description: 'public keys that may have signed the job, beside your own',
    default: trustDirectory,
  }),
}
