import {createHash} from 'node:crypto'
import {encodeString} from './wire.js'

/**
 * Namespace of signatures of jobs. A signature of a file or a commit has another namespace, so it is never valid for a
 * job.
 */
export const sshNamespace = 'baton-exec'

/** Returns the bytes that a key of OpenSSH signs for a message (PROTOCOL.sshsig). */
export const sshsigBytes = (message: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('SSHSIG'),
    encodeString(sshNamespace),
    encodeString(''),
    encodeString('sha512'),
    encodeString(createHash('sha512').update(message).digest()),
  ])
