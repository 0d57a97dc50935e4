import {createHash} from 'node:crypto'
import {encodeString} from './wire.js'

/**
 * Namespace of job signatures. Signatures of files or commits have other namespaces, so they are never valid for a job.
 */
export const sshNamespace = 'baton-exec'

/** Returns the bytes that an OpenSSH key signs for a message (PROTOCOL.sshsig). */
export const sshsigBytes = (message: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('SSHSIG'),
    encodeString(sshNamespace),
    encodeString(''),
    encodeString('sha512'),
    encodeString(createHash('sha512').update(message).digest()),
  ])
