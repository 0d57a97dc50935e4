import * as Flags from '@oclif/core/flags'
import {trustDirectory} from '../directories.js'
import {execFlags} from './flags.js'

const {json, ndjson, diff, pin} = execFlags
const {'known-responders': knownResponders, 'require-signed': requireSigned, 'keys-dir': keysDir} = execFlags

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
